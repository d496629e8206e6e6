import { describe } from '@jest/globals';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Parts of a machine that some tests need. */
export type Part = 'temporal' | 'sshd' | 'docker' | 'go' | 'docker-compose' | 'psql';

/** Notes that a part is missing, aloud, so that `describeWith` skips and counts its tests, or fails in CI. */
export function noteMissing(part: Part, reason: string): void {
  process.stderr.write(`\nTESTS ARE SKIPPED, since ${reason}\n`);
  process.env['XYN_TEST_MISSING'] = [process.env['XYN_TEST_MISSING'], part].filter(Boolean).join(',');
}

/** Notes it when a program cannot be run. */
export async function noteProgram(program: Part, debianPackage: string): Promise<void> {
  await promisify(execFile)(program, ['--version']).catch(() =>
    noteMissing(program, `there is no ${program} (Debian: ${debianPackage})`),
  );
}

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
