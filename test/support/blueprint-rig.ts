import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import type { ActionResources, Pack } from '../../src/domain/action.js';
import type { ActionCatalog } from '../../src/domain/action-catalog.js';
import type { AgentRouter } from '../../src/domain/agent.js';
import type { RunDetailDto } from '../../src/domain/dtos.js';
import { gateIdOf } from '../../src/domain/ids.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { Plan } from '../../src/domain/plan.js';
import { compileBlueprint, type CompileResult } from '../../src/language/index.js';
import { createDraftActions } from '../../src/main/drafts.js';
import { PACKS } from '../../src/registry/packs.js';
import { ActionRegistry } from '../../src/registry/registry.js';
import type { Rails } from '../../src/services/rails.js';
import { StepArtifactKeeper } from '../../src/services/step-artifacts.js';
import { StepEvents } from '../../src/services/step-events.js';
import { StepFiles } from '../../src/services/step-files.js';
import { historyToJson, type HistoryJson } from '../../src/temporal/history-json.js';
import { testResources } from './action-resources.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { caller, silentLog, testEnv, testNode, type TestNode } from './node.js';
import { testTemporal } from './temporal.js';
import { until } from './until.js';
import { testWorker } from './worker.js';

export interface BlueprintRigOptions {
  /** Beside those that ship. */
  packs?: readonly Pack[];
  /** Contracts that documents are compiled against; default: those of the packs. */
  contracts?: (installed: ActionCatalog) => ActionCatalog;
  agents?: AgentRouter;
  resources?: ActionResources;
  rails?: Rails;
}

/** Runs documents: the real services, a real worker and a real Temporal server, in one process. */
export interface BlueprintRig {
  node: TestNode;
  database: TestDatabase;
  compile(document: string): Promise<CompileResult>;
  /** Makes a document the active version of its blueprint. */
  apply(document: string): Promise<Plan>;
  /** @returns the id of the run. */
  start(blueprintId: string, inputs?: JsonObject): Promise<string>;
  ended(runId: string): Promise<RunDetailDto>;
  /** All three in a row. */
  run(document: string, inputs?: JsonObject): Promise<RunDetailDto>;
  /** Approves, as bob, a gate of a run when it opens. */
  approve(runId: string, gatePath: string): Promise<void>;
  /** The history of a run's newest execution. */
  history(runId: string): Promise<HistoryJson>;
  stop(): Promise<void>;
}

export async function startBlueprintRig(options: BlueprintRigOptions = {}): Promise<BlueprintRig> {
  const { address } = await testTemporal();
  const taskQueue = `blueprints-${randomUUID()}`;
  const database = await freshDatabase({ poolSize: 20 });
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-blueprints-'));
  const store = await LocalArtifactStore.open({ dir });
  const { catalog } = database;
  const rails = options.rails === undefined ? {} : { rails: options.rails };
  const node = testNode({ catalog, address, taskQueue, store, ...rails });
  const actions = new ActionRegistry([...PACKS, ...(options.packs ?? [])]);
  const resources = options.resources ?? testResources();
  const kept = { catalog: node.access, access: node.access, store, envId: testEnv.id, clock: Date.now };
  const own = { ...kept, scrub: resources.scrub.bind(resources) };
  const worker = await testWorker({
    catalog,
    address,
    taskQueue,
    actions,
    artifacts: new StepArtifactKeeper({ ...kept, log: silentLog }),
    ...(options.agents === undefined ? {} : { agents: options.agents }),
    resources: {
      ...resources,
      drafts: createDraftActions(kept),
      files: new StepFiles(own),
      events: new StepEvents(own),
    },
  });
  const contracts = options.contracts?.(actions.catalog()) ?? actions.catalog();
  const context = { actions: contracts, providers: [{ name: 'openai' }, { name: 'anthropic' }] };
  const rig: BlueprintRig = {
    node,
    database,
    compile: (document) => compileBlueprint(Buffer.from(document), context),
    async apply(document) {
      const { compiled, problems } = await rig.compile(document);
      if (compiled === undefined) throw new Error(JSON.stringify(problems, undefined, 1));
      await node.blueprints.savePlan(caller(), { ...compiled, source: document });
      return compiled.plan;
    },
    async start(id, inputs = {}) {
      return (await node.runs.create(caller(), { blueprint_ref: id, inputs, priority: 0 })).run_id;
    },
    ended: (runId) =>
      until(`the run ${runId} ends`, async () => {
        const run = await node.runs.get(runId);
        return run.completed_at === null ? undefined : run;
      }),
    async run(document, inputs) {
      return rig.ended(await rig.start((await rig.apply(document)).id, inputs));
    },
    async approve(runId, gatePath) {
      const gateId = gateIdOf(runId, gatePath);
      await until(`the gate ${gatePath} opens`, async () => (await node.access.gates.get(gateId)) !== undefined);
      await node.gates.decide(caller('bob'), gateId, { decision: 'approve', reason: 'it is right' });
    },
    async history(runId) {
      const history = await node.gateway.history(runId);
      if (history === undefined) throw new Error(`the run ${runId} has no history`);
      return historyToJson(history);
    },
    async stop() {
      await node.close();
      await worker.stop();
      await database.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return rig;
}
