import { setTimeout as pause } from 'node:timers/promises';
import { XynFault } from '../domain/fault.js';
import type { ApiClient, RunDetail, Step } from '../client/api-client.js';
import type { CliIo } from './context.js';
import { duration, elapsed, errorText, plain, relativeTime, shortId } from './format.js';
import type { Printer } from './printer.js';

const POLL_MS = 300;
/** A server that restarts is waited for that long. */
const PATIENCE_MS = 60_000;
/** Records of steps are written behind: they may follow the end of their run by this much. */
const SETTLE_MS = 2_000;

/** A worker that is there takes a task within milliseconds. */
const WORKER_PATIENCE_MS = 2_000;

type Wait = RunDetail['waiting_on'][number];

interface WatchDeps {
  client: ApiClient;
  printer: Printer;
  io: CliIo;
}

/** Whether a run has ended. */
export function hasEnded(run: { status: string }): boolean {
  return run.status === 'completed' || run.status === 'failed' || run.status === 'cancelled';
}

/** One line about why a run does not move. */
export function waitText(wait: Wait, nowMs: number): string {
  switch (wait.kind) {
    case 'gate': {
      const who = wait.approvers.length === 0 ? 'anybody' : wait.approvers.join(', ');
      const count = wait.require > 1 ? ` (${wait.approvals} of ${wait.require})` : '';
      return `waits for a decision of ${who}${count}`;
    }
    case 'retry':
      return `attempt ${wait.attempt} ${relativeTime(wait.next_attempt_at, nowMs)}: ${wait.last_failure ?? 'failed before'}`;
    case 'place':
      return `waits for a place: ${wait.running} runs of the lane ${wait.lane} run, ${wait.ahead} wait before it`;
    case 'step':
      return `runs on ${wait.worker} since ${relativeTime(wait.since, nowMs)}`;
    case 'worker_lost':
      return `its worker${wait.worker === null ? '' : ` ${wait.worker}`} gives no sign of life since ${relativeTime(wait.since, nowMs)}; another one takes over`;
    case 'worker': {
      const who = wait.pollers === 0 ? 'no worker polls' : `${wait.pollers ?? 'an unknown number of'} workers poll`;
      return `no worker has taken it since ${relativeTime(wait.since, nowMs)}; ${who} queue ${wait.queue}; see \`xynctl doctor\``;
    }
    case 'decision':
      return 'its next step is being decided';
    case 'defect':
      return `a defect of Xyn keeps it (attempt ${wait.attempt}): ${wait.message}`;
    case 'timer':
      return wait.until === null ? 'waits for a time' : `goes on ${relativeTime(wait.until, nowMs)}`;
    case 'record':
      return `its workflow is ${wait.execution}; the records are being completed`;
    case 'start':
      return 'waits for Temporal to take it';
    case 'cancel':
      return 'is being cancelled';
    case 'unknown':
      return `cannot be looked into: ${wait.reason}`;
  }
}

/** Commands that decide a gate. */
export function gateCommands(gate: { gate_id: string; purpose: string }): string {
  const id = shortId(gate.gate_id);
  return gate.purpose === 'recovery'
    ? `xynctl gates decide ${id} done|retry|fail`
    : `xynctl gates approve ${id}   or   xynctl gates reject ${id}`;
}

/** Prints what changed since the last look. */
class Changes {
  readonly #deps: WatchDeps;
  readonly #steps = new Map<string, string>();
  readonly #waits = new Set<string>();
  #status: string | undefined;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  show(run: RunDetail, steps: readonly Step[]): void {
    const { printer } = this.#deps;
    if (this.#status === undefined) {
      printer.line(`run ${run.run_id}  ${plain(run.name)}  (${plain(run.blueprint_id)})`);
    }
    for (const step of steps) this.#step(run, step);
    for (const wait of run.waiting_on) this.#wait(run, wait);
    if (run.status === this.#status) return;
    this.#status = run.status;
    printer.record({ type: 'run', ...run });
    if (!hasEnded(run)) return;
    const error = errorText(run.error);
    const took = `in ${elapsed(run.created_at, run.completed_at, this.#now)}`;
    this.#line(run, 'run', `${printer.status(run.status)}  ${took}${error === undefined ? '' : `: ${error}`}`);
  }

