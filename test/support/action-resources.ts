import type { ActionResources, Target } from '../../src/domain/action.js';
import { SecretKeeper } from '../../src/secrets/secret-keeper.js';
import { environmentSecrets } from '../../src/secrets/environment-store.js';
import { Inventory } from '../../src/targets/inventory.js';

/** What actions reach in tests: this machine, the given targets, and secrets from the given variables. */
export function testResources(
  given: { targets?: readonly Target[]; variables?: Record<string, string> } = {},
): ActionResources {
  const keeper = new SecretKeeper(environmentSecrets(given.variables ?? {}, 'test'), 'test');
  const inventory = new Inventory(given.targets);
  return {
    secret: (path) => keeper.get(path),
    target: (name) => inventory.get(name),
    grantedAddresses: ['127.0.0.0/8', '::1'],
    containers: { engine: { address: '' }, images: [] },
    scrub: (value) => keeper.redactor.json(value),
    scrubStream: () => keeper.redactor.stream(),
  };
}
