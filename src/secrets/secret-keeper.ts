import { ActionFailure } from '../domain/action.js';
import { Redactor } from './redactor.js';
import { fullSecretPath } from './secret-path.js';
import type { SecretStore } from './secret-store.js';

/** Hands secrets out by reference and remembers them, so that they can be masked in all that is written afterwards. */
export class SecretKeeper {
  /** Knows every value that was handed out. */
  readonly redactor = new Redactor();
  readonly #store: SecretStore;
  readonly #envId: string;

  constructor(store: SecretStore, envId: string) {
    this.#store = store;
    this.#envId = envId;
  }

  /** @throws ActionFailure `secret_path` or `secret_not_found`, never with a hint at a value. */
  async get(reference: string): Promise<string> {
    const path = fullSecretPath(reference, this.#envId);
    const value = await this.#store.get(path);
    if (value === undefined) {
      throw new ActionFailure({ code: 'secret_not_found', message: `There is no secret ${path}.`, retryable: false });
    }
    this.redactor.add(value);
    return value;
  }
}
