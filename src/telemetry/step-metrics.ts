import { Counter, Histogram, type Registry } from 'prom-client';
import type { AttemptEnd } from '../domain/records.js';
import { boundedLabel } from './label-set.js';

/** Actions come from the packs, models from blueprints: more than these are no longer told apart. */
const MAX_ACTIONS = 200;
const MAX_CODES = 100;
const MAX_QUANTITIES = 50;

/** Measures attempts at steps, as they are recorded. */
export function stepMetrics(registry: Registry): (end: AttemptEnd) => void {
  const registers = [registry];
  const attempts = new Counter({
    name: 'xyn_step_attempts_total',
    help: 'Attempts at steps that ended, by action and outcome (completed, failed).',
    labelNames: ['action', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'xyn_step_attempt_duration_seconds',
    help: 'Time from the begin of an attempt at a step to its end, by action.',
    labelNames: ['action'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 30, 60, 300, 1_800],
    registers,
  });
  const errors = new Counter({
    name: 'xyn_step_errors_total',
    help: 'Attempts at steps that failed, by action and error code.',
    labelNames: ['action', 'code'],
    registers,
  });
  const usage = new Counter({
    name: 'xyn_step_usage_total',
    help: 'Footprints of attempts, such as tokens_in and artifact_bytes_written, by action and metric; each in its own unit.',
    labelNames: ['action', 'metric'],
    registers,
  });
  const actionLabel = boundedLabel(MAX_ACTIONS);
  const codeLabel = boundedLabel(MAX_CODES);
  const metricLabel = boundedLabel(MAX_QUANTITIES);
  return ({ action: name, status, error, started_at: from, ended_at: to, footprints }) => {
    const action = actionLabel(name);
    attempts.inc({ action, outcome: status });
    duration.observe({ action }, Math.max(0, to - from) / 1_000);
    if (error !== undefined) errors.inc({ action, code: codeLabel(error.code) });
    for (const { metric, quantity } of footprints) {
      // A counter refuses anything else, and a wrong footprint is no reason to fail a step.
      if (quantity >= 0 && Number.isFinite(quantity)) usage.inc({ action, metric: metricLabel(metric) }, quantity);
    }
  };
}
