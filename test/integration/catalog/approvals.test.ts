import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { catalogApprovals } from '../../../src/catalog/approvals.js';
import { connectCatalog } from '../../../src/catalog/connect.js';
import { writeRecords } from '../../../src/catalog/records.js';
import type { GateStatus, Transition } from '../../../src/domain/engine/state.js';
import { sha256Hex } from '../../../src/domain/hash.js';
import { gateIdOf } from '../../../src/domain/ids.js';
import { canonicalJson, type JsonObject } from '../../../src/domain/json.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { insertRun, t0, transitionsOf } from '../../support/records.js';

let db: TestDatabase;
let run: string;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(async () => db.drop());
beforeEach(async () => {
  run = await insertRun(db.catalog);
});

const step = { path: 'fix', action: 'http.call', input: { url: 'http://a', body: { n: 1 } } };
const check = async (
  over: { path?: string; action?: string; input?: JsonObject } = {},
  gates = ['ok'],
): Promise<string | undefined> => catalogApprovals(db.catalog).check(run, gates, { ...step, ...over });

async function gate(
  options: { status?: GateStatus; require?: number; path?: string; later?: string[] } = {},
): Promise<void> {
  const { status = 'approved', require = 1, path = 'ok', later = [] } = options;
  const input = Object.fromEntries(Object.entries(step.input).filter(([name]) => !later.includes(name)));
  const common = { t: 'gate', path, id: path, purpose: 'approval', require, reject: 1, reason: 'optional' } as const;
  const binds = [
    {
      path: 'fix',
      action: 'http.call',
      input,
      later,
      hash: sha256Hex(canonicalJson({ path: 'fix', action: 'http.call', input })),
    },
  ];
  const opened: Transition = { ...common, status: 'open', binds, seq: 2, at: t0 };
  const closed: Transition = { ...common, status, seq: 4, at: t0 + 10 };
  await writeRecords(db.catalog, transitionsOf(run, opened, ...(status === 'open' ? [] : [closed])));
}

async function decision(
  actor: string,
  what: 'approve' | 'reject' = 'approve',
  status = 'applied',
  path = 'ok',
): Promise<void> {
  await db.catalog.pool.query(
    `INSERT INTO gate_decisions (decision_id, gate_id, run_id, decision, actor, source, status) VALUES ($1, $2, $3, $4, $5, 'api', $6)`,
    [randomUUID(), gateIdOf(run, path), run, what, actor, status],
  );
}

describe('the approvals of a step', () => {
  it('are there when the gate is approved by recorded decisions and the input is what it showed', async () => {
    await gate();
    await decision('ada');
    expect(await check()).toBeUndefined();
    expect(await check({ input: { body: { n: 1 }, url: 'http://a' } })).toBeUndefined();
    expect(await check({ path: 'not-shown', input: {} })).toBeUndefined();
    expect(await check({}, [])).toBeUndefined();
  });

  it('count a decision that is submitted, and an open gate with enough of them', async () => {
    await gate({ status: 'open' });
    await decision('ada', 'approve', 'submitted');
    expect(await check()).toBeUndefined();
    await decision('bob', 'reject');
    expect(await check()).toMatch(/rejected/);
  });

  it('are missing when the workflow says approved and nobody is on record', async () => {
    await gate();
    expect(await check()).toMatch(/0 recorded approvals and needs 1/);
    await decision('ada', 'approve', 'refused');
    expect(await check()).toMatch(/0 recorded approvals/);
  });

  it('need distinct people', async () => {
    await gate({ require: 2 });
    await decision('ada');
    await decision('ada');
    expect(await check()).toMatch(/1 recorded approvals and needs 2/);
    await decision('bob');
    expect(await check()).toBeUndefined();
  });

  it.each(['rejected', 'expired', 'cancelled'] as const)('are missing at a gate that is %s', async (status) => {
    await gate({ status });
    await decision('ada');
    expect(await check()).toBe(`Gate ok is ${status}.`);
  });

  it('are missing when the catalog has no such gate, and when one of two is not approved', async () => {
    expect(await check()).toMatch(/no gate ok/);
    await gate();
    await decision('ada');
    await gate({ path: 'two' });
    expect(await check({}, ['ok', 'two'])).toMatch(/Gate two has 0/);
    await decision('ada', 'approve', 'applied', 'two');
    expect(await check({}, ['ok', 'two'])).toBeUndefined();
  });

  it('do not cover another input or another action', async () => {
    await gate();
    await decision('ada');
    expect(await check({ input: { url: 'http://b', body: { n: 1 } } })).toMatch(/would not run what was approved/);
    expect(await check({ input: { ...step.input, extra: true } })).toMatch(/would not run/);
    expect(await check({ action: 'ssh.run' })).toMatch(/would not run/);
  });

  it('leave open what was to be decided later, and nothing else', async () => {
    await gate({ later: ['body'] });
    await decision('ada');
    expect(await check({ input: { url: 'http://a', body: 'anything' } })).toBeUndefined();
    expect(await check({ input: { url: 'http://b', body: 'anything' } })).toMatch(/would not run/);
  });

  it('say when Postgres does not answer', async () => {
    const away = connectCatalog({ url: 'postgresql://nobody@127.0.0.1:1/none', applicationName: 'xyn-test' });
    const answer = catalogApprovals(away).check(run, ['ok'], step);
    await expect(answer).rejects.toMatchObject({ code: 'db_unavailable' });
    await away.close();
  });
});
