import { expect } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { connectCatalog } from '../../src/catalog/connect.js';
import { catalogAccess } from '../../src/catalog/unit-of-work.js';
import { stepIdOf } from '../../src/domain/ids.js';
import type { DecisionKind, EventWithVerdicts, GateDto, RunDto, StepDetailDto } from '../../src/domain/dtos.js';
import type { Plan } from '../../src/domain/plan.js';
import { BlueprintService } from '../../src/services/blueprints.js';
import { checkInvariants } from '../support/invariants.js';
import { Sink } from '../support/sink.js';
import { until } from '../support/until.js';
import { XynProcesses, type Part } from '../support/xyn-processes.js';
import { keyedPlan, oncePlan, probePlan } from './plans.js';
import type { FaultName } from './points.js';

/** An answer of the API. */
export interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

/** A table lock that keeps every record of workers from being written. */
export interface RecordLock {
  /** Resolves when a worker has waited for the lock for a while. */
  waitedFor(): Promise<void>;
  /** Unlocks; what waits goes on. */
  unlock(): Promise<void>;
  /** Unlocks, and ends the statements that wait, as if they had never been sent. */
  discard(): Promise<void>;
}

/** How long a run may take to end once everything runs again: two lost tasks of 10 s each, and the work itself. */
const RECOVERY_MS = 45_000;

/** An installation, a target and the client's own book of what was accepted. */
export class FaultRig {
  readonly processes: XynProcesses;
  readonly sink: Sink;
  /** As the owner of the tables. */
  readonly pool: pg.Pool;
  readonly #canary: string;
  readonly #accepted: string[] = [];

  private constructor(processes: XynProcesses, sink: Sink, canary: string) {
    this.processes = processes;
    this.sink = sink;
    this.#canary = canary;
    this.pool = new pg.Pool({ connectionString: processes.ownerUrl, max: 4, application_name: 'xyn-faults' });
    this.pool.on('error', () => undefined);
  }

  static async start(name: string): Promise<FaultRig> {
    // Upper and lower case, a digit and signs that encodings change.
    const canary = `Canary-${randomBytes(9).toString('base64url')}/+<ä>`;
    const sink = await Sink.start();
    const processes = await XynProcesses.start({ name, workerEnv: { XYN_SECRET_CANARY: canary } });
    const rig = new FaultRig(processes, sink, canary);
    for (const plan of [keyedPlan(sink), oncePlan(sink), probePlan(sink)]) await rig.#save(plan);
    await rig.ended(await rig.emit('fault.probe'));
    return rig;
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.processes.stopAll();
    await this.sink.close();
  }

