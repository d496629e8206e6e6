import type { EventFacts, EventLine, EventOutcome, EventSearch, EventStats } from '../domain/event-console.js';
import { IMPORTANT_EVENTS } from '../domain/event-console.js';
import type { Catalog } from './connect.js';
import { eventDto } from './event-store.js';
import { Prisma } from './generated/client.js';
import type { eventModel } from './generated/models/event.js';
import { poolRows } from './pool-rows.js';

/** Conditions that no index serves are looked for among so many of the newest events. */
const WINDOW = 20_000;
/** Counts stop here: one more is read, so that the reader can say "10 000+". */
const COUNT_LIMIT = 10_001;
const MOST_IN_CHAIN = 50;
/** Bytes of data as it is stored; more says too much for a line. */
const MOST_DATA = 2_000;
/** New events are counted up to here. */
const MOST_NEW = 1_001;

const ANY = (verdicts: readonly string[]): Prisma.Sql =>
  Prisma.sql`EXISTS (SELECT 1 FROM event_verdicts v WHERE v.event_id = e.event_id AND v.verdict = ANY(${[...verdicts]}::text[]))`;

const OUTCOMES: Record<EventOutcome, Prisma.Sql> = {
  started: ANY(['started']),
  nomatch: Prisma.sql`${ANY(['filter_false', 'disabled'])} AND NOT ${ANY(['started', 'backlog', 'filter_error', 'input_invalid', 'loop'])}`,
  held: ANY(['backlog']),
  refused: ANY(['filter_error', 'input_invalid', 'loop']),
};

function indexed({ name, run, correlation, actor, from, to }: EventSearch): Prisma.Sql[] {
  return [
    ...(name === undefined || name.includes('*') ? [] : [Prisma.sql`event_name = ${name}`]),
    ...(run === undefined ? [] : [Prisma.sql`run_id = ${run}::uuid`]),
    ...(correlation === undefined ? [] : [Prisma.sql`correlation_id = ${correlation}`]),
    ...(actor === undefined ? [] : [Prisma.sql`actor = ${actor}`]),
    ...(from === undefined ? [] : [Prisma.sql`occurred_at >= ${from}::timestamptz`]),
    ...(to === undefined ? [] : [Prisma.sql`occurred_at < ${to}::timestamptz`]),
  ];
}

/** A trigger's pattern as a regular expression. */
function patternRegex(pattern: string): string {
  const escaped = pattern.replace(/[^a-z0-9_*]/g, (character) => `\\${character}`);
  return `^${escaped.replaceAll('**', '[a-z0-9_.]+').replace(/\*/g, '[a-z0-9_]+')}$`;
}

function looked({ name, became, important, words = [] }: EventSearch): Prisma.Sql[] {
  return [
    ...(name?.includes('*') === true ? [Prisma.sql`e.event_name ~ ${patternRegex(name)}`] : []),
    ...(important === true ? [Prisma.sql`e.event_name ~ ${IMPORTANT_EVENTS}`] : []),
    ...words.map((word) => Prisma.sql`e.event_name ILIKE ${`%${word.replace(/[\\%_]/g, '\\$&')}%`}`),
    ...(became === undefined ? [] : [OUTCOMES[became]]),
  ];
}

/** The newest events that fit, without their verdicts. Conditions on them start from an index, the others from a window. */
function matching(search: EventSearch, edge: Prisma.Sql, limit: number): Prisma.Sql {
  const where = Prisma.join([edge, ...indexed(search)], ' AND ');
  const others = looked(search);
  if (others.length === 0) return Prisma.sql`SELECT * FROM events WHERE ${where} ORDER BY seq DESC LIMIT ${limit}`;
  return Prisma.sql`SELECT * FROM (SELECT * FROM events WHERE ${where} ORDER BY seq DESC LIMIT ${WINDOW}) e
    WHERE ${Prisma.join(others, ' AND ')} ORDER BY seq DESC LIMIT ${limit}`;
}

const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';