  get #now(): number {
    return this.#deps.io.clock();
  }

  #step(run: RunDetail, step: Step): void {
    const { printer } = this.#deps;
    const state = `${step.status}/${step.attempts}`;
    if (this.#steps.get(step.step_id) === state) return;
    this.#steps.set(step.step_id, state);
    printer.record({ type: 'step', ...step });
    const notes = [
      step.completed_at === null || step.status === 'skipped'
        ? undefined
        : elapsed(step.started_at, step.completed_at, this.#now),
      step.attempts > 1 ? `${step.attempts} attempts` : undefined,
      step.skip_reason ?? undefined,
      errorText(step.error),
    ].filter((note) => note !== undefined);
    this.#line(run, step.path, [printer.status(step.status), ...notes].join('  '));
  }

  #wait(run: RunDetail, wait: Wait): void {
    // What moves is no news; neither is a task that was scheduled just now.
    if (wait.kind === 'step' || wait.kind === 'decision') return;
    if (wait.kind === 'worker' && this.#now - Date.parse(wait.since ?? '') < WORKER_PATIENCE_MS) return;
    const key = JSON.stringify({ ...wait, since: null, next_attempt_at: null, pollers: null });
    if (this.#waits.has(key)) return;
    this.#waits.add(key);
    const { printer } = this.#deps;
    printer.record({ type: 'waiting', run_id: run.run_id, ...wait });
    const path = 'path' in wait ? (wait.path ?? 'run') : 'run';
    this.#line(run, path, printer.style('yellow', plain(waitText(wait, this.#now))));
    if (wait.kind === 'gate') this.#line(run, '', gateCommands(wait));
  }

  #line(run: RunDetail, path: string, text: string): void {
    const since = duration(this.#now - Date.parse(run.created_at));
    this.#deps.printer.line(`${`+${since}`.padStart(10)}  ${plain(path, 40).padEnd(16)}  ${text}`);
  }
}

/** Looks once; what a restart of the server causes is waited out. */
class Look {
  readonly #deps: WatchDeps;
  #failingSince: number | undefined;
  #hasSeen = false;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  async at(runId: string): Promise<{ run: RunDetail; steps: Step[] } | undefined> {
    const { client, printer, io } = this.#deps;
    try {
      // The run first: its steps are then at least as new as its status.
      const run = await client.getRun(runId);
      const steps = await client.steps(runId);
      this.#failingSince = undefined;
      this.#hasSeen = true;
      return { run, steps };
    } catch (error) {
      // A server that was never seen is not waited for: the address may be wrong.
      if (!(error instanceof XynFault) || !error.retryable || !this.#hasSeen) throw error;
      if (this.#failingSince === undefined) printer.note(`${error.message} Trying again for a minute.`);
      this.#failingSince ??= io.clock();
      if (io.clock() - this.#failingSince > PATIENCE_MS) throw error;
      return undefined;
    }
  }
}

/** Follows a run and prints every change until it has ended. */
export async function watchRun(deps: WatchDeps, runId: string): Promise<RunDetail> {
  const { io } = deps;
  const changes = new Changes(deps);
  const look = new Look(deps);
  let endedAt: number | undefined;
  for (;;) {
    const seen = await look.at(runId);
    if (seen !== undefined) {
      const isSettled = seen.steps.every((step) => step.status !== 'running' && step.status !== 'created');
      endedAt ??= hasEnded(seen.run) ? io.clock() : undefined;
      const isDone = endedAt !== undefined && (isSettled || io.clock() - endedAt > SETTLE_MS);
      // The end is shown last, when the steps before it are there.
      if (isDone || !hasEnded(seen.run)) changes.show(seen.run, seen.steps);
      if (isDone) return seen.run;
    }
    await pause(POLL_MS);
  }
}
