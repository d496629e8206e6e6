import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import type { ScheduleSpec } from '../../../src/domain/plan.js';
import { localTime, timesOf } from '../../../src/services/schedule-times.js';
import { RunGateway } from '../../../src/temporal/gateway.js';
import { silentLog, testEnv } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { testTemporal } from '../../support/temporal.js';

/** What Xyn shows must be what Temporal does: its own answer for the same schedule is the measure. */
let gateway: RunGateway;
let connection: Connection;

beforeAll(async () => {
  const { address } = await testTemporal();
  gateway = new RunGateway({ address, namespace: 'default', taskQueue: 'nobody', log: silentLog });
  connection = await Connection.connect({ address });
});

afterAll(async () => {
  await gateway.close();
  await connection.close();
});

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
];
/** Around the days when clocks change, north and south of the equator. */
const RANGES = [
  ['2027-03-10T00:00:00Z', '2027-04-06T00:00:00Z'],
  ['2027-10-01T00:00:00Z', '2027-11-09T00:00:00Z'],
] as const;

/** The same numbers each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

function randomCron(roll: (sides: number) => number): string {
  const field = (min: number, max: number, free: number): string => {
    const at = (): number => min + roll(max - min + 1);
    const [a, b] = [at(), at()].sort((x, y) => x - y);
    return ['*', `${a}`, `${a}-${b}`, `${a},${b}`, `*/${1 + roll(max)}`, `${a}/${1 + roll(max)}`][
      roll(10) < free ? 0 : 1 + roll(5)
    ] as string;
  };
  return [field(0, 59, 1), field(0, 23, 3), field(1, 31, 6), field(1, 12, 9), field(0, 6, 6)].join(' ');
}

async function ofTemporal(spec: ScheduleSpec, from: string, to: string): Promise<number[]> {
  const scheduleId = `times-${randomUUID()}`;
  await gateway.schedules.put(testEnv.id, { scheduleId, spec, isPaused: true, note: '', blueprintId: 'b', name: 'b' });
  try {
    const { startTime } = await connection.workflowService.listScheduleMatchingTimes({
      namespace: 'default',
      scheduleId: `schedule/${testEnv.id}/${scheduleId}`,
      startTime: msToTs(Date.parse(from)),
      endTime: msToTs(Date.parse(to)),
    });
    return startTime.map((one) => tsToMs(one));
  } finally {
    await gateway.schedules.remove(testEnv.id, scheduleId);
  }
}

describeWith('temporal')('times', () => {
  it('are those of Temporal, for any expression and zone, also where clocks change', async () => {
    const roll = dice(20_270_328);
    const fixed = ['30 2 * * *', '15,45 1,2 * * *', '0 0 13 * 5', '0 0 */2 * 1-5', '59 23 31 * *', '0 3 28-31 3,10 0'];
    const crons = [...fixed, ...Array.from({ length: 30 }, () => randomCron(roll))];
    const specs = crons.map((cron, ix): ScheduleSpec => ({
      cron,
      timezone: ZONES[ix % ZONES.length] as string,
      catchup_ms: 600_000,
    }));
    for (const timezone of ZONES)
      for (const cron of ['30 2 * * *', '15,45 1,2 * * *', '0,30 * * * *'])
        specs.push({ cron, timezone, catchup_ms: 600_000 });
    specs.push({ every_ms: 7_000 * 3_600, catchup_ms: 600_000 }, { every_ms: 86_400_000, catchup_ms: 600_000 });
    for (const spec of specs) {
      for (const [from, to] of RANGES) {
        // The server tells at most a thousand.
        const theirs = (await ofTemporal(spec, from, to)).slice(0, 900);
        const ours = timesOf(spec, Date.parse(from), { limit: 900, until: Date.parse(to) });
        const shown = (at: number): string => localTime({ at, offsetMinutes: 0 });
        expect({ spec, times: ours.map(({ at }) => shown(at)) }).toEqual({ spec, times: theirs.map(shown) });
      }
    }
  });
});
