import { z } from 'zod';
import type { ApiClient, RunDetail, Step } from '../client/api-client.js';
import type { CliIo } from './context.js';
import { duration, elapsed, errorText, plain, relativeTime, shortId } from './format.js';
import { runDetailSchema, stepSchema } from '../http/schemas/run.js';
import { followStream, noteSource, untilInterrupted, type FollowedMessage } from './follow.js';
import type { Printer } from './printer.js';

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
  readonly #begun = new Set<string>();
  #status: string | undefined;
  #isBegun = false;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  show(run: RunDetail, steps: readonly Step[]): void {
    const { printer } = this.#deps;
    this.showSteps(run, steps);
    for (const wait of run.waiting_on) this.#wait(run, wait);
    if (run.status === this.#status) return;
    this.#status = run.status;
    printer.record({ type: 'run', ...run });
    if (!hasEnded(run)) return;
    const error = errorText(run.error);
    const took = `in ${elapsed(run.created_at, run.completed_at, this.#now)}`;
    this.#line(run, 'run', `${printer.status(run.status)}  ${took}${error === undefined ? '' : `: ${error}`}`);
  }

  /** Steps alone: what an ended run's last ones are shown by before its end. */
  showSteps(run: RunDetail, steps: readonly Step[]): void {
    if (!this.#isBegun) this.#deps.printer.line(`run ${run.run_id}  ${plain(run.name)}  (${plain(run.blueprint_id)})`);
    this.#isBegun = true;
    for (const step of steps) this.#step(run, step);
  }

  get #now(): number {
    return this.#deps.io.clock();
  }

  #step(run: RunDetail, step: Step): void {
    const { printer } = this.#deps;
    const state = `${step.status}/${step.attempts}`;
    if (this.#steps.get(step.step_id) === state) return;
    this.#steps.set(step.step_id, state);
    const isKnown = step.status === 'running' && this.#begun.has(`${step.path}/${step.attempts}`);
    this.#begun.add(`${step.path}/${step.attempts}`);
    if (isKnown) return;
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
    if (wait.kind === 'decision') return;
    if (wait.kind === 'step') return this.#running(run, wait);
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

  /** A step that runs has a record only when it takes longer than a moment, and no event. */
  #running(run: RunDetail, { path, attempt, worker }: Extract<Wait, { kind: 'step' }>): void {
    const key = `${path}/${attempt}`;
    if (this.#begun.has(key)) return;
    this.#begun.add(key);
    const { printer } = this.#deps;
    printer.record({ type: 'running', run_id: run.run_id, path, attempt, worker });
    this.#line(run, path, `${printer.status('running')}${attempt > 1 ? `  attempt ${attempt}` : ''}`);
  }

  #line(run: RunDetail, path: string, text: string): void {
    const since = duration(this.#now - Date.parse(run.created_at));
    this.#deps.printer.line(`${`+${since}`.padStart(10)}  ${plain(path, 40).padEnd(16)}  ${text}`);
  }
}

const snapshotSchema = z.object({ run: runDetailSchema, steps: z.array(stepSchema), has_more_steps: z.boolean() });

/** What a message of a run's stream changes; undefined for kinds that are not shown. */
async function seenIn(
  { client }: WatchDeps,
  runId: string,
  { type, data }: FollowedMessage,
): Promise<{ run?: RunDetail; steps: Step[] } | undefined> {
  if (type === 'run' || type === 'end') return { run: runDetailSchema.parse(data), steps: [] };
  if (type === 'step') return { steps: [stepSchema.parse(data)] };
  if (type !== 'snapshot') return undefined;
  const { run, steps, has_more_steps: hasMore } = snapshotSchema.parse(data);
  return { run, steps: hasMore ? await client.steps(runId) : steps };
}

/**
 * Follows a run and prints every change until it has ended; undefined when Ctrl-C stopped that before.
 * @throws XynFault `run_not_found`, and what `followStream` throws.
 */
export async function watchRun(deps: WatchDeps, runId: string): Promise<RunDetail | undefined> {
  const changes = new Changes(deps);
  let latest: RunDetail | undefined;
  const ended = await untilInterrupted(deps.io, async (signal) => {
    for await (const message of followStream(deps, `/runs/${encodeURIComponent(runId)}/stream`, {}, signal)) {
      if (message.type === 'source') noteSource(deps.printer, message.data);
      const seen = await seenIn(deps, runId, message);
      latest = seen?.run ?? latest;
      if (seen === undefined || latest === undefined) continue;
      // The end is shown last, when the steps before it are there.
      if (message.type === 'end' || !hasEnded(latest)) changes.show(latest, seen.steps);
      else changes.showSteps(latest, seen.steps);
      if (message.type === 'end') return latest;
    }
    return undefined;
  });
  if (ended === undefined) {
    deps.printer.note(`No longer followed; the run goes on. See it with \`xynctl runs show ${shortId(runId)}\`.`);
  }
  return ended;
}
