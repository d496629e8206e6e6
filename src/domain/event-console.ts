import type { EventDto, Verdict, VerdictDto } from './dtos.js';
import type { Json, JsonObject } from './json.js';

/** What a list of events can be narrowed to; each part that is given must hold. */
export interface EventSearch {
  /** A name, or a trigger's pattern (`a.*`, `a.**`). */
  name?: string;
  run?: string;
  correlation?: string;
  actor?: string;
  became?: EventOutcome;
  /** Only those that somebody should hear about. */
  important?: boolean;
  /** Parts of the name, each of which must be in it. */
  words?: readonly string[];
  /** ISO 8601: from, and before. */
  from?: string;
  to?: string;
}

/** What an event led to, over all blueprints that listen to it. */
export const EVENT_OUTCOMES = ['started', 'nomatch', 'held', 'refused'] as const;
export type EventOutcome = (typeof EVENT_OUTCOMES)[number];

/** An event as a list shows it. */
export interface EventLine {
  event_id: string;
  /** Its place in the log; a whole number as text. */
  seq: string;
  event_name: string;
  occurred_at: string;
  actor: string;
  resource: { type: string; id: string } | null;
  /** Null where it is too large for a line. */
  data: JsonObject | null;
  verdicts: { verdict: Verdict; run_id: string | null }[];
}

/** The log over a span of time: what came in, and what became of it. */
export interface EventStats {
  from: string;
  to: string;
  /** Otherwise the figures say nothing yet. */
  is_counted: boolean;
  /** Counted up to 10 001, the newest first. */
  all: number;
  started: number;
  nomatch: number;
  held: number;
  refused: number;
  important: number;
  /** By minute of the span, oldest first; minutes without any are left out. */
  minutes: { at: string; value: number; failed: number }[];
}

/** A condition of a filter as it was decided. */
export interface FilterCheck {
  text: string;
  is: boolean | 'error' | 'not_reached';
  values?: { path: string; value: Json; is_missing?: true }[];
}

/** An event with everything that its page shows. */
export interface EventFacts {
  event: EventDto & { seq: string };
  verdicts: (VerdictDto & { name: string | null })[];
  /** Events of the same correlation id, oldest first; at most 50. */
  chain: { event_id: string; event_name: string; occurred_at: string; run_id: string | null }[];
  /** The event that this one repeats. */
  repeats: string | null;
}

/** What an event did, and what it would do if it came today. */
export interface EventToday {
  event: EventFacts['event'];
  then: EventFacts['verdicts'];
  /** `inputs`: those that a run would get; null where none would start. */
  verdicts: (EventFacts['verdicts'][number] & { inputs: JsonObject | null })[];
}

/**
 * Events that somebody should hear about (001 §33.2): `xyn.*.failed`, `xyn.*.validation_failed`,
 * `xyn.cicd.test.failed`, `xyn.cicd.deploy.failed`, `xyn.infra.*.failed`, `xyn.backup.failed`. As a regular expression
 * that JavaScript and Postgres read alike.
 */
export const IMPORTANT_EVENTS =
  '^xyn\\.([a-z0-9_]+\\.(failed|validation_failed)|cicd\\.(test|deploy)\\.failed|infra\\.[a-z0-9_]+\\.failed)$';

const important = new RegExp(IMPORTANT_EVENTS);

/** Whether somebody should hear about events of that name. */
export function isImportantEvent(name: string): boolean {
  return important.test(name);
}
