import type { Config } from '../config/config.js';
import type { ActionResources } from '../domain/action.js';
import type { SecretKeeper } from '../secrets/secret-keeper.js';
import { loadInventory } from '../targets/inventory.js';

/** A developer's own machine may be called; everywhere else private addresses are granted by name. */
const DEV_EGRESS = ['127.0.0.0/8', '::1'];

/**
 * What actions may reach, by settings.
 * @throws XynFault `config_invalid` when the inventory of targets cannot be used.
 */
export function actionResources(config: Config, keeper: SecretKeeper): ActionResources {
  const inventory = loadInventory(config.targetsFile);
  return {
    secret: (path) => keeper.get(path),
    target: (name) => inventory.get(name),
    grantedAddresses: config.egressAllow ?? (config.stage === 'dev' ? DEV_EGRESS : []),
    scrub: (value) => keeper.redactor.json(value),
    scrubStream: () => keeper.redactor.stream(),
  };
}
