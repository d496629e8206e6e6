import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { describeWith } from '../support/parts.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import { startXyn } from '../support/xyn-process.js';

/** Packages that only some steps or settings need. */
const ON_FIRST_USE = ['openai', '@anthropic-ai/sdk', 'dockerode', 'ssh2', '@swc/core', '@opentelemetry/sdk-node'];
/** What a worker loads with the first step that needs it: it starts sooner without. */
const ON_FIRST_STEP = ['yaml', 'ajv', '@prisma/client', '@prisma/adapter-pg'];
/** What it loads as soon as it polls, so that the first step does not wait for it. */
const WHEN_READY = ['undici'];
const preload = fileURLToPath(new URL('../support/loaded-files.mjs', import.meta.url));
let database: TestDatabase;
let dir: string;

describeWith('temporal')('a process that is ready', () => {
  beforeAll(async () => {
    database = await freshDatabase();
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-loaded-'));
  });
  afterAll(async () => {
    await database.drop();
    await rm(dir, { recursive: true, force: true });
  });

  it.each([
    ['xyn-api', ON_FIRST_USE, []],
    ['xyn-worker', [...ON_FIRST_USE, ...ON_FIRST_STEP], WHEN_READY],
  ] as const)('%s has loaded nothing that it may never use', async (program, onFirstUse, whenReady) => {
    const { address } = await testTemporal();
    const file = path.join(dir, `${program}.loaded`);
    const env = {
      HOME: dir,
      DATABASE_URL: database.url,
      ...(program === 'xyn-api' ? { DATABASE_OWNER_URL: database.ownerUrl, XYN_PORT: '0' } : {}),
      TEMPORAL_ADDRESS: address,
      XYN_TASK_QUEUE: `loaded-${randomUUID()}`,
      XYN_STATE_DIR: path.join(dir, 'state'),
      // With the keys of both providers.
      OPENAI_API_KEY: 'unused',
      ANTHROPIC_API_KEY: 'unused',
      XYN_TEST_LOADED: file,
    };
    const child = await startXyn(program, env, path.join(dir, `${program}.log`), ['--import', preload]);
    try {
      const files = await until('the list is complete', async () => {
        child.process.kill('SIGUSR2');
        const text = await readFile(file, 'utf8');
        const afterReady = text.slice(text.indexOf('-- ready'));
        return (
          text.includes('-- end') &&
          whenReady.every((name) => afterReady.includes(`/node_modules/${name}/`)) &&
          text.split('\n')
        );
      });
      const atReady = files.slice(0, files.indexOf('-- ready'));
      expect(atReady.filter((name) => whenReady.some((late) => name.includes(`/node_modules/${late}/`)))).toEqual([]);
      const packageOf = (name: string): string => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? '';
      const packages = new Set(files.map(packageOf));
      // The list has both kinds of modules.
      expect([...packages]).toEqual(expect.arrayContaining(['zod', 'pg', 'pino']));
      expect(onFirstUse.filter((name) => packages.has(name))).toEqual([]);
    } finally {
      child.process.kill('SIGTERM');
      await child.ended;
    }
  });
});
