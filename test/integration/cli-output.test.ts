import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { blueprintSchemaText } from '../../src/main/document-actions.js';

const program = fileURLToPath(new URL('../../bin/xynctl.js', import.meta.url));

it('a command that writes more than a pipe holds is read to its end', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'blueprints', 'schema']);
  expect(blueprintSchemaText().length).toBeGreaterThan(65_536);
  expect(stdout).toBe(blueprintSchemaText());
}, 30_000);
