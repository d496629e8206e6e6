import type { Readable } from 'node:stream';
import { randomUUID } from 'node:crypto';
import type { ArtifactStore, StoredContent } from '../artifacts/store.js';
import type { ArtifactCursor, ArtifactFilter, NewArtifact } from '../catalog/artifact-records.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { ArtifactDto, Page } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { uuidV5 } from '../domain/hash.js';
import { canonicalJson, type JsonObject } from '../domain/json.js';
import { previewOf, type ArtifactPreview } from './artifact-preview.js';
import { requireFileName } from './artifact-name.js';
import type { Caller } from './caller.js';
import { isStorable } from './storable-json.js';

/** What is said about bytes that come. */
export interface CreateArtifact {
  name: string;
  kind: string;
  content_type: string;
  /** What the bytes must be; null: nobody knows before. */
  byte_length: number | null;
  sha256: string | null;
  run_id: string | null;
  step_id: string | null;
  metadata: JsonObject;
  /** The same key with the same bytes names the same artifact. */
  idempotencyKey?: string;
}

export interface ArtifactServiceDeps {
  catalog: Pick<CatalogAccess, 'artifacts' | 'runs'>;
  store: ArtifactStore;
  envId: string;
}

/** An artifact that somebody wants to have. */
export interface ArtifactDownload {
  artifact: ArtifactDto;
  content: StoredContent;
  /**
   * Opens the bytes, or a part of them, once they were compared with their digest.
   * @throws XynFault `artifact_damaged`, `artifact_not_found`
   */
  open: (range?: { first: number; last: number }) => Promise<Readable>;
}

/** Name space of artifacts whose id comes from an idempotency key. */
const KEYED = '6f0d0c1e-6a0b-5c55-9a51-0f2a1c3f4d77';

/** Files that runs and people keep. */
export class ArtifactService {
  readonly #deps: ArtifactServiceDeps;

  constructor(deps: ArtifactServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Keeps all bytes of a source, or none of them.
   * @throws XynFault `filename_invalid`, `request_invalid`, `run_not_found`, `step_not_found`, `limit_artifact`,
   * `artifact_storage_full`, `digest_mismatch`, `idempotency_mismatch`, `db_unavailable`.
   */
  async create(caller: Caller, request: CreateArtifact, source: AsyncIterable<Uint8Array>): Promise<ArtifactDto> {
    const { store, catalog, envId } = this.#deps;
    const { idempotencyKey: key, byte_length: length, sha256, ...about } = request;
    requireFileName(request.name);
    if (!isStorable(request.metadata)) {
      throw new XynFault('request_invalid', 'Texts must not hold NUL or half characters (unpaired surrogates).');
    }
    if (length !== null && length > store.maxBytes) {
      throw new XynFault('limit_artifact', `An artifact has at most ${store.maxBytes} bytes.`);
    }
    await this.#requireOwner(request);
    const content = await store.write(source, {
      expected: { ...(sha256 === null ? {} : { sha256 }), ...(length === null ? {} : { bytes: length }) },
    });
    const row: NewArtifact = {
      ...about,
      artifact_id: key === undefined ? randomUUID() : uuidV5(KEYED, `${caller.actor}/${key}`),
      byte_length: content.bytes,
      sha256: content.sha256,
      created_by: caller.actor,
      correlation_id: caller.correlationId,
      env_id: envId,
    };
    const isNew = await catalog.artifacts.insert(row);
    const kept = await this.get(row.artifact_id);
    if (isNew || isSame(kept, row)) return kept;
    throw new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, for another artifact.', {
      details: { artifact_id: kept.artifact_id },
    });
  }

  /** Newest first. */
  async list(
    query: ArtifactFilter & { limit: number; cursor?: ArtifactCursor },
  ): Promise<Page<ArtifactDto, ArtifactCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.catalog.artifacts.list(filter, limit + 1, cursor);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { created_at: last.created_at, artifact_id: last.artifact_id } };
  }

  /** @throws XynFault `artifact_not_found` */
  async get(artifactId: string): Promise<ArtifactDto> {
    const artifact = await this.#deps.catalog.artifacts.get(artifactId);
    if (artifact === undefined) throw new XynFault('artifact_not_found', 'No artifact has that id.');
    return artifact;
  }

  /**
   * An artifact, and the way to its bytes.
   * @throws XynFault `artifact_not_found`
   */
  async download(artifactId: string): Promise<ArtifactDownload> {
    const artifact = await this.get(artifactId);
    const content = { sha256: artifact.sha256 ?? '', bytes: artifact.byte_length ?? 0 };
    return { artifact, content, open: (range) => this.#deps.store.open(content, range) };
  }

  /**
   * An artifact, whether its bytes are still what was kept, and for types that `wantsText` the beginning of them.
   * @throws XynFault `artifact_not_found`
   */
  async preview(
    artifactId: string,
    wantsText: (contentType: string) => boolean,
  ): Promise<{ artifact: ArtifactDto; preview: ArtifactPreview }> {
    const download = await this.download(artifactId);
    const { artifact } = download;
    return { artifact, preview: await previewOf(download, wantsText(artifact.content_type)) };
  }

  async #requireOwner({ run_id: runId, step_id: stepId }: CreateArtifact): Promise<void> {
    const { runs } = this.#deps.catalog;
    if (runId === null) {
      if (stepId !== null) throw new XynFault('request_invalid', '`step_id` goes with the `run_id` of its run.');
      return;
    }
    if ((await runs.get(runId)) === undefined) throw new XynFault('run_not_found', 'No run has that id.');
    if (stepId !== null && (await runs.step(runId, stepId)) === undefined) {
      throw new XynFault('step_not_found', 'The run has no such step.');
    }
  }
}

/** Whether a repeat of a call asks for what is there already. */
function isSame(kept: ArtifactDto, asked: NewArtifact): boolean {
  const told = ({ name, kind, content_type, sha256, run_id, step_id, metadata }: ArtifactDto | NewArtifact): string =>
    canonicalJson({ name, kind, content_type, sha256, run_id, step_id, metadata });
  return told(kept) === told(asked);
}
