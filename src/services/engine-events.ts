import { randomUUID } from 'node:crypto';
import type { EventRow } from '../catalog/start-rows.js';
import type { ResourceRef } from '../domain/dtos.js';
import type { JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';

interface EventSource {
  envId: string;
  /** Milliseconds since the epoch. */
  clock: () => number;
}

/**
 * An event of Xyn itself or of a step, to be inserted with the change that it tells of; the dispatcher matches it after
 * the commit. One that a step causes belongs to its run and is one deeper in the chain of causes.
 */
export function engineEvent(
  { actor, correlationId, step }: Caller,
  { envId, clock }: EventSource,
  what: { event_name: string; resource: ResourceRef | null; data: JsonObject },
): EventRow {
  return {
    ...what,
    event_id: randomUUID(),
    occurred_at: new Date(clock()).toISOString(),
    env_id: envId,
    actor,
    correlation_id: correlationId,
    run_id: step?.run_id ?? null,
    step_id: step?.step_id ?? null,
    cause_depth: step === undefined ? 0 : step.causeDepth + 1,
    idempotency_key: null,
    body_sha256: null,
    settled: false,
  };
}

/** `xyn.blueprint.promoted`: a version became the active one. `rolled_back_from`: it is older than the one before. */
export function promotedEvent(
  caller: Caller,
  source: EventSource,
  change: {
    blueprint_id: string;
    version: number;
    digest: string;
    previous_version: number | null;
    draft_id?: string;
    revision?: number;
  },
): EventRow {
  const { blueprint_id, version, digest, previous_version: previous, draft_id, revision } = change;
  return engineEvent(caller, source, {
    event_name: 'xyn.blueprint.promoted',
    resource: { type: 'blueprint', id: blueprint_id },
    data: {
      blueprint_id,
      version,
      digest,
      previous_version: previous,
      ...(previous !== null && previous > version ? { rolled_back_from: previous } : {}),
      ...(draft_id === undefined || revision === undefined ? {} : { draft_id, revision }),
    },
  });
}
