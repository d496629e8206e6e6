import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redact } from '../../../src/agents/redact.js';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import { writeRecords } from '../../../src/catalog/records.js';
import { runLogEntries } from '../../../src/catalog/run-log-rows.js';
import { catalogAccess, type CatalogAccess } from '../../../src/catalog/unit-of-work.js';
import { stepIdOf } from '../../../src/domain/ids.js';
import { ArtifactService } from '../../../src/services/artifacts.js';
import { RunLogWriter, runLogIdOf } from '../../../src/services/run-log.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';
import { endOf, insertRun, startOf, t0, transitionsOf } from '../../support/records.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let access: CatalogAccess;
let store: LocalArtifactStore;
let artifacts: ArtifactService;
let dir: string;

beforeAll(async () => {
  database = await freshDatabase();
  access = catalogAccess(database.catalog);
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-run-log-'));
  store = await LocalArtifactStore.open({ dir });
  artifacts = new ArtifactService({ catalog: access, store, envId: 'local' });
});

afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true });
});

function writerOf(over: Partial<ConstructorParameters<typeof RunLogWriter>[0]> = {}): RunLogWriter {
  const entries = (runId: string, logId: string) => runLogEntries(database.catalog, runId, logId);
  return new RunLogWriter(
    { catalog: access, entries, store, redact: (text) => redact(text, ['hunter2-hunter2']), log: silentLog, ...over },
    { settledMs: 0 },
  );
}

const write = (batch: Parameters<typeof writeRecords>[1]): Promise<void> => writeRecords(database.catalog, batch);
const end = { t: 'end', status: 'completed', outputs: {}, steps: {} } as const;
const error = (message: string, attempt: number) => ({
  code: 'http_error',
  message,
  step: 'fix',
  path: 'fix',
  attempt,
  retryable: true,
  at: new Date(t0).toISOString(),
});

/** A run that only begins and ends. */
async function shortRun(): Promise<string> {
  const runId = await insertRun(database.catalog);
  await write(transitionsOf(runId, { t: 'run', status: 'running', seq: 1, at: t0 }, { ...end, seq: 2, at: t0 + 900 }));
  return runId;
}

async function logOf(runId: string): Promise<Record<string, unknown>[] | undefined> {
  const { items } = await artifacts.list({ run_id: runId, kind: 'run_log', limit: 10 });
  if (items.length === 0) return undefined;
  expect(items).toMatchObject([{ artifact_id: runLogIdOf(runId), name: 'run.jsonl', created_by: 'system' }]);
  const bytes = await (await artifacts.download(runLogIdOf(runId))).open();
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk as Buffer);
  const lines = Buffer.concat(chunks).toString().split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** Gate, approval, an attempt that failed and one that did not, an artifact, a skipped step. */
async function longRun(): Promise<string> {
  const runId = await insertRun(database.catalog);
  const gate = { path: 'ok', id: 'ok', purpose: 'approval', require: 1, reject: 1, reason: 'optional' } as const;
  await write(
    transitionsOf(
      runId,
      { t: 'run', status: 'running', seq: 1, at: t0 },
      { t: 'gate', seq: 2, at: t0 + 10, status: 'open', ...gate },
      {
        t: 'step',
        seq: 2,
        at: t0 + 10,
        path: 'ok',
        id: 'ok',
        kind: 'gate',
        name: 'OK?',
        status: 'running',
        attempts: 0,
      },
      {
        t: 'decision',
        seq: 3,
        at: t0 + 20,
        gate: 'ok',
        status: 'approved',
        purpose: 'approval',
        decision: { decision: 'approve', by: 'ann', reason: 'key sk-abcdefghijklmnopqrstuv' },
      },
    ),
  );
  const first = { worker: 'host/1', status: 'failed', error: error('no hunter2-hunter2', 1) } as const;
  await write({
    transitions: [],
    runnings: [],
    begins: [startOf(runId, { seq: 4, started_at: t0 + 100 })],
    ends: [
      endOf(runId, { seq: 4, started_at: t0 + 100, ended_at: t0 + 200, next_retry_at: t0 + 300, ...first }),
      endOf(runId, {
        seq: 4,
        attempt: 2,
        worker: 'host/2',
        started_at: t0 + 300,
        ended_at: t0 + 400,
        footprints: [{ metric: 'bytes_out', quantity: 12, unit: 'bytes' }],
      }),
    ],
  });
  await access.artifacts.insert({
    artifact_id: randomUUID(),
    name: 'report.txt',
    kind: 'report',
    content_type: 'text/plain',
    byte_length: 3,
    sha256: '0'.repeat(64),
    created_by: 'ann',
    run_id: runId,
    step_id: stepIdOf(runId, 'fix'),
    metadata: {},
    correlation_id: 'x',
    env_id: 'local',
  });
  await write(
    transitionsOf(
      runId,
      { t: 'gate', seq: 5, at: t0 + 30, status: 'approved', ...gate },
      {
        t: 'step',
        seq: 5,
        at: t0 + 30,
        path: 'ok',
        id: 'ok',
        kind: 'gate',
        name: 'OK?',
        status: 'completed',
        attempts: 0,
      },
      {
        t: 'step',
        seq: 6,
        at: t0 + 410,
        path: 'not',
        id: 'not',
        kind: 'transform',
        name: 'Not',
        status: 'skipped',
        skip_reason: 'when',
        attempts: 0,
      },
      { ...end, seq: 7, at: t0 + 420 },
    ),
  );
  return runId;
}

