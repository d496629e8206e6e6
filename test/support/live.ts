import { listenTo } from '../../src/catalog/channel-listener.js';
import type { Catalog } from '../../src/catalog/connect.js';
import type { HealthReport } from '../../src/services/health.js';
import { LiveReader } from '../../src/services/live-reader.js';
import { LiveStreams } from '../../src/services/live-streams.js';
import { silentLog, type TestNode } from './node.js';

/** The streams of one API process, over a real catalog; ended by `reader.stop`. */
export async function startLive(options: {
  node: Pick<TestNode, 'access' | 'runs'>;
  catalog: Catalog;
  maxFollowers?: number;
  health: () => Promise<HealthReport>;
}): Promise<{ reader: LiveReader; live: LiveStreams }> {
  const { node, catalog, maxFollowers = 50, health } = options;
  const reader = new LiveReader({
    store: node.access.live,
    log: silentLog,
    clock: Date.now,
    maxFollowers,
    listen: (onNotice) => listenTo({ connection: catalog.pool.options, channel: 'xyn_outbox', onNotice }),
  });
  await reader.start();
  const explain = node.runs.get.bind(node.runs);
  return { reader, live: new LiveStreams({ reader, catalog: node.access, explain, health }) };
}
