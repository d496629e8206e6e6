import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import { auditChain } from '../../src/catalog/audit-chain.js';
import { AuditOverviewStore } from '../../src/catalog/audit-overview.js';
import { auditLog } from '../../src/catalog/audit.js';
import { sharedKey } from '../../src/catalog/signing-keys.js';
import { createApp } from '../../src/http/app.js';
import type { HttpServer } from '../../src/http/server.js';
import { createCompiler, createDocumentSchema, createTargetFields } from '../../src/main/compiler.js';
import { createDrafts } from '../../src/main/drafts.js';
import { createReplayCheck } from '../../src/main/replay-process.js';
import { ActionCalls } from '../../src/services/action-calls.js';
import { ArtifactService } from '../../src/services/artifacts.js';
import { AuditHeads } from '../../src/services/audit-heads.js';
import { AuditTrail } from '../../src/services/audit-trail.js';
import { BlueprintService } from '../../src/services/blueprints.js';
import { DoctorService } from '../../src/services/doctor.js';
import { HealthService } from '../../src/services/health.js';
import { startContractServer } from './api-contract.js';
import type { TestDatabase } from './database.js';
import { startLive } from './live.js';
import { silentLog, testEnv, testNode, type TestNode } from './node.js';

/** The API over a real catalog and a real Temporal server, each answer held to the description of the API. */
export interface ApiRig {
  server: HttpServer;
  node: TestNode;
  close(): Promise<void>;
}

/** Puts an API together as `src/main/api.ts` does. */
export async function startApi(options: {
  database: TestDatabase;
  address: string;
  taskQueue: string;
  dispatch?: boolean;
}): Promise<ApiRig> {
  const { database, ...parts } = options;
  const { catalog } = database;
  const node = testNode({ catalog, ...parts });
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-api-'));
  const store = await LocalArtifactStore.open({ dir: path.join(dir, 'artifacts') });
  const heads = await AuditHeads.open(path.join(dir, 'audit'));
  const chain = auditChain(catalog);
  const common = { catalog: node.access, clock: Date.now, envId: testEnv.id };
  const preview = { env: testEnv, targetFields: createTargetFields() };
  const blueprints = new BlueprintService({
    ...common,
    compile: createCompiler(),
    preview,
    documentSchema: createDocumentSchema(),
  });
  const health = new HealthService({ catalog: node.access, gateway: node.gateway, temporalUiUrl: null });
  const { reader, live } = await startLive({ node, catalog, health: () => health.check() });
  const { gateway, waits } = node;
  const disk = (): Promise<{ freeBytes: number; totalBytes: number }> =>
    Promise.resolve({ freeBytes: 10 ** 10, totalBytes: 10 ** 11 });
  const app = createApp(
    {
      ...node,
      replays: createReplayCheck(fileURLToPath(new URL('../../dist/src/main/replay-child.js', import.meta.url)), {
        catalog: node.access,
        gateway: node.gateway,
      }),
      live,
      doctor: new DoctorService({ runs: node.access.stuck, gateway, waits, health, disk, clock: Date.now }),
      blueprints,
      drafts: createDrafts({ access: node.access, store, envId: testEnv.id }),
      actions: new ActionCalls({ blueprints, runs: node.runs }),
      artifacts: new ArtifactService({ ...common, store }),
      audit: new AuditTrail({
        log: auditLog(catalog),
        store: new AuditOverviewStore(catalog),
        chain,
        heads,
        clock: Date.now,
      }),
      health,
      cursors: { key: sharedKey(catalog, 'cursor') },
    },
    { log: silentLog, version: '1', allowedHosts: [] },
  );
  const server = await startContractServer(app);
  return {
    server,
    node,
    async close() {
      await reader.stop();
      await server.close();
      await node.close();
      await rm(dir, { recursive: true });
    },
  };
}

/** What came back. */
export interface Answer {
  status: number;
  headers: Headers;
  body: ReturnType<typeof JSON.parse>;
}

/** One request with an object, bytes or nothing as its body. */
export async function ask(
  url: string,
  method: string,
  target: string,
  { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const isBytes = body instanceof Uint8Array;
  const response = await fetch(`${url}${target}`, {
    method,
    headers: { ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
