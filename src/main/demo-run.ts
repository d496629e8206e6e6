import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient, GateDetail, RunDetail, Step } from '../client/api-client.js';
import { duration, elapsed, errorText, plain } from '../cli/format.js';
import type { Printer } from '../cli/printer.js';
import { hasEnded } from '../cli/watch-run.js';
import { isJsonObject, type Json } from '../domain/json.js';

const POLL_MS = 150;
/** Records of steps are written behind: they may follow the end of their run by this much. */
const SETTLE_MS = 3_000;
const WIDTH = 100;

/** What following a run needs. */
export interface DemoRunDeps {
  client: ApiClient;
  printer: Printer;
  /** Aborts when the demo ends. */
  ending: AbortSignal;
  /** Asks the person at the terminal; true approves. */
  decide: (gate: GateDetail) => Promise<boolean>;
}

function wrapped(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const rows: string[] = [''];
    for (const word of plain(line, 2_000).split(' ')) {
      const row = rows.at(-1) ?? '';
      if (row !== '' && row.length + word.length > WIDTH) rows.push(word);
      else rows[rows.length - 1] = row === '' ? word : `${row} ${word}`;
    }
    return rows;
  });
}

function textOf(outputs: Json, ...names: string[]): string {
  if (!isJsonObject(outputs)) return '';
  const texts = names.map((name) => outputs[name]).filter((value) => typeof value === 'string');
  return texts.join('\n').trim();
}

/** Shows a run live, asks at its gates, and resolves when it has ended. */
export class DemoRun {
  readonly #deps: DemoRunDeps;
  readonly #shown = new Map<string, string>();
  readonly #asked = new Set<string>();

  constructor(deps: DemoRunDeps) {
    this.#deps = deps;
  }

  /** @throws the reason of `ending` when the demo ends first. */
  async follow(runId: string): Promise<RunDetail> {
    const { client, ending } = this.#deps;
    let endedAt: number | undefined;
    for (;;) {
      ending.throwIfAborted();
      const run = await client.getRun(runId);
      const steps = await client.steps(runId);
      for (const step of steps) this.#show(run, step);
      for (const wait of run.waiting_on) if (wait.kind === 'gate') await this.#ask(run, wait.gate_id);
      endedAt ??= hasEnded(run) ? Date.now() : undefined;
      const isSettled = steps.every(({ status }) => status !== 'running' && status !== 'created');
      if (endedAt !== undefined && (isSettled || Date.now() - endedAt > SETTLE_MS)) {
        this.#line(run, 'run', this.#outcome(run.status, run.error));
        return run;
      }
      await pause(POLL_MS, undefined, { signal: ending });
    }
  }

  #outcome(status: string, error: RunDetail['error']): string {
    const why = errorText(error);
    return `${this.#deps.printer.status(status)}${why === undefined ? '' : `  ${why}`}`;
  }

  #show(run: RunDetail, step: Step): void {
    const state = `${step.status}/${step.attempts}`;
    if (this.#shown.get(step.step_id) === state) return;
    this.#shown.set(step.step_id, state);
    // What a gate waits for is told when it is asked.
    if (step.kind === 'gate' && step.status === 'running') return;
    const took =
      step.completed_at === null || step.status === 'skipped'
        ? ''
        : `  ${elapsed(step.started_at, step.completed_at, Date.now())}`;
    this.#line(run, step.path, `${this.#outcome(step.status, step.error)}${took}  ${step.kind}`);
    if (step.kind === 'agent_task') this.#quote(textOf(step.outputs, 'text'));
    if (step.kind === 'action_task') this.#quote(textOf(step.outputs, 'stdout', 'stderr'));
  }

  async #ask(run: RunDetail, gateId: string): Promise<void> {
    if (this.#asked.has(gateId)) return;
    this.#asked.add(gateId);
    const { client, printer, decide } = this.#deps;
    const gate = await client.getGate(gateId);
    this.#line(run, gate.path, printer.style('yellow', 'waits for a decision'));
    for (const { path, action, input } of gate.binds) {
      printer.line(`              it covers ${plain(path)}: ${plain(action)} ${plain(JSON.stringify(input), 500)}`);
    }
    const isApproved = await decide(gate);
    const answer = await client.decideGate(gateId, {
      decision: isApproved ? 'approve' : 'reject',
      reason: isApproved ? 'approved in the demo' : 'rejected in the demo',
    });
    this.#line(run, gate.path, printer.status(answer.gate.status));
  }

  #quote(text: string): void {
    if (text === '') return;
    for (const line of wrapped(text)) this.#deps.printer.line(`            │ ${line}`);
  }

  #line(run: RunDetail, path: string, text: string): void {
    const since = duration(Date.now() - Date.parse(run.created_at));
    this.#deps.printer.line(`${`+${since}`.padStart(10)}  ${plain(path, 40).padEnd(10)}  ${text}`);
  }
}
