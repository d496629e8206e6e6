import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { ArtifactReference } from '../domain/artifact-reference.js';
import type { StepArtifacts } from '../domain/artifacts.js';
import type { Reused } from '../domain/engine/state.js';
import { XynFault } from '../domain/fault.js';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import { fieldsToMove, kept } from '../domain/kept.js';
import type { Take } from './rerun-walk.js';

export interface RerunResultDeps {
  catalog: Pick<CatalogAccess, 'reruns'>;
  results: Pick<StepArtifacts, 'keep' | 'resolve'>;
}

/** All that a run takes over travels in the input of its workflow, of which Temporal takes 2 MiB. */
const MAX_REUSE_BYTES = 512 * 1024;
/** A record has up to 256 KiB. */
const BATCH = 50;

/** The outcome of reading the results: entries by path, and ids of steps whose result is gone. */
export interface RerunResults {
  entries: Map<string, Reused>;
  gone: Set<string>;
}

/**
 * Makes what the state of the new run gets of the recorded results: the same that the earlier run's state had.
 * @throws XynFault `rerun_too_large`, `artifact_damaged`, `artifact_storage_full`, `db_unavailable`.
 */
export async function readResults(deps: RerunResultDeps, runId: string, takes: readonly Take[]): Promise<RerunResults> {
  const found: RerunResults = { entries: new Map(), gone: new Set() };
  let bytes = 0;
  for (let at = 0; at < takes.length; at += BATCH) {
    const batch = takes.slice(at, at + BATCH);
    const outputs = await deps.catalog.reruns.outputs(batch.map(({ step }) => step.step_id));
    for (const take of batch) {
      const entry = await entryOf(deps, runId, take, outputs.get(take.step.step_id) ?? null);
      if (entry === undefined) {
        found.gone.add(take.step.step_id);
        continue;
      }
      bytes += sizeOf({ [take.path]: entry });
      if (bytes > MAX_REUSE_BYTES) {
        throw new XynFault('rerun_too_large', 'The results to be taken over have more than 512 KiB.', {
          details: { path: take.path, steps: takes.length },
        });
      }
      found.entries.set(take.path, entry);
    }
  }
  return found;
}

async function entryOf(
  deps: RerunResultDeps,
  runId: string,
  { path, node, step }: Take,
  recorded: Json,
): Promise<Reused | undefined> {
  const from = { run: runId, ...(step.path === path ? {} : { path: step.path }) };
  if (step.status === 'failed') {
    if (step.error === null) return undefined;
    // Handlers of this run take care of it anew.
    const { handled: _handled, ...error } = step.error;
    return { ...from, status: 'failed', error };
  }
  const whole = await wholeOf(deps, runId, recorded);
  if (whole === undefined) return undefined;
  // A step's own map is small by itself, and plans of earlier releases say of the raw result what is read of it.
  return {
    ...from,
    status: 'completed',
    outputs: await inlineOf(deps, runId, step, kept(whole, node.outputs === undefined ? node.keep : '*')),
  };
}

/** A recorded result; undefined when it was too large to be kept. */
async function wholeOf({ results }: RerunResultDeps, runId: string, recorded: Json): Promise<Json | undefined> {
  if (!isJsonObject(recorded)) return recorded;
  const names = Object.keys(recorded).sort().join();
  if (names === 'bytes,too_large') return undefined;
  if (names !== 'artifact,bytes,sha256') return recorded;
  return (await results.resolve(runId, recorded as ArtifactReference)) ?? recorded;
}

/** What is too large for the state becomes a reference again: the same one, since its name and bytes are. */
async function inlineOf({ results }: RerunResultDeps, runId: string, step: Take['step'], value: Json): Promise<Json> {
  const moving = fieldsToMove(value, sizeOf);
  const owner = { runId, path: step.path, attempt: Math.max(1, step.attempts) };
  if (moving === '*') return results.keep(owner, 'outputs', value);
  const inline: JsonObject = {};
  for (const name of moving) {
    inline[name] = await results.keep(owner, `outputs.${name}`, (value as JsonObject)[name] as Json);
  }
  return moving.length === 0 ? value : { ...(value as JsonObject), ...inline };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
