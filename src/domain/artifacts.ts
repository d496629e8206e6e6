import type { OutputStream } from './action.js';
import type { Json } from './json.js';

/** What stands in a run's state for a result that is too large for it (language §8.4): exactly these keys. */
export type ArtifactReference = {
  artifact: string;
  /** Lower-case hex, of the JSON text. */
  sha256: string;
  bytes: number;
};

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
