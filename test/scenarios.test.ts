import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileContext } from '../src/main/compiler.js';
import { runScenarioFiles } from '../src/scenarios/scenario-files.js';

const blueprints = fileURLToPath(new URL('../blueprints', import.meta.url));
let folder: string;

beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'xyn-docs-'))));
afterAll(() => rm(folder, { recursive: true }));

it('the shipped blueprints pass their scenarios, in any order of events, and no step is left out', async () => {
  const report = await runScenarioFiles([blueprints], compileContext(), { chaos: true, coverage: true });
  expect(report.files.map(({ problems, scenarios }) => [problems, scenarios.filter(({ ok }) => !ok)])).toEqual(
    report.files.map(() => [[], []]),
  );
  expect(report.files.map(({ coverage }) => coverage?.missed)).toEqual(report.files.map(() => []));
});

it('the example of the guide passes', async () => {
  const page = await readFile(new URL('../docs/scenario-tests.md', import.meta.url), 'utf8');
  const [, example = ''] = /^```yaml\n(.*?)^```/ms.exec(page) ?? [];
  await writeFile(join(folder, 'example.test.yaml'), example.replace('./', `${blueprints}/`));
  expect(await runScenarioFiles([folder], compileContext())).toMatchObject({ ok: true, passed: 1 });
});
