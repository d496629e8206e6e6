import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createPrivateKey, sign } from 'node:crypto';
import {
  appendFile,
  chmod,
  copyFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { auditChain } from '../../../src/catalog/audit-chain.js';
import { appendAudit, type AuditEntry } from '../../../src/catalog/audit.js';
import { listenTo } from '../../../src/catalog/channel-listener.js';
import { GENESIS } from '../../../src/domain/audit-chain.js';
import { canonicalJson } from '../../../src/domain/json.js';
import { AuditChainer } from '../../../src/services/audit-chainer.js';
import { linkHash } from '../../../src/services/audit-hash.js';
import { AuditHeads, type AuditHead } from '../../../src/services/audit-heads.js';
import { verifyAudit, type AuditReport } from '../../../src/services/audit-verification.js';
import { emptyAuditTrail } from '../../support/audit-trail.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let root: string;
let dir: string;
let heads: AuditHeads;
const started: AuditChainer[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  root = await mkdtemp(path.join(tmpdir(), 'xyn-tampering-'));
});
afterAll(async () => {
  await database.drop();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  await emptyAuditTrail(database);
  dir = await mkdtemp(path.join(root, 'audit-'));
  heads = await AuditHeads.open(dir);
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const entry = (key: string, over: Partial<AuditEntry> = {}): AuditEntry => ({
  key,
  at: new Date('2026-11-21T12:00:00.123Z'),
  actor: 'ann',
  action: 'gate.decide',
  resource_type: 'gate',
  resource_id: 'g',
  env_id: 'local',
  ...over,
});
const write = (prefix: string, count: number, over: Partial<AuditEntry> = {}): Promise<void> =>
  appendAudit(
    database.catalog.prisma,
    Array.from({ length: count }, (_, ix) => entry(`${prefix}/${ix}`, over)),
  );
const chainer = (log = silentLog): AuditChainer => {
  const one = new AuditChainer({
    chain: auditChain(database.catalog),
    heads,
    log,
    clock: Date.now,
    listen: (onNotice) => listenTo({ connection: database.catalog.pool.options, channel: 'xyn_audit', onNotice }),
  });
  started.push(one);
  return one;
};
const report = (): Promise<AuditReport> => verifyAudit({ chain: auditChain(database.catalog), heads });
const problem = async (): Promise<AuditReport['first_problem']> => (await report()).first_problem;
const countOf = async (table: string): Promise<number> => {
  const { rows } = await database.catalog.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
  return rows[0]?.n ?? 0;
};

/** Links everything there is, and signs. */
async function chained(): Promise<void> {
  const one = chainer();
  one.start();
  await until('nothing waits', async () => (await countOf('audit_pending')) === 0).finally(() => one.stop());
}

/** Does what only an owner could do: no trigger fires meanwhile. */
const tamper = (...statements: string[]): Promise<void> =>
  asAdmin(database.ownerUrl, ['SET session_replication_role = replica', ...statements]);

const forge = (columns: string, values: string): string =>
  `INSERT INTO audit_log (key, at, actor, action, resource_type, resource_id, env_id${columns})
   VALUES ('forged', now(), 'eve', 'gate.decide', 'gate', 'g', 'local'${values})`;

describe('verification', () => {
  beforeEach(async () => {
    await write('a', 6, { before: { n: 1 }, after: { n: 2 }, reason: 'why' });
    await chained();
    expect(await report()).toMatchObject({ ok: true, entries: 6, linked: 6, unlinked_tail: 0 });
  });

  it('finds an edit of any column', async () => {
    const texts = [
      'key',
      'actor',
      'action',
      'resource_type',
      'resource_id',
      'reason',
      'correlation_id',
      'env_id',
      'layer',
    ];
    const changes = [
      ...texts.map((column) => `${column} = 'eve'`),
      `owner_org_id = 'eve'`,
      `at = at + interval '1 ms'`,
      `at = 'infinity'`,
      `before = NULL`,
      `after = '{"n": 3}'`,
      `after = '[1e400]'`,
      `run_id = gen_random_uuid()`,
      `step_id = gen_random_uuid()`,
    ];
    await tamper('CREATE TABLE kept AS SELECT * FROM audit_log WHERE audit_id = 4');
    const restore = [
      'DELETE FROM audit_log WHERE audit_id = 4',
      'INSERT INTO audit_log OVERRIDING SYSTEM VALUE SELECT * FROM kept',
    ];
    for (const change of changes) {
      await tamper(...restore, `UPDATE audit_log SET ${change} WHERE audit_id = 4`);
      const found = { kind: 'edited', seq: 4, audit_id: '4' };
      expect({ change, found: await problem() }).toMatchObject({ change, found });
    }
    await tamper(...restore, 'DROP TABLE kept');
    expect(await report()).toMatchObject({ ok: true });
  });

  it.each<[string, Partial<AuditReport['first_problem']>, string[]]>([
    ['an entry that was removed', { kind: 'missing', seq: 3 }, ['DELETE FROM audit_log WHERE audit_id = 3']],
    [
      'the last entry removed with its link',
      { kind: 'tail_cut' },
      ['DELETE FROM audit_log WHERE audit_id = 6', 'DELETE FROM audit_chain WHERE seq = 6'],
    ],
    ['a link that was removed', { kind: 'gap', seq: 3 }, ['DELETE FROM audit_chain WHERE seq = 3']],
    ['the first link that was removed', { kind: 'gap', seq: 1 }, ['DELETE FROM audit_chain WHERE seq = 1']],
    ['an emptied trail', { kind: 'tail_cut' }, ['TRUNCATE audit_log, audit_chain']],
    [
      'links that wait again',
      { kind: 'tail_cut' },
      ['DELETE FROM audit_chain WHERE seq > 4', 'INSERT INTO audit_pending VALUES (5), (6)'],
    ],
    ['an entry that came in without a trace', { kind: 'inserted', audit_id: '7' }, [forge('', '')]],
    ['an entry below the first id', { kind: 'inserted', audit_id: '-5' }, [forge(', audit_id', ', -5')]],
    [
      'an entry with a link outside of the numbers',
      { kind: 'inserted', seq: -1 },
      [
        forge('', ''),
        `INSERT INTO audit_chain (seq, audit_id, prev_hash, hash) VALUES (-1, 7, repeat('0', 64), repeat('f', 64))`,
      ],
    ],
    [
      'an entry linked twice',
      { kind: 'inserted' },
      [
        'DROP INDEX audit_chain_audit_id_key',
        `INSERT INTO audit_chain (seq, audit_id, prev_hash, hash)
         SELECT 7, 3, c.hash, encode(sha256(convert_to(c.hash || E'\\n' || (
           SELECT '{"action":"gate.decide","actor":"ann","after":{"n":2},"at":"2026-11-21T12:00:00.123Z","audit_id":"3",'
             || '"before":{"n":1},"env_id":"local","key":"a/2","layer":"operator","owner_org_id":"local","reason":"why",'
             || '"resource_id":"g","resource_type":"gate"}'), 'UTF8')), 'hex')
         FROM audit_chain c WHERE seq = 6`,
      ],
    ],
    [
      'links that changed places',
      { kind: 'reordered', seq: 3 },
      [
        'UPDATE audit_chain SET seq = 99 WHERE seq = 3',
        'UPDATE audit_chain SET seq = 3 WHERE seq = 4',
        'UPDATE audit_chain SET seq = 4 WHERE seq = 99',
      ],
    ],
    [
      'links that changed their entries',
      { kind: 'reordered', seq: 3 },
      [
        'UPDATE audit_chain SET audit_id = 99 WHERE seq = 3',
        'UPDATE audit_chain SET audit_id = 3 WHERE seq = 4',
        'UPDATE audit_chain SET audit_id = 4 WHERE seq = 3',
      ],
    ],
    [
      'entries that changed their ids',
      { kind: 'reordered', seq: 3 },
      [
        'UPDATE audit_log SET audit_id = 99 WHERE audit_id = 3',
        'UPDATE audit_log SET audit_id = 3 WHERE audit_id = 4',
        'UPDATE audit_log SET audit_id = 4 WHERE audit_id = 99',
      ],
    ],
    ['a hash that was edited', { kind: 'edited', seq: 6 }, [`UPDATE audit_chain SET hash = 'f' WHERE seq = 6`]],
  ])('finds %s', async (_what, expected, statements) => {
    await tamper(...statements);
    const found = await report();
    expect(found.ok).toBe(false);
    expect(found.first_problem).toMatchObject(expected as object);
  });

  it('finds an entry that was removed before it was linked', async () => {
    await write('b', 2);
    await tamper('DELETE FROM audit_log WHERE audit_id = 7');
    expect(await problem()).toMatchObject({ kind: 'missing', audit_id: '7' });
    const one = chainer();
    one.start();
    await until('the other is linked', async () => (await countOf('audit_chain')) === 7);
    await one.stop();
    expect(await problem()).toMatchObject({ kind: 'missing', audit_id: '7' });
  });

  it('finds that an older copy was put back, also when it has grown beyond the last head', async () => {
    await tamper(
      'CREATE TABLE old_log AS SELECT * FROM audit_log',
      'CREATE TABLE old_chain AS SELECT * FROM audit_chain',
    );
    await write('b', 3);
    await chained();
    await tamper(
      'TRUNCATE audit_log, audit_chain',
      'INSERT INTO audit_log SELECT * FROM old_log',
      'INSERT INTO audit_chain SELECT * FROM old_chain',
    );
    expect(await problem()).toMatchObject({ kind: 'tail_cut', seq: 9 });
    await write('c', 5);
    await chained();
    expect(await problem()).toMatchObject({ kind: 'chain_rewritten', seq: 9 });
  });

  it('finds a chain that was computed anew after an edit', async () => {
    await tamper(
      `UPDATE audit_log SET actor = 'eve' WHERE audit_id = 2`,
      'TRUNCATE audit_chain',
      'INSERT INTO audit_pending SELECT audit_id FROM audit_log',
    );
    await chained();
    expect(await problem()).toMatchObject({ kind: 'chain_rewritten', seq: 6 });
  });

  it('reads one moment while entries are written and linked', async () => {
    const one = chainer();
    one.start();
    const written = new AbortController();
    const writer = (async () => {
      for (let ix = 0; !written.signal.aborted; ix += 1) await write(`w${ix}`, 20);
    })();
    try {
      for (let ix = 0; ix < 10; ix += 1) {
        const { ok, entries, linked, unlinked_tail: tail } = await report();
        expect([ok, linked + tail]).toEqual([true, entries]);
      }
    } finally {
      written.abort();
      await writer;
    }
    await one.stop();
  });
});

describe('signed heads', () => {
  const file = (): string => path.join(dir, 'heads.jsonl');
  beforeEach(async () => {
    await write('a', 3);
    await chained();
  });

  it('are kept with a key for the owner only', async () => {
    expect((await stat(path.join(dir, 'key.pem'))).mode & 0o777).toBe(0o600);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    const one = (await heads.read()).heads.at(-1);
    expect(one).toMatchObject({ seq: 3, audit_id: '3' });
  });

  it('are missed when all of them are gone', async () => {
    await rm(file());
    expect(await problem()).toMatchObject({ kind: 'heads_missing' });
  });

  it.each<[string, (head: AuditHead) => string]>([
    ['another hash', (head) => JSON.stringify({ ...head, hash: 'f'.repeat(64) })],
    ['another time', (head) => JSON.stringify({ ...head, at: '2020-01-01T00:00:00.000Z' })],
    ['no signature', (head) => JSON.stringify({ ...head, signature: '' })],
    ['text that is no head', () => '{"seq":"3"}'],
    ['text that is no JSON', (head) => JSON.stringify(head).replace('{', '')],
  ])('are not taken with %s', async (_what, edit) => {
    const head = (await heads.read()).heads[0] as AuditHead;
    await writeFile(file(), `${edit(head)}\n`);
    expect(await problem()).toMatchObject({ kind: 'head_signature' });
  });

  it('of a foreign key are not taken', async () => {
    const foreign = await AuditHeads.open(await mkdtemp(path.join(root, 'foreign-')));
    await foreign.append({ seq: 3, audit_id: '3', hash: 'f', at: 'x' });
    heads = foreign;
    expect(await problem()).toMatchObject({ kind: 'chain_rewritten' });
    const key = createPrivateKey(await readFile(path.join(dir, 'key.pem')));
    const body = { seq: 2, audit_id: '2', hash: 'f', at: 'x' };
    const signature = sign(null, Buffer.from(canonicalJson(body)), key).toString('base64');
    expect(foreign.isGenuine({ ...body, signature })).toBe(false);
  });

  it('survive a line that a crash cut off, and go on after it', async () => {
    await appendFile(file(), '{"seq":3,"audit_id":"3","ha');
    expect(await report()).toMatchObject({ ok: true });
    await write('b', 1);
    await chained();
    const found = await heads.read();
    expect([found.heads.at(-1)?.seq, found.unreadable]).toEqual([4, 0]);
    expect(await report()).toMatchObject({ ok: true, linked: 4 });
  });

  it('are signed at the next start when the process died between linking and signing', async () => {
    await write('b', 2);
    await auditChain(database.catalog).linkPending(10, { genesis: GENESIS, hash: linkHash });
    expect((await heads.read()).heads.at(-1)?.seq).toBe(3);
    const one = chainer();
    one.start();
    await until('the head is signed', async () => (await heads.read()).heads.at(-1)?.seq === 5);
    await one.stop();
  });

  it('that cannot be written do not stop the linking', async () => {
    await rm(dir, { recursive: true });
    await write('b', 2);
    const errors: string[] = [];
    const one = chainer({ ...silentLog, error: ((_facts: object, message: string) => errors.push(message)) as never });
    one.start();
    await until('linked', async () => (await countOf('audit_chain')) === 5);
    await one.stop();
    expect(errors.join()).toContain('could not be signed');
  });

  it('want the key that signed them', async () => {
    await rm(path.join(dir, 'key.pem'));
    await expect(AuditHeads.open(dir)).rejects.toMatchObject({ code: 'data_dir_unusable' });
    await truncate(file(), 0);
    await chmod(dir, 0o700);
    const other = await mkdtemp(path.join(root, 'other-'));
    await AuditHeads.open(other);
    await writeFile(path.join(dir, 'key.pem'), await readFile(path.join(other, 'key.pem')), { mode: 0o600 });
    await expect(AuditHeads.open(dir)).rejects.toMatchObject({ code: 'data_dir_unusable' });
  });

  it('are verified with the public key alone', async () => {
    const copy = await mkdtemp(path.join(root, 'copy-'));
    await expect(AuditHeads.openForReading(copy)).rejects.toMatchObject({ code: 'data_dir_unusable' });
    for (const name of ['key.pub.pem', 'heads.jsonl']) await copyFile(path.join(dir, name), path.join(copy, name));
    const reader = await AuditHeads.openForReading(copy);
    const found = await verifyAudit({ chain: auditChain(database.catalog), heads: reader });
    expect(found).toMatchObject({ ok: true, linked: 3 });
    expect(found.heads).toBeGreaterThan(0);
    expect((await readdir(copy)).sort()).toEqual(['heads.jsonl', 'key.pub.pem']);
  });

  it('have one key when several processes start at once', async () => {
    const fresh = await mkdtemp(path.join(root, 'race-'));
    const opened = await Promise.all(Array.from({ length: 8 }, () => AuditHeads.open(fresh)));
    const keys = opened.map((one) => one.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'));
    expect(new Set(keys).size).toBe(1);
  });

  it('tell at the start that the chain was cut', async () => {
    await tamper('DELETE FROM audit_chain WHERE seq = 3', 'DELETE FROM audit_log WHERE audit_id = 3');
    const errors: string[] = [];
    const one = chainer({ ...silentLog, error: ((_facts: object, message: string) => errors.push(message)) as never });
    one.start();
    await until('it is told', () => errors.some((message) => message.includes('cut or rewritten')));
    await one.stop();
  });
});

describe('the chainer', () => {
  it('links each entry once while its connections are killed', async () => {
    const both = [chainer(), chainer()];
    both.forEach((one) => one.start());
    let writing = true;
    let written = 0;
    const writers = Array.from({ length: 8 }, async (_, who) => {
      for (let ix = 0; writing; ix += 1) {
        // A writer whose connection is killed repeats the same entry: its key makes that harmless.
        await write(`k${who}/${ix}`, 3).then(
          () => (written += 3),
          () => (ix -= 1),
        );
      }
    });
    for (let ix = 0; ix < 6; ix += 1) {
      await asAdmin(database.ownerUrl, [
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'xyn-test'`,
      ]);
      const before = await until('links are made', async () => countOf('audit_chain').catch(() => undefined));
      await until('more links', async () => (await countOf('audit_chain').catch(() => 0)) > before || ix % 2 === 0);
    }
    writing = false;
    await Promise.all(writers);
    await until('nothing waits', async () => (await countOf('audit_pending').catch(() => 1)) === 0);
    await Promise.all(both.map((one) => one.stop()));
    expect(await report()).toMatchObject({ ok: true, entries: written, linked: written, unlinked_tail: 0 });
  });

  it('is not held up by a thousand pending rows without an entry', async () => {
    await write('a', 1_500);
    await tamper('DELETE FROM audit_log WHERE audit_id <= 1200');
    const one = chainer();
    one.start();
    await until('the others are linked', async () => (await countOf('audit_chain')) === 300);
    await one.stop();
    expect(await problem()).toMatchObject({ kind: 'missing', audit_id: '1' });
  });

  it('links soon after the commit without a notice too', async () => {
    const deaf = new AuditChainer({
      chain: auditChain(database.catalog),
      heads,
      log: silentLog,
      clock: Date.now,
      listen: () => ({ close: () => Promise.resolve() }),
    });
    deaf.start();
    const took: number[] = [];
    for (let ix = 0; ix < 5; ix += 1) {
      await write(`late${ix}`, 1);
      const from = performance.now();
      await until('linked', async () => (await countOf('audit_pending')) === 0);
      took.push(performance.now() - from);
    }
    await deaf.stop();
    // The best of them: the others may tell how busy the machine is.
    expect(Math.min(...took)).toBeLessThan(1_000);
  });
});

describe('appending', () => {
  it('fails loudly on any conflict but a known key', async () => {
    await write('a', 2);
    await write('a', 3);
    expect(await countOf('audit_log')).toBe(3);
    await asAdmin(database.ownerUrl, [`SELECT setval('audit_log_audit_id_seq', 1)`]);
    await expect(write('b', 1)).rejects.toThrow();
    expect(await countOf('audit_log')).toBe(3);
  });

  it('is undone with its transaction', async () => {
    const failing = database.catalog.prisma.$transaction(async (tx) => {
      await appendAudit(tx, entry('x'));
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([await countOf('audit_log'), await countOf('audit_pending')]).toEqual([0, 0]);
  });
});
