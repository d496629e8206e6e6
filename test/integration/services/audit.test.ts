import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { auditChain } from '../../../src/catalog/audit-chain.js';
import { appendAudit } from '../../../src/catalog/audit.js';
import { AuditChainer } from '../../../src/services/audit-chainer.js';
import { AuditHeads } from '../../../src/services/audit-heads.js';
import { verifyAudit, type AuditReport } from '../../../src/services/audit-verification.js';
import { emptyAuditTrail } from '../../support/audit-trail.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let dir: string;
let heads: AuditHeads;

const chainer = (): AuditChainer =>
  new AuditChainer({
    chain: auditChain(database.catalog),
    heads,
    log: silentLog,
    clock: Date.now,
    listen: () => ({ close: () => Promise.resolve() }),
  });

async function write(count: number, prefix: string): Promise<void> {
  const entries = Array.from({ length: count }, (_, ix) => ({
    key: `${prefix}/${ix}`,
    at: new Date('2026-11-21T12:00:00.123Z'),
    actor: 'ann',
    action: 'gate.decide',
    resource_type: 'gate',
    resource_id: `g${ix}`,
    after: { z: 1, a: 'ü', n: 1.5 },
    env_id: 'local',
  }));
  await appendAudit(database.catalog.prisma, entries);
}

const linkedAll = async (count: number): Promise<void> => {
  await until('all entries are linked', async () => (await report()).linked === count);
};
const report = (): Promise<AuditReport> => verifyAudit({ chain: auditChain(database.catalog), heads });

/** Does what only an owner could do: triggers off, change, triggers on. */
const tamper = (...statements: string[]): Promise<void> =>
  asAdmin(database.ownerUrl, [
    'ALTER TABLE audit_log DISABLE TRIGGER USER',
    'ALTER TABLE audit_chain DISABLE TRIGGER USER',
    ...statements,
    'ALTER TABLE audit_log ENABLE TRIGGER USER',
    'ALTER TABLE audit_chain ENABLE TRIGGER USER',
  ]);

beforeAll(async () => {
  database = await freshDatabase();
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-audit-'));
});
beforeEach(() => emptyAuditTrail(database));
afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true, force: true });
});

async function chained(count: number): Promise<void> {
  heads = await AuditHeads.open(path.join(dir, Math.random().toString(36).slice(2)));
  await write(count, 'a');
  const one = chainer();
  one.start();
  await linkedAll(count);
  await one.stop();
}

describe('the audit chain', () => {
  it('links what is written, once, with two chainers and eight writers', async () => {
    heads = await AuditHeads.open(path.join(dir, 'many'));
    const both = [chainer(), chainer()];
    both.forEach((one) => one.start());
    await Promise.all(Array.from({ length: 8 }, (_, ix) => write(250, `w${ix}`)));
    await linkedAll(2_000);
    await Promise.all(both.map((one) => one.stop()));
    expect(await report()).toMatchObject({ ok: true, entries: 2_000, linked: 2_000, unlinked_tail: 0 });
    expect((await report()).heads).toBeGreaterThan(0);
  });

  it('counts the tail that is not linked yet', async () => {
    await chained(3);
    await write(2, 'late');
    expect(await report()).toMatchObject({ ok: true, entries: 5, linked: 3, unlinked_tail: 2 });
  });

  it('ignores an entry whose key is known', async () => {
    await chained(3);
    await write(3, 'a');
    expect(await report()).toMatchObject({ ok: true, entries: 3, unlinked_tail: 0 });
  });

  it.each([
    ['edited', "UPDATE audit_log SET actor = 'eve' WHERE audit_id = 2"],
    ['edited', `UPDATE audit_log SET after = '{"a":2}' WHERE audit_id = 2`],
    ['missing', 'DELETE FROM audit_log WHERE audit_id = 2'],
    ['gap', 'DELETE FROM audit_chain WHERE seq = 2'],
    ['tail_cut', 'DELETE FROM audit_chain WHERE seq = 5', 'DELETE FROM audit_log WHERE audit_id = 5'],
    ['tail_cut', 'DELETE FROM audit_chain', 'DELETE FROM audit_log'],
    [
      'inserted',
      "INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, env_id) VALUES ('x', now(), 'eve', 'a', 'b', 'c', 'local')",
    ],
    [
      'reordered',
      'UPDATE audit_chain SET seq = 99 WHERE seq = 2',
      'UPDATE audit_chain SET seq = 2 WHERE seq = 3',
      'UPDATE audit_chain SET seq = 3 WHERE seq = 99',
    ],
  ])('finds what was %s', async (kind, ...statements) => {
    await chained(5);
    await tamper(...statements);
    const found = await report();
    expect(found.first_problem?.kind).toBe(kind);
    expect(found.ok).toBe(false);
  });

  it('finds a chain that was written anew', async () => {
    await chained(5);
    await tamper(
      "UPDATE audit_log SET actor = 'eve' WHERE audit_id = 5",
      'DELETE FROM audit_chain WHERE seq = 5',
      'INSERT INTO audit_pending VALUES (5)',
    );
    const again = chainer();
    again.start();
    await until('the entry is linked anew', async () => {
      const { linked, first_problem: problem } = await report();
      return linked === 5 || problem?.kind === 'chain_rewritten';
    });
    await again.stop();
    expect((await report()).first_problem?.kind).toBe('chain_rewritten');
  });

  it('finds forged heads, and passes over a last line that was cut off', async () => {
    await chained(5);
    const file = path.join(dir, 'forged');
    heads = await AuditHeads.open(file);
    await heads.append({ seq: 5, audit_id: '5', hash: 'f'.repeat(64), at: '2026-11-21T12:00:00.000Z' });
    const lines = path.join(file, 'heads.jsonl');
    await writeFile(lines, (await readFile(lines, 'utf8')).replaceAll('"seq":5', '"seq":3'));
    expect((await report()).first_problem?.kind).toBe('head_signature');
    await heads.append({ seq: 1, audit_id: '1', hash: 'f', at: 'x' });
    const text = await readFile(lines, 'utf8');
    await truncate(lines, text.length - 5);
    expect((await heads.read()).heads).toHaveLength(1);
  });
});
