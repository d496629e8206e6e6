import { describe } from '@jest/globals';

/** Parts of a machine that some tests need. */
export type Part = 'temporal' | 'sshd' | 'docker' | 'go';

/**
 * `describe` for tests that need a part: where it is missing they are skipped and counted on a developer's machine, and
 * fail under `CI=true`.
 */
export function describeWith(part: Part): typeof describe.skip {
  const missing = (process.env['XYN_TEST_MISSING'] ?? '').split(',').includes(part);
  if (!missing) return describe;
  if (process.env['CI']) throw new Error(`${part} is missing, and this is CI`);
  return describe.skip;
}
