import type { EventDto, StepDto } from '../domain/dtos.js';
import { eventDto } from './event-store.js';
import type { eventModel } from './generated/models/event.js';
import type { Database } from './database.js';
import { stepDto } from './run-store.js';

/**
 * A place in the event log, in the order in which events can be read without ever missing one: by the transaction that
 * wrote them, then by their number.
 */
export interface LivePosition {
  txid: bigint;
  seq: bigint;
}

export interface PlacedEvent {
  event: EventDto;
  position: LivePosition;
}

/** Some events, oldest first, and how far the log was read with them. */
export interface LivePage {
  events: PlacedEvent[];
  /** No event at or before this place can appear any more. */
  position: LivePosition;
  /** There are more that can be read now. */
  hasMore: boolean;
  /** There are events that an older transaction, which has not ended, keeps from being read. */
  isHeldBack: boolean;
}

/** Which events are read; all that are set must fit. */
export interface LiveRange {
  run_id?: string;
  correlation_id?: string;
}

export interface LiveQuery {
  after: LivePosition;
  /** Absent: as far as can be read now. */
  upTo?: LivePosition;
  range?: LiveRange;
  /** Rows at most. */
  limit: number;
}

interface HorizonRow {
  oldest: bigint;
  held: boolean;
}

type Row = eventModel & { page_rows: bigint };

/** Stored bytes of one page's data, at most; one event is always given. */
const MAX_PAGE_BYTES = 4 * 1_048_576;

/** Reads what happens, in an order in which nothing is missed. */
export class LiveStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The newest place before which nothing is missing, and whether events wait behind it. */
  async horizon(): Promise<{ position: LivePosition; isHeldBack: boolean }> {
    const rows = await this.#db.$queryRaw<HorizonRow[]>`
      WITH now AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest)
      SELECT oldest, coalesce((SELECT max(txid) FROM events) >= oldest, false) AS held FROM now`;
    const { oldest, held } = rows[0] as HorizonRow;
    return { position: { txid: oldest, seq: 0n }, isHeldBack: held };
  }

  /** Whether a place lies before the transactions that are still to come, as every place that this server gave does. */
  async isKnown({ txid }: LivePosition): Promise<boolean> {
    const rows = await this.#db.$queryRaw<{ known: boolean }[]>`
      SELECT ${txid}::bigint <= pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS known`;
    return rows[0]?.known === true;
  }

  /** Events after a place. Those of transactions that began before the oldest one still running, and of no other. */
  async read({ after, upTo, range = {}, limit }: LiveQuery): Promise<LivePage> {
    // First the horizon, then the rows: what became readable in between is read next time.
    const horizon = upTo === undefined ? await this.horizon() : { position: upTo, isHeldBack: false };
    const { position } = horizon;
    const { run_id: runId = null, correlation_id: correlation = null } = range;
    const rows = await this.#db.$queryRaw<Row[]>`
      SELECT * FROM (
        SELECT *, sum(pg_column_size(data)) OVER place AS bytes, row_number() OVER place AS ordinal,
          count(*) OVER () AS page_rows
        FROM (
          SELECT * FROM events
          WHERE (txid, seq) > (${after.txid}, ${after.seq}) AND (txid, seq) <= (${position.txid}, ${position.seq})
            AND (${runId}::uuid IS NULL OR run_id = ${runId}::uuid)
            AND (${correlation}::text IS NULL OR correlation_id = ${correlation})
          ORDER BY txid, seq LIMIT ${limit}
        ) AS found WINDOW place AS (ORDER BY txid, seq)
      ) AS page WHERE ordinal = 1 OR bytes <= ${MAX_PAGE_BYTES} ORDER BY ordinal`;
    const last = rows.at(-1);
    const isFull = last !== undefined && (rows.length === limit || rows.length < last.page_rows);
    return {
      events: rows.map((row) => ({ event: eventDto(row), position: { txid: row.txid, seq: row.seq } })),
      position: isFull ? { txid: last.txid, seq: last.seq } : position,
      hasMore: isFull,
      isHeldBack: horizon.isHeldBack,
    };
  }

  /**
   * Rows that another server numbered (the database was restored from a dump) are put before all others.
   * @returns how many there were.
   */
  async adoptForeign(): Promise<number> {
    return this.#db.$executeRaw`
      UPDATE events SET txid = 0 WHERE txid >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint`;
  }

  /** Steps of a run in the order in which it reached them, at most `limit`. */
  async stepsOf(runId: string, limit: number): Promise<StepDto[]> {
    const rows = await this.#db.step.findMany({
      where: { run_id: runId },
      orderBy: [{ seq: 'asc' }, { path: 'asc' }],
      take: limit,
    });
    return rows.map(stepDto);
  }

  /** These steps, in no order; those that are not there are left out. */
  async stepsById(stepIds: readonly string[]): Promise<StepDto[]> {
    if (stepIds.length === 0) return [];
    const rows = await this.#db.step.findMany({ where: { step_id: { in: [...stepIds] } } });
    return rows.map(stepDto);
  }

  /** Whether a step of a run has no final record yet. */
  async hasOpenSteps(runId: string): Promise<boolean> {
    const row = await this.#db.step.findFirst({
      where: { run_id: runId, status: { in: ['created', 'running'] } },
      select: { step_id: true },
    });
    return row !== null;
  }
}
