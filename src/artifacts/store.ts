import type { Readable } from 'node:stream';

/** What names bytes in the store: the same bytes are kept once. */
export interface StoredContent {
  /** Lower-case hex. */
  sha256: string;
  bytes: number;
}

/** Bytes that are being written; nobody sees them before `commit`. */
export interface ArtifactDraft {
  /** @throws XynFault `limit_artifact`, `artifact_storage_full` */
  append(chunk: Uint8Array): Promise<void>;
  /**
   * Makes the bytes durable and visible under their digest.
   * @throws XynFault `artifact_storage_full`, `digest_mismatch` when they are not what was expected.
   */
  commit(expected?: Partial<StoredContent>): Promise<StoredContent>;
  /** Removes what was written; after `commit` it changes nothing. */
  discard(): Promise<void>;
}

export interface WriteOptions {
  /** What the bytes must be. */
  expected?: Partial<StoredContent>;
  signal?: AbortSignal;
}

/** Where the bytes of artifacts lie, by their SHA-256. */
export interface ArtifactStore {
  /** Bytes of one artifact at most. */
  readonly maxBytes: number;
  /** @throws XynFault `artifact_storage_full` */
  draft(): Promise<ArtifactDraft>;
  /**
   * Keeps all bytes of a source, or nothing when it fails, is aborted or is too large.
   * @throws XynFault `limit_artifact`, `artifact_storage_full`, `digest_mismatch`
   */
  write(source: AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<StoredContent>;
  /**
   * The bytes, compared with their digest before the first one is handed out. The stream closes its file by itself. For a
   * part of them (first and last byte, inclusive) the whole is compared once in a while only, or many small parts would
   * cost as many readings of the whole.
   * @throws XynFault `artifact_damaged`, `artifact_not_found` when they are gone.
   */
  open(content: StoredContent, range?: { first: number; last: number }): Promise<Readable>;
  /**
   * The whole content in memory: for what is known to be small.
   * @throws XynFault as `open`.
   */
  read(content: StoredContent): Promise<Buffer>;
}
