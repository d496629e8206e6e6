import { advance, resume, start } from '../domain/engine/engine.js';
import { finishResult } from '../domain/engine/result.js';
import { answerTo } from '../domain/engine/gates.js';
import type { TaskNode } from '../domain/engine/leaves.js';
import type { Command, EngineEvent } from '../domain/engine/messages.js';
import { isFinal } from '../domain/engine/run-end.js';
import type { Decision, EnvFacts, EventFacts, RunFacts, State, Transition } from '../domain/engine/state.js';
import { canonicalJson, type JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import { Agenda, RANK, type Choose } from './agenda.js';
import { SimulatedLists } from './simulated-lists.js';
import { SimulatedTask } from './simulated-task.js';
import type { Call, World } from './world.js';

/** Events that one run may take: far more than any plan within its bounds needs. */
const MAX_EVENTS = 200_000;

/** How the engine is driven, apart from what happens; none of it may change what a run comes to. */
export interface Driving {
  /** The state goes through JSON after every event, and to a new execution whenever no task runs. */
  handOver?: boolean;
  /** Every event but ticks is delivered twice, and ticks come when nothing is due. */
  twice?: boolean;
  /** Order of results that fall on one instant. */
  choose?: Choose;
}

export interface Simulated {
  plan: Plan;
  inputs: JsonObject;
  event: EventFacts;
  env: EnvFacts;
  run: RunFacts;
  /** Virtual time of the start, milliseconds since the epoch. */
  startMs: number;
  world: World;
  driving?: Driving;
}

/** What a simulated run came to. */
export interface SimulatedRun {
  state: State;
  /** Addresses of leaves in the order in which they completed or failed. */
  path: string[];
  calls: Call[];
  /** Everything that the catalog would have learned from the engine, by number. */
  transitions: Transition[];
  /** Decisions that the engine did not take, and why. */
  refused: { gate: string; decision: Decision; code: string }[];
  /** The attempt for which the world had no answer; the run was left there. */
  unscripted?: Call;
  elapsedMs: number;
}

/** `advance` broke one of its own rules. */
export class BrokenRule extends Error {}

type Body<T = EngineEvent> = T extends EngineEvent ? Omit<T, 'now' | 'recorded'> : never;

/** Runs a plan to its end in virtual time. @throws BrokenRule on a defect of the engine. */
export function simulate(subject: Simulated): SimulatedRun {
  return new Simulation(subject).run();
}

class Simulation {
  readonly #subject: Simulated;
  readonly #driving: Driving;
  readonly #agenda: Agenda;
  readonly #tasks = new Map<string, SimulatedTask>();
  readonly #lists: SimulatedLists;
  /** Lists on their way from or to the store: as with a task, the state is not handed over meanwhile. */
  #moving = 0;
  readonly #result: Omit<SimulatedRun, 'state' | 'elapsedMs'> = { path: [], calls: [], transitions: [], refused: [] };
  #state: State;
  #now: number;
  #wake: number | undefined;
  #events = 0;
  #decisions = 0;

  constructor(subject: Simulated) {
    this.#subject = subject;
    this.#driving = subject.driving ?? {};
    this.#lists = new SimulatedLists(subject.run.id);
    this.#agenda = new Agenda(this.#driving.choose);
    this.#state = start(subject.plan);
    this.#now = subject.startMs;
  }

  run(): SimulatedRun {
    const { world, startMs, inputs, event, env, run } = this.#subject;
    if (world.cancelAtMs !== undefined) {
      const { by, reason } = world.cancelledBy ?? { by: 'somebody', reason: '' };
      this.#agenda.add(startMs + world.cancelAtMs, RANK.cancel, () => this.#feed({ t: 'cancel', by, reason }));
    }
    this.#feed({ t: 'start', inputs, event, env, run });
    while (!isFinal(this.#state) && this.#result.unscripted === undefined) this.#step();
    return { ...this.#result, state: this.#state, elapsedMs: this.#state.now - this.#state.started };
  }

  #step(): void {
    const { next } = this.#agenda;
    if (this.#wake !== undefined && (next === undefined || next.atMs > this.#wake)) {
      this.#now = Math.max(this.#now, this.#wake);
      // The driver's own timer is gone once it fired; the engine asks again where it wants another.
      this.#wake = undefined;
      this.#feed({ t: 'tick' });
      return;
    }
    const entry = this.#agenda.take();
    if (entry === undefined) throw new BrokenRule(`the run waits for nothing: ${canonicalJson(this.#state.frames)}`);
    this.#now = Math.max(this.#now, entry.atMs);
    entry.work();
  }

  #feed(body: Body): void {
    if (isFinal(this.#state)) return;
    this.#apply(body, false);
    const { twice } = this.#driving;
    if (twice !== true || isFinal(this.#state)) return;
    if (body.t !== 'tick') this.#apply(body, true);
    if ((this.#state.wake ?? Infinity) > this.#now) this.#apply({ t: 'tick' }, true);
  }

  #apply(body: Body, repeated: boolean): void {
    this.#events += 1;
    if (this.#events > MAX_EVENTS) throw new BrokenRule(`the run does not end after ${MAX_EVENTS} events`);
    const before = this.#state;
    // Without hand-overs the catalog is always up to date, so that long runs stay short to copy.
    const recorded = this.#driving.handOver === true ? {} : { recorded: before.seq };
    const next = advance(this.#subject.plan, before, { ...body, ...recorded, now: this.#now });
    this.#observe(before, next.state, body);
    if (repeated) this.#requireNothingNew(before, next.state, next.commands, body);
    this.#state = this.#driving.handOver === true ? (JSON.parse(JSON.stringify(next.state)) as State) : next.state;
    const isIdle = this.#tasks.size === 0 && this.#moving === 0;
    const canHandOver = this.#driving.handOver === true && !isFinal(this.#state) && isIdle;
    for (const command of canHandOver ? resume(this.#subject.plan, this.#state) : next.commands) this.#execute(command);
  }

  /** A repeated event may go on with work that was put off, but begins and ends nothing else. */
  #requireNothingNew(before: State, after: State, commands: readonly Command[], { t }: Body): void {
    if (before.queue !== undefined) return;
    const news = commands.filter(({ c }) => c !== 'record');
    if (after.seq === before.seq && news.length === 0) return;
    throw new BrokenRule(`a repeated ${t} at ${this.#now} did something: ${canonicalJson(news)}`);
  }

  /** Notes what ended, in order: what a worker records comes before what follows from it. */
  #observe(before: State, after: State, body: Body): void {
    const fresh = after.transitions.filter(({ seq }) => seq > before.seq);
    const { path, transitions } = this.#result;
    transitions.push(...fresh);
    const ended = fresh.flatMap((one) =>
      one.t === 'step' && LEAVES.has(one.kind) && (one.status === 'completed' || one.status === 'failed')
        ? [one.path]
        : [],
    );
    const isDone = body.t === 'done' && before.tasks[body.path] !== undefined && after.tasks[body.path] === undefined;
    if (isDone && !ended.includes(body.path) && after.holds[body.path] === undefined) path.push(body.path);
    path.push(...ended);
    for (const one of fresh) if (one.t === 'gate' && one.status === 'open') this.#openGate(one);
  }

  #openGate({ path, id, purpose }: Extract<Transition, { t: 'gate' }>): void {
    for (const { afterMs, decision } of this.#subject.world.decisions({ path, step: id, purpose })) {
      this.#agenda.add(this.#now + afterMs, RANK.decision, () => this.#decide(path, decision));
    }
  }

  #decide(path: string, decision: Decision): void {
    this.#decisions += 1;
    const numbered = { ...decision, id: `decision-${this.#decisions}` };
    const { applied, code } = answerTo(this.#state, path, numbered);
    if (!applied && code !== undefined) this.#result.refused.push({ gate: path, decision, code });
    this.#feed({ t: 'gate', path, decision: numbered });
  }

  #execute(command: Command): void {
    switch (command.c) {
      case 'action':
      case 'agent':
        return this.#begin(command);
      case 'cancel':
        return this.#tasks.get(command.path)?.cancel();
      case 'check': {
        const { path } = command;
        const pausedMs = (): number => this.#tasks.get(path)?.pausedMs(this.#now) ?? 0;
        this.#agenda.add(this.#now, RANK.call, () => this.#feed({ t: 'checked', path, paused_ms: pausedMs() }));
        return;
      }
      case 'spill':
      case 'page':
        this.#moving += 1;
        this.#agenda.add(this.#now, RANK.call, () => {
          this.#moving -= 1;
          this.#feed(this.#lists.answer(command));
        });
        return;
      case 'wake':
        this.#wake = command.at ?? undefined;
        return;
      case 'record': {
        const recorded = this.#state.seq;
        this.#agenda.add(this.#now, RANK.driver, () => this.#recorded(recorded));
        return;
      }
      case 'finish':
        return;
    }
  }

  #recorded(recorded: number): void {
    if (isFinal(this.#state)) return;
    const event: EngineEvent = { t: 'recorded', recorded, now: this.#now };
    this.#state = advance(this.#subject.plan, this.#state, event).state;
  }

  #begin(command: Extract<Command, { c: 'action' | 'agent' }>): void {
    const { path, node, input, rules } = command;
    if (this.#tasks.has(path)) throw new BrokenRule(`the task ${path} was begun while it ran`);
    const { startMs, world, plan } = this.#subject;
    const taskNode = plan.nodes[node] as TaskNode;
    const task = new SimulatedTask(taskNode, {
      now: () => this.#now,
      after: (delayMs, work) => this.#agenda.add(this.#now + delayMs, RANK.call, work),
      attempt: (attempt) => {
        const call = { path, step: taskNode.id, attempt, input, atMs: this.#now - startMs };
        const answer = world.answer(call, taskNode);
        if (answer === undefined) this.#result.unscripted = call;
        else this.#result.calls.push(call);
        return answer;
      },
      finish: (result) => finishResult(rules, result, { runId: this.#state.run.id, path }),
      end: (ending) => {
        this.#tasks.delete(path);
        if ('done' in ending) {
          const finished = rules === undefined ? {} : { finished: true };
          this.#feed({ t: 'done', path, result: ending.done, attempt: ending.attempt, ...finished });
        } else if ('failed' in ending) this.#feed({ t: 'failed', path, error: ending.failed });
        else this.#feed({ t: 'lost', path, attempt: ending.attempt });
      },
    });
    this.#tasks.set(path, task);
    task.begin();
  }
}

const LEAVES: ReadonlySet<string> = new Set(['action_task', 'agent_task', 'gate', 'wait', 'transform']);
