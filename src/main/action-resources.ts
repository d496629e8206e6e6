import type { Config } from '../config/config.js';
import type { ActionResources } from '../domain/action.js';
import type { SecretKeeper } from '../secrets/secret-keeper.js';
import type { Inventory } from '../targets/inventory.js';

/** A developer's own machine may be called; everywhere else private addresses are granted by name. */
const DEV_EGRESS = ['127.0.0.0/8', '::1'];

/** What actions may reach, by settings. */
export function actionResources(config: Config, keeper: SecretKeeper, inventory: Inventory): ActionResources {
  return {
    secret: (path) => keeper.get(path),
    target: (name) => inventory.get(name),
    grantedAddresses: config.egressAllow ?? (config.stage === 'dev' ? DEV_EGRESS : []),
    containers: { engine: { address: config.containerEngine }, images: config.containerImages ?? [] },
    scrub: (value) => keeper.redactor.json(value),
    scrubStream: () => keeper.redactor.stream(),
  };
}
