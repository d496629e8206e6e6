import { bundleWorkflowCode, NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { createActivities } from '../../activities/index.js';
import { catalogApprovals } from '../../src/catalog/approvals.js';
import type { Catalog } from '../../src/catalog/connect.js';
import { recordWriter } from '../../src/catalog/records.js';
import { catalogAccess } from '../../src/catalog/unit-of-work.js';
import { defineAction, type ActionResources } from '../../src/domain/action.js';
import type { AgentRouter } from '../../src/domain/agent.js';
import type { StepArtifacts } from '../../src/domain/artifacts.js';
import type { JsonObject } from '../../src/domain/json.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
import { ScheduleTickService } from '../../src/services/schedule-ticks.js';
import { silentLog, testEnv } from './node.js';

const anyJson = z.record(z.string(), z.json());

/** One pack of actions that answer with their input. */
export const testActions = new ActionRegistry([
  {
    name: 'test',
    version: '1.0.0',
    actions: [
      defineAction<JsonObject, JsonObject>({
        name: 't.echo',
        summary: 'answers with its input',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'write', idempotency: 'keyed' },
        errors: {},
        execute: (input) => Promise.resolve(input),
      }),
      defineAction<JsonObject, JsonObject>({
        name: 't.login',
        summary: 'answers with its input, of which `session.token` is never recorded',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'read', idempotency: 'safe' },
        redact: { input: ['session.token'], output: ['session.token'] },
        errors: {},
        execute: (input) => Promise.resolve(input),
      }),
      defineAction<JsonObject, JsonObject>({
        name: 't.print',
        summary: 'writes its texts as a program would, and says how long they are',
        input: anyJson,
        output: anyJson,
        traits: { effect: 'read', idempotency: 'safe' },
        errors: {},
        execute: (input, context) => {
          const text = input['text'] as string;
          for (let at = 0; at < text.length; at += 5) context.output('stdout', Buffer.from(text.slice(at, at + 5)));
          context.output('stderr', Buffer.from('no newline'));
          return Promise.resolve({ length: text.length });
        },
      }),
    ],
  },
]);

/** The action lock of plans that use `testActions`. */
export const testLock = Object.fromEntries(
  testActions.names().map((name) => [name, { pack: 'test@1.0.0', contract: testActions.find(name)?.contract ?? '' }]),
);

let bundle: Promise<WorkflowBundleOption> | undefined;

/** The bundle of the build, unless its sources are newer: making one takes seconds. */
export function workflowBundle(): Promise<WorkflowBundleOption> {
  bundle ??= findBundle();
  return bundle;
}

async function findBundle(): Promise<WorkflowBundleOption> {
  const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const built = at('dist/workflow-bundle.js');
  const madeAt = await timeOf(built);
  const sources = ['workflows', 'src/domain'].map((folder) => at(folder));
  const files = await Promise.all(sources.map((folder) => readdir(folder, { recursive: true })));
  const times = await Promise.all(
    files.flatMap((names, ix) => names.map((name) => timeOf(path.join(sources[ix] as string, name)))),
  );
  if (times.every((time) => time <= madeAt)) return { codePath: built };
  const logger = { ...silentLog, log: silentLog.debug, trace: silentLog.debug };
  const preloadModules = [at('workflows/task-scopes.ts')];
  return bundleWorkflowCode({ workflowsPath: at('workflows/index.ts'), preloadModules, logger });
}

async function timeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** The interpreter as a worker, with records in the catalog. */
export async function testWorker(options: {
  catalog: Catalog;
  address: string;
  taskQueue: string;
  artifacts?: StepArtifacts;
  /** Default: `testActions`. */
  actions?: ActionRegistry;
  /** Absent: every question is answered with `because`. */
  agents?: AgentRouter;
  /** Absent: public addresses only, and nothing that Xyn keeps. */
  resources?: ActionResources;
}): Promise<{ records: RecordBuffer; stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address: options.address });
  const records = new RecordBuffer({
    writer: recordWriter(options.catalog),
    log: silentLog,
  });
  const worker = await Worker.create({
    connection,
    taskQueue: options.taskQueue,
    workflowBundle: await workflowBundle(),
    maxConcurrentActivityTaskExecutions: 100,
    activities: createActivities({
      records,
      approvals: catalogApprovals(options.catalog),
      actions: options.actions ?? testActions,
      agents: options.agents ?? { ask: () => Promise.resolve({ outputs: { text: 'because' }, footprints: [] }) },
      pausedMs: () => Promise.resolve(0),
      schedules: new ScheduleTickService({
        catalog: catalogAccess(options.catalog),
        envId: testEnv.id,
        clock: Date.now,
      }),
      worker: 'test',
      ...(options.artifacts === undefined
        ? {}
        : { artifacts: options.artifacts, chunks: catalogAccess(options.catalog).chunks }),
      ...(options.resources === undefined ? {} : { resources: options.resources }),
    }),
  });
  const running = worker.run();
  return {
    records,
    async stop() {
      worker.shutdown();
      await running;
      await records.close();
      await connection.close();
    },
  };
}
