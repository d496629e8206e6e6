import type { OutputStream } from './action.js';
import type { ArtifactReference } from './artifact-reference.js';
import type { Json } from './json.js';

/** The attempt on whose behalf something is kept. */
export interface ArtifactOwner {
  runId: string;
  path: string;
  attempt: number;
}

/** What programs of one attempt write, on its way to the step's log. */
export interface StepLog {
  /** Never fails and never waits. */
  write(stream: OutputStream, chunk: Uint8Array): void;
  /** Ends the log; calling it again gives the same answer. Never fails: a log that cannot be kept has no id. */
  close(): Promise<{ artifact_id: string; bytes: number } | undefined>;
}

/** Where attempts leave what is too large for records and state. Repeats change nothing: ids come from the owner. */
export interface StepArtifacts {
  /**
   * Keeps a value as JSON.
   * @throws XynFault `limit_artifact`, `artifact_storage_full`, `db_unavailable`
   */
  keep(owner: ArtifactOwner, name: string, value: Json): Promise<ArtifactReference>;
  /**
   * The value behind a reference, or undefined when the run has kept no such result: then it is no reference.
   * @throws XynFault `artifact_not_found`, `artifact_damaged`, `db_unavailable`
   */
  resolve(runId: string, reference: ArtifactReference): Promise<Json | undefined>;
  log(owner: ArtifactOwner): StepLog;
}

/** Results of loops that are too many for a run's state, until they are one list (language §8.4). Repeats change nothing. */
export interface LoopChunks {
  /** @throws XynFault `db_unavailable` */
  add(chunk: LoopChunk, results: readonly Json[]): Promise<void>;
  /**
   * The results of the first `chunks` chunks of a loop, as they were added.
   * @throws XynFault `limit_artifact` over 64 MiB, `db_unavailable`
   */
  all(loop: Omit<LoopChunk, 'chunk'>, chunks: number): Promise<Json[]>;
}

/** A part of the results of a loop. */
export interface LoopChunk {
  runId: string;
  /** The address of the loop. */
  path: string;
  /** Counted from 0. */
  chunk: number;
}