  /** One call of the API; rejects when nobody answers. */
  async call<T>(method: 'GET' | 'POST', route: string, body?: object, actor = 'ann'): Promise<Answer<T>> {
    const response = await fetch(`${this.processes.apiUrl}/api/v1${route}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-xyn-actor': actor },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T, headers: response.headers };
  }

  /** Makes a document the active version of its blueprint. */
  async apply(source: string): Promise<void> {
    const response = await fetch(`${this.processes.apiUrl}/api/v1/blueprints`, {
      method: 'POST',
      headers: { 'content-type': 'application/yaml', 'x-xyn-actor': 'ann' },
      body: source,
    });
    const body = (await response.json()) as { error?: unknown };
    expect({ status: response.status, error: body.error }).toEqual({ status: 201, error: undefined });
  }

  /** Resolves when the reconciler has given every ended run the records that dead workers took with them. */
  async repaired(withinMs: number): Promise<void> {
    const isDone = async (): Promise<boolean> =>
      (await this.pool.query('SELECT 1 FROM runs WHERE needs_repair LIMIT 1')).rowCount === 0;
    await until('every run has its records', isDone, withinMs);
  }

  /** What the steps of each run came to, by path. */
  async stepStatuses(runIds: readonly string[]): Promise<string[][]> {
    const { rows } = await this.pool.query<{ run_id: string; path: string; status: string }>(
      'SELECT run_id, path, status FROM steps WHERE run_id = ANY($1) ORDER BY path',
      [runIds],
    );
    return runIds.map((id) =>
      rows.flatMap(({ run_id, path: at, status }) => (run_id === id ? [`${at} ${status}`] : [])),
    );
  }

  /** Emits an event that starts one run; it counts as accepted from here on. */
  async emit(eventName: string): Promise<string> {
    const { status, body } = await this.call<EventWithVerdicts>('POST', '/events', {
      event_name: eventName,
      data: { host: 'web-1' },
    });
    expect(status).toBe(201);
    return this.accept(body);
  }

  /** Notes the run that an event started in the client's own book. */
  accept(event: EventWithVerdicts): string {
    const runId = event.verdicts[0]?.run_id ?? '';
    expect(runId).not.toBe('');
    this.#accepted.push(runId);
    return runId;
  }

  /** The gate at this path of a run, once it is open. */
  openGate(runId: string, gatePath: string): Promise<GateDto> {
    return until(`gate ${gatePath} is open`, () => this.#findGate(runId, gatePath), RECOVERY_MS);
  }

  decide(gate: GateDto, decision: DecisionKind, actor = 'ann'): Promise<Answer<{ status: string }>> {
    return this.call('POST', `/gates/${gate.gate_id}/decide`, { decision, reason: 'fault test' }, actor);
  }

  /** Emits the event of the keyed plan and approves its gate, with holds set before. */
  async emitApproved(): Promise<string> {
    const runId = await this.emit('fault.keyed');
    expect((await this.decide(await this.openGate(runId, 'ok'), 'approve')).status).toBe(200);
    return runId;
  }

  /** The run, once it has ended. */
  ended(runId: string, withinMs = RECOVERY_MS): Promise<RunDto> {
    return until(`run ${runId} has ended`, () => this.#findEnded(runId), withinMs);
  }

  async step(runId: string, stepPath: string): Promise<StepDetailDto> {
    return (await this.call<StepDetailDto>('GET', `/runs/${runId}/steps/${stepIdOf(runId, stepPath)}`)).body;
  }

  /**
   * Brings a run of the plan with the `none` effect to its end, with this decision at its recovery gate if that opens.
   * @returns whether it opened.
   */
  async endOnce(runId: string, decision: 'done' | 'retry'): Promise<boolean> {
    const seen = await until(
      'the run has ended or asks',
      async () => (await this.#findGate(runId, 'once~recover')) ?? (await this.#findEnded(runId)),
      RECOVERY_MS,
    );
    const asked = 'gate_id' in seen;
    if (asked) await this.decide(seen, decision);
    expect(await this.ended(runId)).toMatchObject({ status: 'completed' });
    return asked;
  }

  /** Starts a part that was killed. @returns when the start began, milliseconds since the epoch. */
  async restart(part: Part): Promise<number> {
    const began = Date.now();
    await this.processes.restart(part);
    return began;
  }

  /** Locks the table that every record touches. */
  async lockRecords(): Promise<RecordLock> {
    const client = new pg.Client({ connectionString: this.processes.ownerUrl, application_name: 'xyn-faults' });
    await client.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE steps IN EXCLUSIVE MODE');
    const waiting = `FROM pg_stat_activity WHERE application_name = 'xyn-worker' AND wait_event_type = 'Lock'`;
    const unlock = async (): Promise<void> => {
      await client.query('ROLLBACK');
      await client.end();
    };
    return {
      waitedFor: () =>
        until('a worker waits for the table', async () => {
          const { rowCount } = await this.pool.query(
            `SELECT 1 ${waiting} AND query_start < clock_timestamp() - interval '150 ms'`,
          );
          return rowCount !== 0;
        }).then(() => undefined),
      unlock,
      discard: async () => {
        await client.query(`SELECT pg_terminate_backend(pid) ${waiting}`);
        await unlock();
      },
    };
  }

  /**
   * Ends a point: all its runs have ended, another run gets through, and every invariant holds. Prints the line of the
   * point.
   * @param since when what was killed began to start again.
   */
  async settle(
    fault: FaultName | 'continue-as-new' | 'worker-at-random',
    runIds: readonly string[],
    since: number,
  ): Promise<void> {
    for (const runId of runIds) expect(await this.ended(runId)).toMatchObject({ status: 'completed', error: null });
    const rtoMs = Date.now() - since;
    expect(await this.ended(await this.emit('fault.probe'))).toMatchObject({ status: 'completed' });
    const { violations, ...counts } = await this.#invariants();
    process.stdout.write(`${JSON.stringify({ fault, ...counts, rto_ms: rtoMs })}\n`);
    expect(violations).toEqual([]);
  }

  async #invariants(): ReturnType<typeof checkInvariants> {
    const { processes, sink, pool } = this;
    const pids = await Promise.all((['api', 'worker', 'temporal'] as const).map((part) => processes.pid(part)));
    return checkInvariants({
      pool,
      temporalAddress: processes.temporalAddress,
      auditDir: path.join(processes.stateDir, 'audit'),
      accepted: this.#accepted,
      calls: sink.calls,
      secrets: [this.#canary, ...processes.passwords],
      logFiles: processes.logFiles,
      stateDir: processes.stateDir,
      pids: pids.flatMap((pid) => pid ?? []),
      unexpectedEnds: processes.unexpectedEnds,
    });
  }

  async #findGate(runId: string, gatePath: string): Promise<GateDto | undefined> {
    const answer = await this.#try<{ items: GateDto[] }>(`/gates?run_id=${runId}&status=open`);
    return answer?.items.find((gate) => gate.path === gatePath);
  }

  async #findEnded(runId: string): Promise<RunDto | undefined> {
    const run = await this.#try<RunDto>(`/runs/${runId}`);
    return run !== undefined && ['completed', 'failed', 'cancelled'].includes(run.status) ? run : undefined;
  }

  /** What the API says, or undefined while it cannot answer. */
  async #try<T>(route: string): Promise<T | undefined> {
    try {
      const answer = await this.call<T>('GET', route);
      return answer.status === 200 ? answer.body : undefined;
    } catch {
      return undefined;
    }
  }

  async #save(plan: Plan): Promise<void> {
    const catalog = connectCatalog({ url: this.processes.databaseUrl, applicationName: 'xyn-faults' });
    try {
      const blueprints = new BlueprintService({ catalog: catalogAccess(catalog), clock: Date.now, envId: 'local' });
      const caller = { actor: 'ann', proven: false, correlationId: randomUUID(), source: 'api' as const };
      await blueprints.savePlan(caller, { plan, source: 'fault test', debug: {} });
    } finally {
      await catalog.close();
    }
  }
}
