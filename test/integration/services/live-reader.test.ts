import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { listenTo } from '../../../src/catalog/channel-listener.js';
import type { PlacedEvent } from '../../../src/catalog/live-store.js';
import { catalogAccess } from '../../../src/catalog/unit-of-work.js';
import { parsePosition, positionText } from '../../../src/services/live-position.js';
import { LiveReader, type Follower } from '../../../src/services/live-reader.js';
import { asAdmin, freshDatabase, type TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';
import { until } from '../../support/until.js';

let db: TestDatabase;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  db = await freshDatabase();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => db.drop());

async function startReader(maxFollowers = 10): Promise<LiveReader> {
  const reader = new LiveReader({
    store: catalogAccess(db.catalog).live,
    log: silentLog,
    clock: Date.now,
    maxFollowers,
    listen: (onNotice) => listenTo({ connection: db.catalog.pool.options, channel: 'xyn_outbox', onNotice }),
  });
  await reader.start();
  ends.push(() => reader.stop());
  return reader;
}

const INSERT = `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, run_id)
  VALUES ($1, $2, now(), 'local', 'ann', 'c', $3, $4)`;

async function insert(client: pg.ClientBase | pg.Pool, name = 't.event', data: object = {}): Promise<string> {
  const id = randomUUID();
  await client.query(INSERT, [id, name, JSON.stringify(data), null]);
  return id;
}

async function connection(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: db.ownerUrl });
  await client.connect();
  ends.push(() => client.end());
  return client;
}

/** A follower that notes what it is told. */
function book(over: Partial<Follower> = {}) {
  const seen: { ids: string[]; places: PlacedEvent['position'][]; gaps: string[]; ended: boolean; ok: boolean[] } = {
    ids: [],
    places: [],
    gaps: [],
    ended: false,
    ok: [],
  };
  const follower: Follower = {
    filter: {},
    onEvents(events) {
      seen.ids.push(...events.map(({ event }) => event.event_id));
      seen.places.push(...events.map(({ position }) => position));
      return undefined;
    },
    onGap: (position) => seen.gaps.push(position),
    onSource: (ok) => seen.ok.push(ok),
    onEnd: () => (seen.ended = true),
    ...over,
  };
  return { seen, follower };
}

