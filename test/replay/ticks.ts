import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { randomUUID } from 'node:crypto';
import { historyToJson, type HistoryJson } from '../../src/temporal/history-json.js';
import {
  RUN_ENDED,
  SCHEDULE_TICK,
  type FiredSchedule,
  type ScheduledRunState,
  type TickActivities,
  type TickInput,
} from '../../workflows/contract.js';
import { until } from '../support/until.js';
import { withoutMachine } from './without-machine.js';

/** One way the time of a schedule can go. Its name is part of the file's name. */
export interface TickSituation {
  name: string;
  /** What is known of the run at each look; the last one stands from then on. */
  states: readonly ScheduledRunState[];
  /** What happens when it has been looked at once. */
  drive?: (handle: WorkflowHandle) => Promise<unknown>;
}

export const TICKS: readonly TickSituation[] = [
  { name: 'tick', states: ['open', 'completed'], drive: (handle) => handle.signal(RUN_ENDED) },
  { name: 'tick-unsignalled', states: ['open', 'open', 'failed'] },
  { name: 'tick-refused', states: ['none'] },
  { name: 'tick-cancelled', states: ['open', 'cancelled'], drive: (handle) => handle.cancel() },
];

const FIRED: FiredSchedule = {
  event_id: '0d8a7e0e-5c1f-5a53-9a4c-000000000001',
  run_id: '0d8a7e0e-5c1f-5a53-9a4c-000000000002',
  blueprint_id: 'bp.replay',
};

/** Lets a schedule of a real server fire once for every situation, and gives the histories of its ticks. */
export async function recordTicks(
  address: string,
  workflowBundle: WorkflowBundleOption,
  situations: readonly TickSituation[],
): Promise<Map<string, HistoryJson>> {
  const taskQueue = `replay-${randomUUID()}`;
  const looks = new Map<string, number>();
  const activities: TickActivities = {
    fireSchedule: ({ schedule_id: name }) => Promise.resolve({ ...FIRED, event_id: name }),
    scheduledRun: ({ event_id: name }) => {
      const look = looks.get(name) ?? 0;
      looks.set(name, look + 1);
      const states = situations.find((one) => one.name === name)?.states ?? [];
      return Promise.resolve(states[Math.min(look, states.length - 1)] ?? 'none');
    },
    cancelScheduledRun: () => Promise.resolve(true),
  };
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const native = await NativeConnection.connect({ address });
  const options = { connection: native, taskQueue, workflowBundle, activities: { ...activities } };
  const worker = await Worker.create(options);
  const running = worker.run();
  const histories = new Map<string, HistoryJson>();
  try {
    for (const situation of situations)
      histories.set(situation.name, await record({ client, taskQueue, looks }, situation));
  } finally {
    worker.shutdown();
    await running;
    await native.close();
    await connection.close();
  }
  return histories;
}

interface Place {
  client: Client;
  taskQueue: string;
  looks: ReadonlyMap<string, number>;
}

async function record({ client, taskQueue, looks }: Place, { name, drive }: TickSituation): Promise<HistoryJson> {
  const input: TickInput = { schedule_id: name };
  const schedule = await client.schedule.create({
    scheduleId: `replay-${randomUUID()}`,
    spec: { calendars: [{ month: 'FEBRUARY', dayOfMonth: 29 }] },
    action: { type: 'startWorkflow', workflowType: SCHEDULE_TICK, taskQueue, args: [input] },
    state: { triggerImmediately: true },
  });
  try {
    const workflowId = await until(`${name}: it starts`, async () => {
      const { info } = await schedule.describe();
      return info.recentActions[0]?.action.workflow.workflowId;
    });
    const handle = client.workflow.getHandle(workflowId);
    if (drive !== undefined) {
      await until(`${name}: one look`, () => (looks.get(name) ?? 0) > 0);
      await drive(handle);
    }
    await handle.result().catch(() => undefined);
    return withoutMachine(historyToJson(await handle.fetchHistory()));
  } finally {
    await schedule.delete();
  }
}
