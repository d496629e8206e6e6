import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { createActivities } from '../../activities/index.js';
import type { Transition } from '../../src/domain/engine/state.js';
import { historyToJson, type HistoryJson } from '../../src/temporal/history-json.js';
import { workflowIdOf } from '../../src/domain/ids.js';
import type { RecordSink } from '../../src/domain/records.js';
import { WORKFLOW_TYPE, type RunInput, type XynActivities } from '../../workflows/contract.js';
import { memoryArtifacts } from '../support/memory-artifacts.js';
import { until } from '../support/until.js';
import { situationActions, VANISHING, type Recording, type Situation } from './situations.js';
import { withoutMachine } from './without-machine.js';

/** Nothing more is heard of a step that vanishes, until well after the server gave it up. */
const VANISHED_MS = 12_000;

/** Keeps what a run records, and refuses it as often as the situation wants. */
class Notes implements RecordSink {
  readonly transitions = new Map<string, Transition[]>();
  readonly refusals = new Map<string, number>();
  readonly working = new Set<string>();

  begin(start: Parameters<RecordSink['begin']>[0], transitions: readonly Transition[]): Promise<void> {
    this.working.add(`${start.run_id}/${start.path}`);
    return this.record(start.run_id, transitions);
  }
  running(): void {
    // Only ends and transitions matter here.
  }
  end(): void {
    // Likewise.
  }
  record(runId: string, transitions: readonly Transition[]): Promise<void> {
    const left = this.refusals.get(runId) ?? 0;
    if (left > 0) {
      this.refusals.set(runId, left - 1);
      return Promise.reject(new Error('the catalog is away'));
    }
    this.transitions.set(runId, [...(this.transitions.get(runId) ?? []), ...transitions]);
    return Promise.resolve();
  }
  flush(): Promise<void> {
    return Promise.resolve();
  }
}

/** Runs situations on a real server and gives their histories. */
export interface Recorder {
  /** One history per execution of the run, the first one first. */
  record(situation: Situation): Promise<HistoryJson[]>;
  close(): Promise<void>;
}

/** Starts a worker with the interpreter of `workflowBundle` on the server at `address`. */
export async function startRecorder(address: string, workflowBundle: WorkflowBundleOption): Promise<Recorder> {
  const taskQueue = `replay-${randomUUID()}`;
  const notes = new Notes();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle,
    maxHeartbeatThrottleInterval: 2_000,
    shutdownForceTime: 1_000,
    activities: vanishing(
      createActivities({
        records: notes,
        approvals: { check: () => Promise.resolve(undefined) },
        actions: situationActions,
        agents: {
          ask: () =>
            Promise.resolve({
              outputs: { text: 'because' },
              footprints: [{ metric: 'tokens_in', quantity: 3, unit: 'token' }],
            }),
        },
        pausedMs: () => Promise.resolve(600),
        ...memoryArtifacts(),
        worker: 'worker',
      }),
    ),
  });
  const running = worker.run();
  return {
    record: (situation) => record({ client, notes, taskQueue }, situation),
    async close() {
      worker.shutdown();
      await running.catch(() => undefined);
      await native.close();
      await connection.close();
    },
  };
}

function vanishing(activities: XynActivities): XynActivities {
  return {
    ...activities,
    runAction: (task, records) =>
      task.action === VANISHING
        ? new Promise((resolve) => setTimeout(() => resolve({ o: {} }), VANISHED_MS).unref())
        : activities.runAction(task, records),
  };
}

interface Place {
  client: Client;
  notes: Notes;
  taskQueue: string;
}

async function record({ client, notes, taskQueue }: Place, situation: Situation): Promise<HistoryJson[]> {
  const id = randomUUID();
  if (situation.refusals !== undefined) notes.refusals.set(id, situation.refusals);
  const handle = await client.workflow.start(WORKFLOW_TYPE, {
    workflowId: workflowIdOf(id),
    taskQueue,
    args: [inputOf(id, situation)],
  });
  const transitions = (): readonly Transition[] => notes.transitions.get(id) ?? [];
  const recording: Recording = {
    handle,
    transitions,
    seen: async (kind, path) => {
      const about = (one: Transition): boolean =>
        one.t === kind && (path === undefined || ('path' in one && one.path === path));
      await until(`${situation.name}: ${kind} ${path ?? ''}`, () => transitions().some(about));
    },
    works: async (path) => {
      await until(`${situation.name}: ${path} works`, () => notes.working.has(`${id}/${path}`));
    },
  };
  await situation.drive?.(recording);
  if (!situation.open) await handle.result().catch(() => undefined);
  const histories = await executions(client, handle);
  if (situation.open) await handle.terminate('recorded');
  return histories;
}

function inputOf(id: string, { plan, inputs = {}, reuse, handOverAfter }: Situation): RunInput {
  return {
    plan,
    start: {
      inputs,
      event: null,
      ...(reuse === undefined ? {} : { reuse }),
      env: { id: 'local', name: 'local', stage: 'dev', vars: {} },
      run: {
        id,
        blueprint: plan.id,
        version: '1',
        digest: plan.digest,
        actor: 'ann',
        trigger: 'manual',
        started_at: new Date().toISOString(),
        correlation_id: id,
      },
    },
    ...(handOverAfter === undefined ? {} : { handOverAfter }),
  };
}

/** The history of every execution that the run was handed over to, oldest first. */
async function executions(client: Client, last: WorkflowHandle): Promise<HistoryJson[]> {
  const found: HistoryJson[] = [];
  let runId: string | undefined;
  do {
    const history = await client.workflow.getHandle(last.workflowId, runId).fetchHistory();
    found.unshift(withoutMachine(historyToJson(history)));
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  } while (runId !== '');
  return found;
}
