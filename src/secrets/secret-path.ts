import { ActionFailure } from '../domain/action.js';

const PATTERN = /^[a-z0-9_-]+(\/[a-z0-9_.-]+)*$/;
const MAX_LENGTH = 512;
const NAMESPACES = new Set(['sys', 'team', 'user']);

/**
 * The full path of a reference (language §6.1): one that does not begin with `sys/`, `team/` or `user/` belongs to the
 * integrations of this environment.
 * @throws ActionFailure `secret_path` for anything that is not a plain path.
 */
export function fullSecretPath(reference: string, envId: string): string {
  const segments = reference.split('/');
  const isPlain = PATTERN.test(reference) && !segments.some((segment) => segment === '.' || segment === '..');
  if (!isPlain || reference.length > MAX_LENGTH) {
    throw new ActionFailure({
      code: 'secret_path',
      message:
        'A secret is named by a path like ssh/ops: a-z, 0-9, dot, hyphen and underscore, at most 512 characters.',
      retryable: false,
    });
  }
  const isFull = segments.length > 1 && NAMESPACES.has(segments[0] ?? '');
  return isFull ? reference : `${integrationsOf(envId)}${reference}`;
}

/** Where the secrets of an environment's integrations lie. */
export function integrationsOf(envId: string): string {
  return `sys/${envId}/integrations/`;
}
