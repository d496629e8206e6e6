import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import { catalogAccess, type CatalogAccess } from '../../src/catalog/unit-of-work.js';
import type { ActionContext } from '../../src/domain/action.js';
import type { Json } from '../../src/domain/json.js';
import { createDraftActions, createDrafts } from '../../src/main/drafts.js';
import { Redactor } from '../../src/secrets/redactor.js';
import type { DraftService } from '../../src/services/drafts.js';
import { StepEvents } from '../../src/services/step-events.js';
import { StepFiles } from '../../src/services/step-files.js';
import { actionContext } from './action-context.js';
import { freshDatabase } from './database.js';
import { testEnv } from './node.js';

/** A secret that files and events of the world must not hold. */
export const WORLD_SECRET = 'correct-horse-battery';
/** Bytes of a file that a step of the world keeps, at most. */
const MAX_FILE_BYTES = 65_536;

/** Actions on drafts, files and events over a real catalog, called by a run that ann started. */
export interface DraftWorld {
  access: CatalogAccess;
  /** The same drafts for people. */
  drafts: DraftService;
  /** Where files of steps lie. */
  files: LocalArtifactStore;
  /** A call by a step of the run, each under a key of its own unless one is given. */
  context(key?: string): ActionContext;
  runId: string;
  newestDraft(): Promise<string>;
  stop(): Promise<void>;
}

export async function startDraftWorld(): Promise<DraftWorld> {
  const database = await freshDatabase();
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-drafts-'));
  const store = await LocalArtifactStore.open({ dir });
  const access = catalogAccess(database.catalog);
  const parts = { access, store, envId: testEnv.id };
  const actions = createDraftActions(parts);
  const files = await LocalArtifactStore.open({ dir: path.join(dir, 'files'), maxBytes: MAX_FILE_BYTES });
  const redactor = new Redactor([WORLD_SECRET]);
  const kept = { catalog: access, envId: testEnv.id, scrub: <T extends Json>(value: T): T => redactor.json(value) };
  const own = {
    drafts: actions,
    files: new StepFiles({ ...kept, store: files }),
    events: new StepEvents({ ...kept, clock: Date.now }),
  };
  const runId = randomUUID();
  await access.runs.insert([
    {
      run_id: runId,
      name: 'Propose',
      blueprint_id: 'bp.propose',
      blueprint_version: 1,
      digest: `sha256:${'0'.repeat(64)}`,
      trigger: 'manual',
      event_id: null,
      inputs: {},
      actor: 'ann',
      correlation_id: 'c-propose',
      env_id: testEnv.id,
      env: testEnv,
      priority: 0,
      cause_depth: 2,
      idempotency_key: null,
      body_sha256: null,
    },
  ]);
  return {
    access,
    drafts: createDrafts(parts),
    files,
    runId,
    context: (key = randomUUID()) => ({ ...actionContext(), runId, key, ...own }),
    newestDraft: async () => (await access.drafts.list({}, 1))[0]?.draft_id ?? '',
    async stop() {
      await database.drop();
      await rm(dir, { recursive: true });
    },
  };
}
