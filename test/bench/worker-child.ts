import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createActivities } from '../../activities/index.js';
import { LocalArtifactStore } from '../../src/artifacts/local-store.js';
import { catalogApprovals } from '../../src/catalog/approvals.js';
import { connectCatalog } from '../../src/catalog/connect.js';
import { recordWriter } from '../../src/catalog/records.js';
import { catalogAccess } from '../../src/catalog/unit-of-work.js';
import type { ApprovalCheck, RecordSink } from '../../src/domain/records.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
import { StepArtifactKeeper } from '../../src/services/step-artifacts.js';
import { createWorker, installRuntime } from '../../src/temporal/worker.js';
import { benchActions } from './bench-pack.js';
import type { FromChild, ToChild, WorkerChildSettings } from './worker-messages.js';

/** A worker process of the benchmark: the real one, but for its actions and, without records, for what it writes. */
const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerChildSettings;
const send = (message: FromChild): void => void process.send?.(message);
const done = Promise.resolve();
const nowhere: RecordSink = {
  begin: () => done,
  running: () => undefined,
  end: () => undefined,
  record: () => done,
  flush: () => done,
};
const everyone: ApprovalCheck = { check: () => Promise.resolve(undefined) };

async function recording(url: string) {
  const catalog = connectCatalog({ url, applicationName: 'xyn-bench-worker' });
  const complain = (facts: Record<string, unknown>, message: string): void =>
    console.error(`worker: ${message}`, facts['err'] ?? '');
  const log = { warn: complain, error: complain };
  const buffer = new RecordBuffer({ writer: recordWriter(catalog), log });
  const access = catalogAccess(catalog);
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-bench-artifacts-'));
  const store = await LocalArtifactStore.open({ dir });
  return {
    buffer,
    approvals: catalogApprovals(catalog),
    artifacts: new StepArtifactKeeper({ catalog: access, store, envId: 'bench', log }),
    chunks: access.chunks,
    async close() {
      await buffer.close();
      await catalog.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

installRuntime({ log: (level, message) => console.error(`worker: ${level} ${message}`) });
const records = settings.variant === 'full' ? await recording(settings.databaseUrl) : undefined;
const worker = await createWorker({
  address: settings.address,
  namespace: 'default',
  taskQueue: settings.taskQueue,
  bundlePath: settings.bundlePath,
  workflowSlots: 100,
  activitySlots: 200,
  cachedWorkflows: 2_000,
  identity: `bench/${settings.variant}`,
});
const activities = createActivities({
  records: records?.buffer ?? nowhere,
  approvals: records?.approvals ?? everyone,
  actions: benchActions((runId, path, at) => send({ t: 'mark', runId, path, at })),
  agents: { ask: () => Promise.reject(new Error('there are no agents here')) },
  pausedMs: () => Promise.resolve(0),
  ...(records === undefined || !settings.keepsLists ? {} : { artifacts: records.artifacts, chunks: records.chunks }),
  worker: 'bench',
});
const running = worker.run({ activities });
process.on('message', (message: ToChild) => {
  if (message.t === 'stop') worker.shutdown();
  else {
    const { user, system } = process.cpuUsage();
    send({
      t: 'usage',
      cpuMs: (user + system) / 1_000,
      rssBytes: process.memoryUsage.rss(),
      pending: records?.buffer.pending ?? 0,
      dropped: (records?.buffer.counts.dropped ?? 0) + (records?.buffer.counts.refused ?? 0),
    });
  }
});
process.on('disconnect', () => worker.shutdown());
send({ t: 'ready' });
await running;
await records?.close();
await worker.close();
if (process.connected) process.disconnect();
