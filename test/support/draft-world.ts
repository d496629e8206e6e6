import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import { catalogAccess, type CatalogAccess } from '../../src/catalog/unit-of-work.js';
import type { ActionContext } from '../../src/domain/action.js';
import { createDraftActions, createDrafts } from '../../src/main/drafts.js';
import type { DraftService } from '../../src/services/drafts.js';
import { actionContext } from './action-context.js';
import { freshDatabase } from './database.js';
import { testEnv } from './node.js';

/** Actions on drafts over a real catalog, called by a run that ann started. */
export interface DraftWorld {
  access: CatalogAccess;
  /** The same drafts for people. */
  drafts: DraftService;
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
    runId,
    context: (key = randomUUID()) => ({ ...actionContext(), runId, key, drafts: actions }),
    newestDraft: async () => (await access.drafts.list({}, 1))[0]?.draft_id ?? '',
    async stop() {
      await database.drop();
      await rm(dir, { recursive: true });
    },
  };
}
