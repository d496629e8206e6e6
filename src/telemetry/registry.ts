import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** Names that the Prometheus linter refuses: gauges called `_total`. What they tell is in others. */
const BADLY_NAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** The metrics of this process: Node's own (memory, CPU, event loop, collections) and what is registered later. */
export function createRegistry(about: { part: 'api' | 'worker'; version: string }): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of BADLY_NAMED) registry.removeSingleMetric(name);
  new Gauge({
    name: 'xyn_build_info',
    help: 'Always 1; the labels tell which part of Xyn this is, in which version.',
    labelNames: ['part', 'version'],
    registers: [registry],
  }).set(about, 1);
  return registry;
}
