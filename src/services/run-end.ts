import type { RecordBatch } from '../catalog/records.js';
import type { Transition } from '../domain/engine/state.js';
import type { RunEnd } from '../domain/dtos.js';
import type { XynError } from '../domain/xyn-error.js';
import type { RecordedRun } from '../catalog/repair-store.js';

/** Writes records as workers do; repeating a batch changes nothing. */
export type WriteRecords = (batch: RecordBatch) => Promise<void>;

/** Ends runs that their workflow cannot end. */
export class RunEndWriter {
  readonly #write: WriteRecords;
  readonly #clock: () => number;

  constructor(write: WriteRecords, clock: () => number) {
    this.#write = write;
    this.#clock = clock;
  }

  /** Fails a run that has no steps yet. `seq` is the number of its newest transition. */
  async fail(run: { runId: string; seq: number; code: string; message: string }): Promise<void> {
    const at = this.#clock();
    await this.writeTransitions(run.runId, [
      { t: 'end', seq: run.seq + 1, at, status: 'failed', error: errorOf(run.code, run.message, at), steps: {} },
    ]);
  }

  /** Ends a run with everything of it that is still open: steps fail with the run's error, gates close. */
  async end(runId: string, recorded: RecordedRun, end: RunEnd & { at: number }): Promise<void> {
    const { at } = end;
    const error = end.error ?? errorOf(end.status, `The run ended as ${end.status}.`, at);
    let seq = recorded.seq;
    const next = (): { seq: number; at: number } => ({ seq: (seq += 1), at });
    const transitions: Transition[] = [];
    for (const step of recorded.steps) {
      if (step.status !== 'running' && step.status !== 'created') continue;
      transitions.push({
        t: 'step',
        ...next(),
        path: step.path,
        id: step.node_id,
        kind: step.kind,
        name: step.name,
        status: 'failed',
        error: { ...error, step: step.node_id, path: step.path },
        attempts: step.attempts,
        ...(step.started_at === null ? {} : { started_at: step.started_at.toISOString() }),
      });
    }
    for (const gate of recorded.gates) {
      if (gate.status !== 'open') continue;
      const { path, purpose, require, reject } = gate;
      const reason = gate.reason === 'required' ? 'required' : 'optional';
      const id = recorded.steps.find((step) => step.path === path)?.node_id ?? path;
      transitions.push({ t: 'gate', ...next(), path, id, status: 'cancelled', purpose, require, reject, reason });
    }
    transitions.push({
      t: 'end',
      ...next(),
      status: end.status,
      ...(end.outputs === undefined ? {} : { outputs: end.outputs }),
      ...(end.status === 'failed' ? { error } : {}),
      steps: {},
    });
    await this.writeTransitions(runId, transitions);
  }

  /** Writes transitions of one run. */
  async writeTransitions(runId: string, transitions: readonly Transition[]): Promise<void> {
    await this.#write({ transitions: [{ run_id: runId, transitions }], begins: [], runnings: [], ends: [] });
  }
}

/** An error of the run itself, as opposed to one of a step. */
export function errorOf(code: string, message: string, at: number): XynError {
  return { code, message, step: '', path: '', attempt: 1, retryable: false, at: new Date(at).toISOString() };
}
