import { createActivities } from '../../activities/index.js';
import { catalogApprovals } from '../../src/catalog/approvals.js';
import { connectCatalog } from '../../src/catalog/connect.js';
import { recordWriter } from '../../src/catalog/records.js';
import type { ApprovalCheck, RecordSink } from '../../src/domain/records.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
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

function recording(url: string) {
  const catalog = connectCatalog({ url, applicationName: 'xyn-bench-worker' });
  const complain = (facts: Record<string, unknown>, message: string): void =>
    console.error(`worker: ${message}`, facts['err'] ?? '');
  const buffer = new RecordBuffer({ writer: recordWriter(catalog), log: { warn: complain, error: complain } });
  return {
    buffer,
    approvals: catalogApprovals(catalog),
    async close() {
      await buffer.close();
      await catalog.close();
    },
  };
}

installRuntime({ log: (level, message) => console.error(`worker: ${level} ${message}`) });
const records = settings.variant === 'full' ? recording(settings.databaseUrl) : undefined;
const worker = await createWorker({
  address: settings.address,
  namespace: 'default',
  taskQueue: settings.taskQueue,
  bundlePath: settings.bundlePath,
  activities: createActivities({
    records: records?.buffer ?? nowhere,
    approvals: records?.approvals ?? everyone,
    actions: benchActions((runId, path, at) => send({ t: 'mark', runId, path, at })),
    agents: { ask: () => Promise.reject(new Error('there are no agents here')) },
    pausedMs: () => Promise.resolve(0),
    worker: 'bench',
  }),
  workflowSlots: 100,
  activitySlots: 200,
  cachedWorkflows: 2_000,
  identity: `bench/${settings.variant}`,
});
const running = worker.run();
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
