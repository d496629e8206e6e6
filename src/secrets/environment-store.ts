import { XynFault } from '../domain/fault.js';
import { integrationsOf } from './secret-path.js';
import type { SecretStore } from './secret-store.js';

const PREFIX = 'XYN_SECRET_';

/**
 * Secrets from environment variables: `XYN_SECRET_` and the path in upper case, other characters as `_`. Integrations
 * of this environment are found under their short path as well: `ssh/ops` is `XYN_SECRET_SSH_OPS`. Paths that differ in
 * other characters only share a variable. Empty variables are no secrets.
 * @param env the variables; read again at every call.
 */
export function environmentSecrets(env: Readonly<Record<string, string | undefined>>, envId: string): SecretStore {
  const own = integrationsOf(envId);
  const readOnly = (): Promise<never> =>
    Promise.reject(
      new XynFault('secrets_read_only', 'Secrets are environment variables here; set XYN_SECRET_… there.'),
    );
  return {
    async get(path) {
      const short = path.startsWith(own) ? valueOf(env, path.slice(own.length)) : undefined;
      return valueOf(env, path) ?? short;
    },
    async list(prefix) {
      // A variable does not tell which characters its underscores were, so names come as they can be asked for.
      const wanted = variableOf(prefix);
      const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== '');
      const full = names.map((name) => name.slice(PREFIX.length).toLowerCase());
      return full.filter((name) => variableOf(name).startsWith(wanted)).sort();
    },
    put: readOnly,
    delete: readOnly,
  };
}

function variableOf(path: string): string {
  return PREFIX + path.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

function valueOf(env: Readonly<Record<string, string | undefined>>, path: string): string | undefined {
  return env[variableOf(path)] || undefined;
}
