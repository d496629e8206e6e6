import { Readable } from 'node:stream';
import type { ArtifactStore, StoredContent } from '../artifacts/store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { FileActions, FileToKeep, KeptFile } from '../domain/files.js';
import type { AskingStep } from '../domain/asking-step.js';
import { XynFault } from '../domain/fault.js';
import { uuidV5 } from '../domain/hash.js';
import { isJsonObject, type Json } from '../domain/json.js';
import { requireFileName } from './artifact-name.js';
import { artifactBehind } from './step-artifacts.js';
import { stepCaller } from './step-caller.js';

export interface StepFileDeps {
  catalog: Pick<CatalogAccess, 'artifacts' | 'reruns' | 'runs'>;
  store: ArtifactStore;
  envId: string;
  /** Masks secrets. */
  scrub: <T extends Json>(value: T) => T;
}

/** Name space of artifacts whose id comes from the key of a step. */
const KEYED = '5f2b7a0c-9d1e-5b43-8a6f-3c1d2e4f5a6b';
const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';
/** Types by the end of a name: what reports and data of automations are. */
const TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: JSON_TYPE,
  jsonl: 'application/x-ndjson',
  log: TEXT_TYPE,
  md: 'text/markdown; charset=utf-8',
  ndjson: 'application/x-ndjson',
  svg: 'image/svg+xml',
  txt: TEXT_TYPE,
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** Bytes that are in the store, and what they are when the name does not say it. */
interface Stored {
  content: StoredContent;
  type: string;
  /** Bytes that were handed to the store. */
  written: number;
}

/** Files that steps keep for people and for later steps. */
export class StepFiles implements FileActions {
  readonly #deps: StepFileDeps;

  constructor(deps: StepFileDeps) {
    this.#deps = deps;
  }

  async write(step: AskingStep, file: FileToKeep, signal: AbortSignal): Promise<KeptFile> {
    requireFileName(file.name);
    const { catalog, envId, scrub } = this.#deps;
    const artifactId = uuidV5(KEYED, `${envId}/${step.key}`);
    const earlier = await this.#kept(artifactId);
    if (earlier !== undefined) return earlier;
    const caller = await stepCaller(catalog, step);
    const { content, type, written } = await this.#store(step.runId, file.content, signal);
    const name = scrub(file.name);
    const isNew = await catalog.artifacts.insert({
      artifact_id: artifactId,
      name,
      kind: 'file',
      content_type: file.content_type ?? typeOf(name) ?? type,
      byte_length: content.bytes,
      sha256: content.sha256,
      created_by: caller.actor,
      run_id: step.runId,
      step_id: caller.step.step_id,
      metadata: { path: step.path },
      correlation_id: caller.correlationId,
      env_id: envId,
    });
    const kept = isNew ? { artifact: artifactId, name, ...content, written } : await this.#kept(artifactId);
    if (kept === undefined) throw new XynFault('internal', 'The artifact of that key is gone.');
    return kept;
  }

  async #kept(artifactId: string): Promise<KeptFile | undefined> {
    const row = await this.#deps.catalog.artifacts.get(artifactId);
    if (row === undefined) return undefined;
    return { artifact: artifactId, name: row.name, sha256: row.sha256 ?? '', bytes: row.byte_length ?? 0, written: 0 };
  }

  async #store(runId: string, value: Json, signal: AbortSignal): Promise<Stored> {
    const { store, scrub } = this.#deps;
    const behind = await this.#behind(runId, value);
    if (behind !== undefined) return behind;
    const clean = scrub(value);
    const [text, type] = typeof clean === 'string' ? [clean, TEXT_TYPE] : [JSON.stringify(clean), JSON_TYPE];
    const content = await store.write(Readable.from([Buffer.from(text)]), { signal });
    return { content, type, written: content.bytes };
  }

  /** What a reference stands for; everything else is a value like others. Outputs of this action are references too. */
  async #behind(runId: string, value: Json): Promise<Stored | undefined> {
    if (!isJsonObject(value)) return undefined;
    const { artifact, sha256, bytes } = value;
    if (typeof artifact !== 'string' || typeof sha256 !== 'string' || typeof bytes !== 'number') return undefined;
    const row = await artifactBehind(this.#deps.catalog, runId, { artifact, sha256, bytes });
    return row && { content: { sha256, bytes }, type: row.content_type, written: 0 };
  }
}

function typeOf(name: string): string | undefined {
  return TYPES[/\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''];
}
