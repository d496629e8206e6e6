import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { DoctorReport } from '../../src/services/doctor.js';
import type { RunDetailDto } from '../../src/domain/dtos.js';
import { describeWith } from '../support/parts.js';
import { until } from '../support/until.js';
import { FaultRig } from './rig.js';

const RUNS = 20;
/** Within that time after a worker is back every run has ended, where the machine does nothing else. */
const RECOVERY_MS = 10_000;
/** A worker starts within that time there; where it takes longer, everything does. */
const IDLE_START_MS = 1_500;

let rig: FaultRig;

beforeAll(async () => {
  rig = await FaultRig.start('silent');
});
afterAll(async () => {
  await (rig as FaultRig | undefined)?.close();
});

/** Looks at every run again and again, and notes what the open ones say they wait for. */
class Watch {
  readonly kinds = new Map<string, number>();
  readonly silent: string[] = [];
  looks = 0;
  readonly #runIds: readonly string[];
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(runIds: readonly string[]) {
    this.#runIds = runIds;
    this.#done = this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      const runs = await Promise.all(this.#runIds.map((id) => rig.call<RunDetailDto>('GET', `/runs/${id}`)));
      for (const { body } of runs) this.#note(body);
      this.looks += 1;
    }
  }

  #note({ run_id: runId, status, waiting_on: reasons }: RunDetailDto): void {
    if (status !== 'created' && status !== 'running') return;
    for (const { kind } of reasons) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    if (reasons.length === 0) this.silent.push(`${runId} ${status}`);
  }
}

describeWith('temporal')('runs whose worker is killed', () => {
  it('say at every moment why they do not move, and end within 10 s after a worker is back', async () => {
    const holds = Array.from({ length: RUNS }, (_, ix) =>
      rig.sink.hold(ix % 2 === 0 ? '/probe' : '/fix', 'beforeEffect'),
    );
    const runIds = await Promise.all(
      holds.map((_, ix) => (ix % 2 === 0 ? rig.emit('fault.probe') : rig.emitApproved())),
    );
    await Promise.all(holds.map((hold) => hold.reached));
    const watch = new Watch(runIds);
    await until('all are looked at, and Temporal answers for them', () => watch.kinds.has('step'));
    // Where Temporal does not answer in time, a run says that.
    expect([...watch.kinds.keys()].filter((kind) => kind !== 'unknown')).toEqual(['step']);

    await rig.processes.kill('worker');
    const report = await until(
      'the doctor finds all runs without a worker',
      async () => {
        const { body } = await rig.call<DoctorReport>('GET', '/doctor');
        const waiting = body.runs.filter((run) => run.reasons.some(({ kind }) => kind === 'worker'));
        return waiting.length === RUNS ? body : undefined;
      },
      30_000,
    );
    expect(report).toMatchObject({ ok: false, open_runs: RUNS, is_complete: true });
    expect(report.runs[0]).toMatchObject({ next_step: expect.stringContaining('xynctl') as unknown as string });

    const startedAt = Date.now();
    await rig.restart('worker');
    const readyAt = Date.now();
    const slowness = Math.max(1, (readyAt - startedAt) / IDLE_START_MS);
    const ended = await Promise.all(runIds.map((id) => rig.ended(id)));
    const tookMs = Date.now() - readyAt;
    await watch.stop();
    process.stdout.write(
      `${JSON.stringify({ runs: RUNS, looks: watch.looks, recovered_ms: tookMs, slowness, reasons: [...watch.kinds] })}\n`,
    );
    expect(ended.map(({ status }) => status)).toEqual(runIds.map(() => 'completed'));
    expect(watch.silent).toEqual([]);
    expect(watch.kinds.has('worker_lost')).toBe(true);
    expect(tookMs).toBeLessThan(RECOVERY_MS * slowness);
    expect((await rig.call<DoctorReport>('GET', '/doctor')).body).toMatchObject({ runs: [], open_runs: 0 });
  });
});
