import type { AskingStep } from './asking-step.js';
import type { Json } from './json.js';

/** A file that a step wants to keep. */
export interface FileToKeep {
  /** A plain file name. */
  name: string;
  /** Text is kept as it is, a reference to an artifact of the run by its bytes, everything else as JSON. */
  content: Json;
  /** Default: by the end of the name, else by the content. */
  content_type?: string;
}

/** A file that a step has kept. */
export type KeptFile = {
  /** Id of the artifact. */
  artifact: string;
  name: string;
  /** Lower-case hex. */
  sha256: string;
  bytes: number;
  /** Bytes that this call handed to the store: 0 for a file that was kept before, or what the run itself keeps already. */
  written: number;
};

/** What actions keep for people and for later steps. */
export interface FileActions {
  /**
   * Keeps a file under the step's key: what was kept under it before stays, and is the answer.
   * @throws XynFault `limit_artifact`, `artifact_storage_full`, `db_unavailable`
   */
  write(step: AskingStep, file: FileToKeep, signal: AbortSignal): Promise<KeptFile>;
}