describe('the reader of the event log', () => {
  it('tells an event right after its commit', async () => {
    const reader = await startReader();
    const { seen, follower } = book();
    reader.follow(follower);
    await insert(db.catalog.pool);
    await until('a first event is there', () => seen.ids.length === 1);
    const took: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const before = performance.now();
      const id = await insert(db.catalog.pool);
      await until('the event is told', () => seen.ids.includes(id));
      took.push(performance.now() - before);
    }
    // Who has to look for it takes half a second on average. The best of them: the others may tell of a busy machine.
    expect(Math.min(...took)).toBeLessThan(250);
  });

  it('misses nothing and tells nothing twice when a slower transaction has the lower number', async () => {
    const reader = await startReader();
    const { seen, follower } = book();
    const position = reader.position();
    reader.follow(follower);
    const [slow, fast] = [await connection(), await connection()];
    await slow.query('BEGIN');
    const first = await insert(slow, 't.slow');
    const second = await insert(fast, 't.fast');
    // The faster one is committed and has the higher number, and has to wait for the slower one.
    await until('the reader knows that something is held back', async () => {
      const { isHeldBack } = await catalogAccess(db.catalog).live.horizon();
      return isHeldBack;
    });
    expect(seen.ids).toEqual([]);
    await slow.query('COMMIT');
    await until('both are told', () => seen.ids.length === 2);
    expect(seen.ids).toEqual([first, second]);

    // Who comes later, from the same place, or from between the two, sees the same.
    const again = book({ after: position });
    const between = book({ after: positionText(seen.places[0]!) });
    reader.follow(again.follower);
    reader.follow(between.follower);
    await until('both have caught up', () => again.seen.ids.length === 2 && between.seen.ids.length === 1);
    expect(again.seen.ids).toEqual([first, second]);
    expect(between.seen.ids).toEqual([second]);
  });

  it('gives everybody all of a storm of overlapping transactions, also those who come and go', async () => {
    const readers = await Promise.all([startReader(), startReader()]);
    const steady = book();
    readers[0].follow(steady.follower);
    const start = readers[0].position();
    const clients = await Promise.all(Array.from({ length: 8 }, connection));
    const committed = new Set<string>();
    let open = clients.length;
    const storm = clients.map(async (client, ix) => {
      for (let n = 0; n < 25; n += 1) {
        await client.query('BEGIN');
        const ids = [await insert(client)];
        // Transactions of unequal length, so that commits come in another order than numbers.
        await client.query('SELECT pg_sleep($1)', [((ix * 7 + n * 3) % 11) / 1_000]);
        ids.push(await insert(client));
        const keep = (ix + n) % 5 !== 0;
        await client.query(keep ? 'COMMIT' : 'ROLLBACK');
        if (keep) ids.forEach((id) => committed.add(id));
      }
      open -= 1;
    });
    // One that leaves after every few events, and goes on with another process from where it was.
    const hopped: string[] = [];
    let place = start;
    const hop = async (): Promise<void> => {
      for (let turn = 0; open > 0 || hopped.length < committed.size; turn += 1) {
        const { seen, follower } = book({ after: place });
        const { leave } = readers[turn % 2]!.follow(follower);
        await until(
          'something new, or the end',
          () => seen.ids.length > 0 || (open === 0 && hopped.length >= committed.size),
        );
        leave();
        hopped.push(...seen.ids);
        const last = seen.places.at(-1);
        if (last !== undefined) place = positionText(last);
      }
    };
    await Promise.all([...storm, hop()]);
    await until('all are told', () => steady.seen.ids.length >= committed.size);
    expect(new Set(steady.seen.ids)).toEqual(committed);
    expect(steady.seen.ids).toHaveLength(committed.size);
    expect(hopped).toEqual(steady.seen.ids);
  });

  it('lets a slow follower read what it lacks from the catalog, in pages', async () => {
    const reader = await startReader();
    let release = (): void => undefined;
    let calls = 0;
    const ids: string[] = [];
    reader.follow({
      ...book().follower,
      onEvents: (events) => {
        ids.push(...events.map(({ event }) => event.event_id));
        calls += 1;
        return calls === 1 ? new Promise((resolve) => (release = resolve)) : undefined;
      },
    });
    const written = [await insert(db.catalog.pool)];
    await until('the first is told', () => calls === 1);
    const client = await connection();
    for (let n = 0; n < 450; n += 1) written.push(await insert(client));
    const { seen, follower } = book();
    reader.follow(follower);
    written.push(await insert(client));
    await until('others go on', () => seen.ids.includes(written.at(-1)!));
    expect(calls).toBe(1);
    release();
    await until('the slow one has all', () => ids.length === written.length);
    expect(ids).toEqual(written);
  });

  it('cuts pages by size', async () => {
    const store = catalogAccess(db.catalog).live;
    const { position: after } = await store.horizon();
    // Random text, since compressed rows count by what they take.
    const text = (): string => Array.from({ length: 20_000 }, () => randomUUID()).join('');
    for (let n = 0; n < 8; n += 1) await insert(db.catalog.pool, 't.big', { text: text() });
    // A transaction in another database of the server holds them back for as long as it lasts.
    const { rows } = await db.catalog.pool.query<{ last: string }>('SELECT max(txid) AS last FROM events');
    const last = BigInt(rows[0]?.last ?? 0);
    await until('they can be read', async () => (await store.horizon()).position.txid > last, 45_000);
    const ids: string[] = [];
    let place = after;
    let pages = 0;
    for (let more = true; more; pages += 1) {
      const page = await store.read({ after: place, limit: 200 });
      ids.push(...page.events.map(({ event }) => event.event_id));
      place = page.position;
      more = page.hasMore;
    }
    expect(new Set(ids).size).toBe(8);
    expect(ids).toHaveLength(8);
    expect(pages).toBeGreaterThanOrEqual(2);
  });

  it('tells of a gap: too far behind, a place of another server, a word that is no place', async () => {
    const reader = await startReader();
    const early = reader.position();
    for (let n = 0; n < 6; n += 1) await insert(db.catalog.pool);
    // Everything that uses the server moves its place, and a long transaction in another database of it holds the place
    // back: only when it lies behind these events do they count as missed.
    const { rows } = await db.catalog.pool.query<{ last: string }>('SELECT max(txid) AS last FROM events');
    const last = BigInt(rows[0]?.last ?? 0);
    await until('the reader is past them', () => parsePosition(reader.position())!.txid > last, 45_000);
    const far = book({ after: early, maxCatchUp: 3 });
    const foreign = book({ after: '9000000000000000000-1' });
    const wrong = book({ after: 'latest' });
    for (const { follower } of [far, foreign, wrong]) reader.follow(follower);
    const told = (): boolean => [far, foreign, wrong].every(({ seen }) => seen.gaps.length === 1);
    await until('all three are told', told);
    const id = await insert(db.catalog.pool);
    await until('and go on', () => [far, foreign, wrong].every(({ seen }) => seen.ids.includes(id)));
    expect(far.seen.ids).toEqual([id]);
    expect(parsePosition(far.seen.gaps[0]!)).toBeDefined();
  });

  it('filters by run, correlation, actor and pattern of names', async () => {
    const reader = await startReader();
    const after = reader.position();
    const [one, other] = [await insert(db.catalog.pool, 'a.b.c'), await insert(db.catalog.pool, 'a.x')];
    const names = book({ after, filter: { event_name: 'a.**', correlation_id: 'c', actor: 'ann' } });
    const near = book({ after, filter: { event_name: 'a.*' } });
    const none = book({ after, filter: { run_id: randomUUID() } });
    for (const { follower } of [names, near, none]) reader.follow(follower);
    await until('told', () => names.seen.ids.length === 2 && near.seen.ids.length === 1);
    expect(names.seen.ids).toEqual([one, other]);
    expect(near.seen.ids).toEqual([other]);
    const late = await insert(db.catalog.pool, 'b.c');
    const all = book({ after });
    reader.follow(all.follower);
    await until('told', () => all.seen.ids.includes(late));
    expect([names.seen.ids.length, near.seen.ids.length, none.seen.ids.length]).toEqual([2, 1, 0]);
  });

  it('refuses more followers than allowed, and ends all when it stops', async () => {
    const reader = await startReader(1);
    const { seen, follower } = book();
    const { leave } = reader.follow(follower);
    expect(() => reader.follow(book().follower)).toThrow(expect.objectContaining({ code: 'streams_exhausted' }));
    leave();
    reader.follow(follower);
    await reader.stop();
    expect(seen.ended).toBe(true);
    expect(() => reader.follow(follower)).toThrow(expect.objectContaining({ code: 'not_running' }));
  });

  it('ends a follower that fails, and no other', async () => {
    const reader = await startReader();
    const failing = book({ onEvents: () => Promise.reject(new Error('slow')) });
    const fine = book();
    reader.follow(failing.follower);
    reader.follow(fine.follower);
    await insert(db.catalog.pool);
    await until('it ended', () => failing.seen.ended && fine.seen.ids.length === 1);
    expect(reader.followers).toBe(1);
  });

  it('puts events of a restored database before all others', async () => {
    const id = await insert(db.catalog.pool);
    await asAdmin(db.ownerUrl, [`UPDATE events SET txid = 8000000000000000000 WHERE event_id = '${id}'`]);
    await startReader();
    const { rows } = await db.catalog.pool.query('SELECT txid FROM events WHERE event_id = $1', [id]);
    expect(rows).toEqual([{ txid: '0' }]);
  });
});
