import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../support/node.js';
import { testTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';
import type { rejecting } from '../support/rejecting-workflow/index.js';

const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const taskQueue = `workflow-context-${randomUUID()}`;
const closers: (() => Promise<unknown>)[] = [];
let client: Client;

beforeAll(async () => {
  const { address } = await testTemporal();
  const connection = await Connection.connect({ address });
  closers.push(() => connection.close());
  client = new Client({ connection });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: at('test/support/rejecting-workflow/index.ts'),
    preloadModules: [at('workflows/promises-without-stacks.ts')],
    logger: { ...silentLog, log: silentLog.debug, trace: silentLog.debug },
  });
  const native = await NativeConnection.connect({ address });
  closers.push(() => native.close());
  const worker = await Worker.create({ connection: native, taskQueue, workflowBundle });
  const running = worker.run();
  closers.push(() => {
    worker.shutdown();
    return running;
  });
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

function start(input: Parameters<typeof rejecting>[0]) {
  return client.workflow.start<typeof rejecting>('rejecting', { taskQueue, workflowId: randomUUID(), args: [input] });
}

it('promises of a workflow carry no stack', async () => {
  const handle = await start({});
  expect(await handle.query('__stack_trace')).toBe('');
  await handle.terminate();
});

it('a rejection that nobody waits for still fails the task of its own run', async () => {
  const [other, handle] = await Promise.all([start({}), start({ message: 'lost' })]);
  const failures = async (): Promise<(string | null | undefined)[]> =>
    ((await handle.fetchHistory()).events ?? []).flatMap(
      ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
    );
  await until('its task has failed', async () => (await failures()).length > 0);
  expect((await failures())[0]).toContain('Unhandled Promise rejection: Error: lost');
  expect(await other.query('__stack_trace')).toBe('');
  await Promise.all([other.terminate(), handle.terminate()]);
});