/** What the event console asks; every query is bounded and starts from an index. */
export class EventConsoleStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Newest first, below a place in the log where one is given. @throws XynFault `db_unavailable` */
  async lines(search: EventSearch, limit: number, before: string | undefined): Promise<EventLine[]> {
    const edge = before === undefined ? Prisma.sql`true` : Prisma.sql`seq < ${before}::bigint`;
    return this.#read<EventLine>(Prisma.sql`
      SELECT e.event_id, e.seq::text AS seq, e.event_name, e.actor, e.resource,
        to_char(e.occurred_at AT TIME ZONE 'UTC', ${ISO}) AS occurred_at,
        CASE WHEN pg_column_size(e.data) < ${MOST_DATA} THEN e.data END AS data,
        coalesce((SELECT jsonb_agg(jsonb_build_object('verdict', v.verdict, 'run_id', v.run_id) ORDER BY v.blueprint_id)
          FROM event_verdicts v WHERE v.event_id = e.event_id), '[]'::jsonb) AS verdicts
      FROM (${matching(search, edge, limit)}) e ORDER BY e.seq DESC`);
  }

  /** How many came in at that place of the log or after it, counted up to 1 001. @throws XynFault `db_unavailable` */
  async newer(search: EventSearch, from: string): Promise<number> {
    const [row] = await this.#read<{ n: number }>(Prisma.sql`
      SELECT count(*)::int AS n FROM (${matching(search, Prisma.sql`seq >= ${from}::bigint`, MOST_NEW)}) e`);
    return row?.n ?? 0;
  }

  /** @throws XynFault `db_unavailable` */
  async stats(from: string, to: string): Promise<EventStats> {
    const rows = await this.#read<EventStats['minutes'][number] & Record<EventOutcome | 'all' | 'important', number>>(
      Prisma.sql`
      WITH newest AS MATERIALIZED (
        SELECT event_id, event_name, occurred_at FROM events
        WHERE occurred_at >= ${from}::timestamptz AND occurred_at < ${to}::timestamptz
        ORDER BY occurred_at DESC, seq DESC LIMIT ${COUNT_LIMIT}),
      judged AS (
        SELECT e.occurred_at, e.event_name ~ ${IMPORTANT_EVENTS} AS important,
          coalesce(bool_or(v.verdict = 'started'), false) AS started,
          coalesce(bool_or(v.verdict = 'backlog'), false) AS held,
          coalesce(bool_or(v.verdict IN ('filter_error', 'input_invalid', 'loop')), false) AS refused,
          count(v.verdict) > 0 AS heard
        FROM newest e LEFT JOIN event_verdicts v USING (event_id) GROUP BY e.event_id, e.occurred_at, e.event_name)
      SELECT to_char(date_trunc('minute', occurred_at) AT TIME ZONE 'UTC', ${ISO}) AS at,
        count(*) FILTER (WHERE NOT important AND NOT refused)::int AS value,
        count(*) FILTER (WHERE important OR refused)::int AS failed, count(*)::int AS "all",
        count(*) FILTER (WHERE started)::int AS started, count(*) FILTER (WHERE held)::int AS held,
        count(*) FILTER (WHERE refused)::int AS refused, count(*) FILTER (WHERE important)::int AS important,
        count(*) FILTER (WHERE heard AND NOT started AND NOT held AND NOT refused)::int AS nomatch
      FROM judged GROUP BY 1 ORDER BY 1`,
    );
    const sum = (key: EventOutcome | 'all' | 'important'): number => rows.reduce((total, row) => total + row[key], 0);
    return {
      from,
      to,
      is_counted: true,
      all: sum('all'),
      started: sum('started'),
      nomatch: sum('nomatch'),
      held: sum('held'),
      refused: sum('refused'),
      important: sum('important'),
      minutes: rows.map(({ at, value, failed }) => ({ at, value, failed })),
    };
  }

  /** @throws XynFault `db_unavailable` */
  async facts(eventId: string): Promise<EventFacts | undefined> {
    const [row] = await this.#read<eventModel & Pick<EventFacts, 'verdicts' | 'repeats' | 'chain'>>(Prisma.sql`
      SELECT e.*,
        coalesce((SELECT jsonb_agg(jsonb_build_object('blueprint_id', v.blueprint_id, 'verdict', v.verdict,
            'detail', v.detail, 'run_id', v.run_id, 'name', b.name) ORDER BY v.blueprint_id)
          FROM event_verdicts v LEFT JOIN blueprints b USING (blueprint_id) WHERE v.event_id = e.event_id), '[]'::jsonb) AS verdicts,
        (SELECT a.after->>'repeats' FROM audit_log a WHERE a.resource_type = 'event' AND a.resource_id = e.event_id::text
          AND a.action = 'event.emit' LIMIT 1) AS repeats,
        (SELECT jsonb_agg(c) FROM (SELECT event_id, event_name, run_id,
            to_char(occurred_at AT TIME ZONE 'UTC', ${ISO}) AS occurred_at
          FROM events o WHERE o.correlation_id = e.correlation_id ORDER BY o.seq LIMIT ${MOST_IN_CHAIN}) c) AS chain
      FROM events e WHERE e.event_id = ${eventId}::uuid`);
    if (row === undefined) return undefined;
    const { verdicts, repeats, chain } = row;
    return { event: { ...eventDto(row), seq: String(row.seq) }, verdicts, repeats, chain };
  }

  #read<T extends object>(query: Prisma.Sql): Promise<T[]> {
    return poolRows<T>(this.#catalog, query);
  }
}
