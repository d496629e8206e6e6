import type { EventDto } from '../domain/dtos.js';
import type { EnvFacts } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import { Prisma } from './generated/client.js';

/** A new event. */
export interface EventRow extends EventDto {
  cause_depth: number;
  idempotency_key: string | null;
  body_sha256: string | null;
  /** The event was matched in the transaction that inserts it, and nothing else is to be done for it. */
  settled: boolean;
  /** The process that inserts it starts its run itself: others leave it alone for the time of a lease. Default false. */
  leased?: boolean;
}

/** A new run. */
export interface RunRow {
  run_id: string;
  name: string;
  blueprint_id: string;
  blueprint_version: number;
  digest: string;
  trigger: string;
  event_id: string | null;
  inputs: JsonObject;
  actor: string;
  correlation_id: string;
  env_id: string;
  env: EnvFacts;
  priority: number;
  cause_depth: number;
  idempotency_key: string | null;
  body_sha256: string | null;
  /** Of a rerun: the run that it repeats, and the first step that runs anew. */
  rerun_of?: string;
  rerun_from?: string;
  /** What its event is to a trigger that tells events apart. */
  dedupe_key?: string;
}

/** The starts of one blueprint by events are counted over this time. */
const WINDOW_MS = 60_000;

/** The beginning of a statement that inserts events; conditions may follow. */
export function insertEvents(rows: readonly EventRow[]): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, step_id, resource, data,
      cause_depth, idempotency_key, body_sha256, matched_at, dispatched_at)
    SELECT event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, step_id, nullif(resource, 'null'), data,
      cause_depth, idempotency_key, body_sha256, CASE WHEN settled OR leased THEN now() END, CASE WHEN settled THEN now() END
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(event_id uuid, event_name text, occurred_at timestamptz,
      env_id text, actor text, correlation_id text, run_id uuid, step_id uuid, resource jsonb, data jsonb, cause_depth int,
      idempotency_key text, body_sha256 text, settled boolean, leased boolean)`;
}

/** A statement that inserts runs and gives the ids of those that are new. */
export function insertRuns(rows: readonly RunRow[]): Prisma.Sql {
  return Prisma.sql`
    INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, trigger, event_id, inputs, actor,
      correlation_id, env_id, env, priority, cause_depth, idempotency_key, body_sha256, rerun_of, rerun_from, dedupe_key)
    SELECT run_id, name, blueprint_id, blueprint_version, digest, trigger, event_id, inputs, actor,
      correlation_id, env_id, env, priority, cause_depth, idempotency_key, body_sha256, rerun_of, rerun_from, dedupe_key
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(run_id uuid, name text, blueprint_id text,
      blueprint_version int, digest text, trigger text, event_id uuid, inputs jsonb, actor text, correlation_id text,
      env_id text, env jsonb, priority int, cause_depth int, idempotency_key text, body_sha256 text,
      rerun_of uuid, rerun_from text, dedupe_key text)
    ON CONFLICT DO NOTHING RETURNING run_id`;
}

/** Triggers of active versions with one of the patterns. */
export function triggersWith(patterns: readonly string[]): Prisma.Sql {
  return Prisma.sql`
    SELECT t.blueprint_id, t.version, t.ordinal, t.event_pattern, t.enabled AS trigger_enabled,
      b.enabled AS blueprint_enabled, b.name AS blueprint_name
    FROM blueprint_triggers t JOIN blueprints b USING (blueprint_id)
    WHERE t.event_pattern = ANY(${patterns}::text[])`;
}

/**
 * Runs that events started within the last minute, counted up to `atMost`, and whether starts are held.
 * @param blueprint an expression that gives the blueprint's id.
 */
export function recentStarts(blueprint: Prisma.Sql, atMost: number): Prisma.Sql {
  return Prisma.sql`
    SELECT count(*)::int AS starts, EXISTS (SELECT 1 FROM held_starts h WHERE h.blueprint_id = ${blueprint}) AS held
    FROM (
      SELECT 1 FROM runs WHERE runs.blueprint_id = ${blueprint} AND event_id IS NOT NULL
        AND created_at > now() - ${WINDOW_MS} * interval '1 ms' LIMIT ${atMost}
    ) AS started`;
}
