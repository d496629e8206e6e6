import type { ArtifactStore } from '../artifacts/store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { AskingStep } from '../domain/asking-step.js';
import type { DraftActions } from '../domain/drafts.js';
import { isJsonObject } from '../domain/json.js';
import { readInWorker } from '../language/reader-thread.js';
import { BlueprintService } from '../services/blueprints.js';
import type { Caller } from '../services/caller.js';
import { DraftService } from '../services/drafts.js';
import type { LimitRails } from '../services/plan-limits.js';
import { stepCaller } from '../services/step-caller.js';
import { createCompiler } from './compiler.js';
import { runScenariosInThread } from './scenario-thread.js';

/** What the services of drafts are made of. */
interface DraftParts {
  access: CatalogAccess;
  store: ArtifactStore;
  envId: string;
  /** Absent: the limits of the language. */
  rails?: LimitRails;
  /** Where versions are saved; absent: here, and other processes see by themselves that schedules changed. */
  blueprints?: BlueprintService;
}

/** Drafts over the compiler of this installation. */
export function createDrafts({ access, store, envId, rails, ...given }: DraftParts): DraftService {
  const compile = createCompiler(rails);
  const common = { catalog: access, clock: Date.now, envId };
  const blueprints = given.blueprints ?? new BlueprintService({ ...common, compile });
  return new DraftService({
    ...common,
    store,
    blueprints,
    language: { compile, blueprintIdOf, runScenarios: runScenariosInThread },
  });
}

async function blueprintIdOf(bytes: Uint8Array): Promise<string | undefined> {
  const read = await readInWorker(bytes);
  const id = 'source' in read && isJsonObject(read.source.value) ? read.source.value['id'] : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** Drafts for actions: who acts is who started the run, and what is written belongs to the step. */
export function createDraftActions(parts: DraftParts): DraftActions {
  const drafts = createDrafts(parts);
  const callerOf = (step: AskingStep): Promise<Caller> => stepCaller(parts.access, step);
  return {
    async save(step, { kind, name, ...draft }) {
      const request = { ...draft, draft: { kind, name }, idempotencyKey: step.key };
      const { draft_id, revision, status } = await drafts.save(await callerOf(step), request);
      return { draft_id, revision, status };
    },
    async validate(step, draftId) {
      const { is_valid, issues } = await drafts.validate(await callerOf(step), draftId);
      return { is_valid, issues };
    },
    test: async (step, draftId, scenarios) => drafts.test(await callerOf(step), draftId, scenarios),
    diff: (_step, draftId) => drafts.diff(draftId),
    async promote(step, draftId) {
      const { blueprint_id, version, status } = await drafts.promote(await callerOf(step), draftId);
      return { blueprint_id, version, status };
    },
  };
}
