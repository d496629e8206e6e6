import { Readable } from 'node:stream';
import type { ArtifactStore, StoredContent } from '../artifacts/store.js';
import type { ArtifactRecords, NewArtifact } from '../catalog/artifact-records.js';
import type { RerunStore } from '../catalog/rerun-store.js';
import type { AgentArtifacts } from '../domain/agent.js';
import type { ArtifactReference } from '../domain/artifact-reference.js';
import type { ArtifactOwner, StepArtifacts, StepLog } from '../domain/artifacts.js';
import type { ArtifactDto } from '../domain/dtos.js';
import { sha256Hex, uuidV5 } from '../domain/hash.js';
import { stepIdOf } from '../domain/ids.js';
import type { Json } from '../domain/json.js';
import type { Log } from './log.js';
import { FileStepLog } from './step-log.js';
import { LiveTail, type LiveTailParts } from './step-tail.js';

/** What of the catalog step artifacts need. */
export interface StepArtifactStores {
  artifacts: Pick<ArtifactRecords, 'get' | 'insert'>;
  reruns: Pick<RerunStore, 'repeats'>;
  tails: LiveTailParts['store'];
}

export interface StepArtifactDeps {
  catalog: StepArtifactStores;
  store: ArtifactStore;
  envId: string;
  log: Pick<Log, 'warn'>;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const RESULT = 'result';

interface Kept {
  name: string;
  kind: string;
  type: string;
  /** What makes the id, within the run. */
  key: string;
  content: StoredContent;
}

/** Large results and outputs of programs. */
export class StepArtifactKeeper implements StepArtifacts {
  readonly #deps: StepArtifactDeps;

  constructor(deps: StepArtifactDeps) {
    this.#deps = deps;
  }

  async keep(owner: ArtifactOwner, name: string, value: Json): Promise<ArtifactReference> {
    const content = await this.#deps.store.write(Readable.from([Buffer.from(JSON.stringify(value))]));
    const artifact = await this.#attach(owner.runId, owner.path, {
      name: `${name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100)}.json`,
      kind: RESULT,
      type: 'application/json',
      key: `${owner.path}#${owner.attempt}/${name}`,
      content,
    });
    return { artifact, ...content };
  }

  async resolve(runId: string, reference: ArtifactReference): Promise<Json | undefined> {
    const row = await artifactBehind(this.#deps.catalog, runId, reference);
    if (row?.kind !== RESULT || row.created_by !== 'system') return undefined;
    const { sha256, bytes } = reference;
    return JSON.parse((await this.#deps.store.read({ sha256, bytes })).toString('utf8')) as Json;
  }

  log(owner: ArtifactOwner): StepLog {
    const { store, log, catalog } = this.#deps;
    const { runId, path, attempt } = owner;
    const tail = new LiveTail({
      store: catalog.tails,
      stepId: stepIdOf(runId, path),
      runId,
      attempt,
      onError: (error) => log.warn({ err: error, run_id: runId, path }, 'what a step prints is not shown yet'),
    });
    return new FileStepLog({
      tail,
      store,
      clock: Date.now,
      onError: (error) => log.warn({ err: error, run_id: owner.runId, path: owner.path }, 'a step has no log'),
      attach: (content) =>
        this.#attach(owner.runId, owner.path, {
          name: 'output.jsonl',
          kind: 'log',
          type: 'application/x-ndjson',
          key: `${owner.path}#${owner.attempt}/~log`,
          content,
        }),
    });
  }

  /** Where agents keep what they asked and were answered. */
  agents(): AgentArtifacts {
    return {
      keep: async (runId, path, name, content) => {
        try {
          const bytes = Buffer.from(content);
          const stored = await this.#deps.store.write(Readable.from([bytes]));
          const key = `${path}/~agent/${name}/${sha256Hex(content)}`;
          return await this.#attach(runId, path, { name, kind: 'agent', type: 'text/plain', key, content: stored });
        } catch (error) {
          this.#deps.log.warn({ err: error, run_id: runId, path }, 'what an agent asked or answered is not kept');
          return undefined;
        }
      },
    };
  }

  async #attach(runId: string, path: string, { name, kind, type, key, content }: Kept): Promise<string> {
    const row: NewArtifact = {
      artifact_id: uuidV5(runId, `artifact/${key}`),
      name,
      kind,
      content_type: type,
      byte_length: content.bytes,
      sha256: content.sha256,
      created_by: 'system',
      run_id: runId,
      step_id: stepIdOf(runId, path),
      metadata: { path },
      correlation_id: runId,
      env_id: this.#deps.envId,
    };
    await this.#deps.catalog.artifacts.insert(row);
    return row.artifact_id;
  }
}

/**
 * The artifact that a reference stands for. Anybody can write down what looks like one: only what the run itself keeps, or a
 * run that it repeats, is behind it.
 * @throws XynFault `db_unavailable`
 */
export async function artifactBehind(
  { artifacts, reruns }: Pick<StepArtifactStores, 'reruns'> & { artifacts: Pick<ArtifactRecords, 'get'> },
  runId: string,
  { artifact, sha256, bytes }: ArtifactReference,
): Promise<ArtifactDto | undefined> {
  if (!UUID.test(artifact)) return undefined;
  const row = await artifacts.get(artifact);
  if (row?.run_id == null || row.sha256 !== sha256 || row.byte_length !== bytes) return undefined;
  return row.run_id === runId || (await reruns.repeats(runId, row.run_id)) ? row : undefined;
}
