import { Histogram, type Registry } from 'prom-client';
import type { ServiceObserver } from '../services/observer.js';

/** From a moment on a fast machine to a day of waiting for a server. */
const LAG_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3_600];

/** Measures the way from an event to a running workflow, and from a decision to its answer. */
export function serviceMetrics(registry: Registry): ServiceObserver {
  const registers = [registry];
  const matching = new Histogram({
    name: 'xyn_event_match_lag_seconds',
    help: 'Age of events that workers wrote when the dispatcher compared them with the triggers.',
    buckets: LAG_BUCKETS,
    registers,
  });
  const starting = new Histogram({
    name: 'xyn_run_start_lag_seconds',
    help: 'Time from the creation of a run to its start in Temporal.',
    buckets: LAG_BUCKETS,
    registers,
  });
  const answering = new Histogram({
    name: 'xyn_decision_answer_seconds',
    help: "Time from a person's decision to the answer of the run, by status (applied, refused).",
    labelNames: ['status'],
    buckets: LAG_BUCKETS,
    registers,
  });
  return {
    eventMatched: (lagMs) => matching.observe(Math.max(0, lagMs) / 1_000),
    runStarted: ({ created_at: createdAt }, at) => starting.observe(Math.max(0, at - Date.parse(createdAt)) / 1_000),
    decisionAnswered: (status, ageMs) => answering.observe({ status }, Math.max(0, ageMs) / 1_000),
  };
}