describe('the log of a run', () => {
  it('tells in order what happened, who did it and how long it took, without secrets', async () => {
    const runId = await longRun();
    expect(await logOf(runId)).toBeUndefined();
    await writerOf().sweep();
    const lines = (await logOf(runId)) ?? [];
    expect(lines.every((line) => line['run_id'] === runId && line['correlation_id'] === 'corr-1')).toBe(true);
    const times = lines.filter(({ event }) => event !== 'artifact.attached' && event !== 'run.created');
    expect(times.map(({ at }) => at)).toEqual(times.map(({ at }) => at).sort());
    expect(times.map(({ event, path }) => [event, path ?? ''].join(' ').trim())).toEqual([
      'run.started',
      'step.started ok',
      'gate.opened ok',
      'gate.decided ok',
      'gate.closed ok',
      'footprint.recorded ok',
      'footprint.recorded ok',
      'step.ended ok',
      'step.started fix',
      'attempt.started fix',
      'attempt.ended fix',
      'footprint.recorded fix',
      'attempt.started fix',
      'attempt.ended fix',
      'footprint.recorded fix',
      'footprint.recorded fix',
      'footprint.recorded fix',
      'step.ended fix',
      'step.skipped not',
      'footprint.recorded',
      'run.ended',
    ]);
    const of = (event: string): Record<string, unknown>[] => lines.filter((line) => line['event'] === event);
    expect(of('run.created')).toMatchObject([{ actor: 'ada', blueprint_id: 'bp.test', step_id: null, path: null }]);
    expect(of('attempt.ended')).toMatchObject([
      { attempt: 1, worker: 'host/1', status: 'failed', duration_ms: 100, error: { message: 'no [redacted]' } },
      { attempt: 2, worker: 'host/2', status: 'completed', duration_ms: 100 },
    ]);
    expect(of('gate.decided')).toMatchObject([{ actor: 'ann', decision: 'approve', reason: 'key [redacted]' }]);
    expect(of('artifact.attached')).toMatchObject([{ path: 'fix', name: 'report.txt', actor: 'ann', byte_length: 3 }]);
    expect(of('step.skipped')).toMatchObject([{ skip_reason: 'when' }]);
    expect(of('footprint.recorded').find(({ metric }) => metric === 'bytes_out')).toMatchObject({ quantity: 12 });
    expect(of('run.ended')).toMatchObject([{ status: 'completed' }]);
    expect(JSON.stringify(lines)).not.toMatch(/hunter2|sk-abc/);
  });

  it('is written once, whoever looks, and not while anything of the run is open', async () => {
    const [done, open, unsettled] = [await shortRun(), await insertRun(database.catalog), await shortRun()];
    await write(transitionsOf(open, { t: 'run', status: 'running', seq: 1, at: t0 }));
    await write({ transitions: [], begins: [], runnings: [startOf(unsettled)], ends: [] });
    await Promise.all([writerOf().sweep(), writerOf().sweep()]);
    expect(await logOf(done)).toHaveLength(4);
    expect(await logOf(open)).toBeUndefined();
    expect(await logOf(unsettled)).toBeUndefined();
    expect(await writerOf().sweep()).toBe(0);
    await write({ transitions: [], begins: [], runnings: [], ends: [endOf(unsettled)] });
    expect(await writerOf().sweep()).toBe(1);
    const { rows } = await database.catalog.pool.query(
      `SELECT count(*)::int AS events FROM events WHERE event_name = 'xyn.artifact.attached' AND run_id = $1`,
      [done],
    );
    expect(rows).toEqual([{ events: 1 }]);
  });

  it('survives a death between its bytes and its row', async () => {
    const runId = await shortRun();
    const before = await storedFiles();
    const dying = writerOf({
      catalog: { runLogs: access.runLogs, transaction: () => Promise.reject(new Error('the process is gone')) },
    });
    expect(await dying.sweep()).toBe(0);
    expect(await logOf(runId)).toBeUndefined();
    expect(await storedFiles()).toHaveLength(before.length + 1);
    expect(await writerOf().sweep()).toBe(1);
    expect(await logOf(runId)).toHaveLength(4);
    // The same rows make the same bytes: nothing lies beside the log.
    expect(await storedFiles()).toHaveLength(before.length + 1);
  });

  it('says where it stops when it would be longer than an artifact may be, and goes on when one fails', async () => {
    const [bad, long] = [await shortRun(), await longRun()];
    const small = await LocalArtifactStore.open({ dir, maxBytes: 2_000 });
    const entries = (runId: string, logId: string) => {
      if (runId === bad) throw new Error('no rows today');
      return runLogEntries(database.catalog, runId, logId);
    };
    expect(await writerOf({ store: small, entries }).sweep()).toBe(1);
    const events = (await logOf(long))?.map(({ event }) => event);
    expect(events?.[0]).toBe('run.started');
    expect(events?.at(-1)).toBe('log.truncated');
    expect(await logOf(bad)).toBeUndefined();
    expect(await writerOf().sweep()).toBe(1);
  });

  it('comes by itself soon after the end', async () => {
    const writer = writerOf();
    writer.start();
    const runId = await shortRun();
    await until('the log is kept', () => logOf(runId));
    await writer.stop();
    expect(await artifacts.get(runLogIdOf(runId))).toMatchObject({ kind: 'run_log', run_id: runId });
  });
});
