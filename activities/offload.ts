import { ActionFailure } from '../src/domain/action.js';
import { isArtifactReference, type ArtifactReference } from '../src/domain/artifact-reference.js';
import type { ArtifactOwner, StepArtifacts } from '../src/domain/artifacts.js';
import { XynFault } from '../src/domain/fault.js';
import { isJsonObject, type Json, type JsonObject } from '../src/domain/json.js';
import { fieldsToMove } from '../src/domain/kept.js';

/** A result in the record of a step. */
const MAX_RECORD_BYTES = 256 * 1024;
/** All that the references of one input stand for. */
const MAX_RESOLVED_BYTES = 64 * 1024 * 1024;
/** How long a result waits for a catalog that is away: its effect has happened. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

/** What moved, with the bytes that it took. */
interface Offloaded {
  value: Json;
  bytes: number;
}

function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/**
 * The result as the state holds it: fields of an object that is too large become references, the largest first; where
 * that is not enough, the whole.
 * @throws ActionFailure `artifact_storage_full` and others, when what must move cannot.
 */
export async function offloaded(artifacts: StepArtifacts, owner: ArtifactOwner, result: Json): Promise<Offloaded> {
  const moving = fieldsToMove(result, sizeOf);
  if (moving !== '*') return moveFields(artifacts, owner, result, moving);
  const reference = await keepPatiently(() => artifacts.keep(owner, 'outputs', result));
  return { value: reference, bytes: reference.bytes };
}

async function moveFields(
  artifacts: StepArtifacts,
  owner: ArtifactOwner,
  result: Json,
  names: readonly string[],
): Promise<Offloaded> {
  if (!isJsonObject(result) || names.length === 0) return { value: result, bytes: 0 };
  const references: Record<string, ArtifactReference> = {};
  let bytes = 0;
  for (const name of names) {
    const reference = await keepPatiently(() => artifacts.keep(owner, `outputs.${name}`, result[name] as Json));
    references[name] = reference;
    bytes += reference.bytes;
  }
  return { value: { ...result, ...references }, bytes };
}

/** The result as the step's record holds it: whole, or a reference. Never fails: then the record says so. */
export async function recordable(artifacts: StepArtifacts, owner: ArtifactOwner, result: Json): Promise<Offloaded> {
  if (sizeOf(result) <= MAX_RECORD_BYTES) return { value: result, bytes: 0 };
  try {
    const reference = await artifacts.keep(owner, 'record', result);
    return { value: reference, bytes: reference.bytes };
  } catch {
    return { value: { too_large: true, bytes: sizeOf(result) }, bytes: 0 };
  }
}

/**
 * An input in which every reference to a result of the run is replaced by the result.
 * @throws ActionFailure when a result is damaged, gone, or too large.
 */
export async function resolved(artifacts: StepArtifacts, runId: string, input: JsonObject): Promise<JsonObject> {
  const seen = { bytes: 0 };
  const walk = async (value: Json): Promise<Json> => {
    if (Array.isArray(value)) return inOrder(value, walk);
    if (!isJsonObject(value)) return value;
    if (isArtifactReference(value)) return (await lookUp(value)) ?? value;
    const names = Object.keys(value);
    const members = await inOrder(Object.values(value), walk);
    return Object.fromEntries(names.map((name, i) => [name, members[i] as Json]));
  };
  const lookUp = async (reference: ArtifactReference): Promise<Json | undefined> => {
    seen.bytes += reference.bytes;
    if (seen.bytes > MAX_RESOLVED_BYTES) {
      throw new ActionFailure({
        code: 'limit_artifact',
        message: 'The results that the input stands for have more than 64 MiB.',
        retryable: false,
      });
    }
    return await artifacts.resolve(runId, reference).catch(failureOf);
  };
  return holdsReference(input) ? ((await walk(input)) as JsonObject) : input;
}

async function inOrder(values: readonly Json[], map: (value: Json) => Promise<Json>): Promise<Json[]> {
  const out: Json[] = [];
  for (const value of values) out.push(await map(value));
  return out;
}

function holdsReference(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) && isArtifactReference(value)) return true;
  return Object.values(value).some(holdsReference);
}

/** Tries again while the catalog is away. */
async function keepPatiently<T>(keep: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await keep();
    } catch (error) {
      const isAway = error instanceof XynFault && error.code === 'db_unavailable';
      if (!isAway || Date.now() + PAUSE_MS > deadline) return failureOf(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function failureOf(error: unknown): never {
  if (!(error instanceof XynFault)) throw error;
  throw new ActionFailure({ code: error.code, message: error.message, retryable: error.retryable }, { cause: error });
}
