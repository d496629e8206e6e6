import {
  ApplicationFailure,
  CancelledFailure,
  type CancellationScope,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  scheduleActivity,
  scheduleLocalActivity,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { advance, resume, start } from '../src/domain/engine/engine.js';
import { answerTo } from '../src/domain/engine/gates.js';
import { isFinal } from '../src/domain/engine/run-end.js';
import type { Command, EngineEvent } from '../src/domain/engine/messages.js';
import type { Decision, State } from '../src/domain/engine/state.js';
import type { ActionNode, AgentNode, Plan } from '../src/domain/plan.js';
import {
  CANCEL_RUN,
  DECIDE_GATE,
  RUN_FAILURE,
  SNAPSHOT,
  type CancelRun,
  type DecideGate,
  type DecideGateAnswer,
  type RunInput,
  type RunResult,
  type Snapshot,
  type TaskResult,
} from './contract.js';
import { LocalChain, type Place } from './local-chain.js';
import { moved, unkeptEvent, type MoveCommand } from './loop-lists.js';
import { failureEvent } from './task-failure.js';
import { actionTask, agentTask, type TaskCommand } from './task-inputs.js';
import { CHECK_OPTIONS, RECORD_OPTIONS, STORE_RETRY_MS, localOptions, taskOptions } from './task-options.js';
import { TaskScopes } from './task-scopes.js';

type Body<T = EngineEvent> = T extends EngineEvent ? Omit<T, 'now'> : never;
type FinishCommand = Extract<Command, { c: 'finish' }>;

const decideSignal = defineSignal<[DecideGate]>(DECIDE_GATE);
const decideUpdate = defineUpdate<DecideGateAnswer, [DecideGate]>(DECIDE_GATE);
const cancelSignal = defineSignal<[CancelRun]>(CANCEL_RUN);
const snapshotQuery = defineQuery<Snapshot>(SNAPSHOT);

/** Actor of decisions and cancels that come from Temporal's own UI, which names nobody. */
const TEMPORAL_UI = 'temporal-ui';

/**
 * The one workflow: carries out what the engine asks for and tells it what happened. Everything that decides is in
 * `src/domain/engine`. Ends as failed with a typed failure for every user error; a plain `Error` is our defect and only
 * stops the workflow task until a fix is deployed.
 */
export async function runBlueprint(input: RunInput): Promise<RunResult> {
  const scopes = new TaskScopes();
  const driver = new Driver(input, scopes);
  driver.begin();
  setHandler(decideUpdate, (message) => driver.decide(message), {
    validator(message: DecideGate) {
      validateDecision(message);
      driver.requireGate(message);
    },
  });
  // Whoever can send a signal could write any name into it: it counts as coming from Temporal's own UI.
  setHandler(decideSignal, ({ id: _id, by: _by, ...message }) => driver.hear(message));
  setHandler(cancelSignal, ({ by, reason }) => driver.feed({ t: 'cancel', by, reason }));
  setHandler(snapshotQuery, () => ({ state: driver.state }));
  scopes.root.cancelRequested.catch(() => driver.feed({ t: 'cancel', by: TEMPORAL_UI, reason: '' }));
  const finish = await driver.ended;
  if (finish.status === 'failed') {
    throw ApplicationFailure.nonRetryable(finish.error?.message ?? 'failed', RUN_FAILURE, finish.error);
  }
  if (finish.status === 'cancelled' && scopes.root.consideredCancelled) throw new CancelledFailure('cancelled');
  return { status: finish.status, outputs: finish.outputs ?? {} };
}

function validateDecision(message: Partial<DecideGate> | undefined): void {
  if (typeof message?.gate !== 'string' || typeof message.decision !== 'string') {
    throw ApplicationFailure.nonRetryable('a decision needs `gate` and `decision`', 'decision_unknown');
  }
}

/** Transitions on their way with a task: all up to `through` that were not on their way before. */
interface Carrier {
  through: number;
  arrived: boolean;
}

/** A task with the scope that it is cancelled with. */
interface PlannedTask {
  command: TaskCommand;
  node: ActionNode | AgentNode;
  scope: CancellationScope;
}

class Driver {
  state: State;
  /** Resolves when the run ended and everything is recorded. */
  readonly ended: Promise<FinishCommand>;
  readonly #plan: Plan;
  readonly #input: RunInput;
  readonly #scopes: TaskScopes;
  #resolve!: (finish: FinishCommand) => void;
  #reject!: (error: unknown) => void;
  #finish: FinishCommand | undefined;
  #fed = 0;
  /** Activities that run: continue-as-new waits until there are none. */
  #running = 0;
  /** Transitions that travel with tasks, in order: what is with one task need not go with the next. */
  #carriers: Carrier[] = [];
  #recording = false;
  /** Decisions by signal about gates that are not open, each with the workflow task that it came with. */
  #early: { message: DecideGate; task: number }[] = [];
  readonly #chain = new LocalChain<PlannedTask>();
  #timer: { scope: CancellationScope } | undefined;

  constructor(input: RunInput, scopes: TaskScopes) {
    this.#input = input;
    this.#scopes = scopes;
    this.#plan = input.plan;
    this.state = 'state' in input ? input.state : start(input.plan);
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(): void {
    if ('state' in this.#input) {
      this.#execute(resume(this.#plan, this.state));
      if (isFinal(this.state)) throw new Error('driver: a run that has ended was continued');
    } else this.feed({ t: 'start', ...this.#input.start });
  }

  /** Applies one event and carries out what follows. Never throws: a defect stops the workflow task instead. */
  feed(event: Body): void {
    try {
      const next = advance(this.#plan, this.state, { now: Date.now(), ...event });
      this.state = next.state;
      this.#fed += 1;
      if (this.#shouldHandOver()) this.#handOver();
      else this.#execute(next.commands);
      if (this.#early.length > 0) this.#decideEarly();
    } catch (error) {
      this.#reject(error);
    }
  }

  /**
   * The catalog shows a gate before the workflow task that opened it is complete. When the worker is lost in between, a
   * decision comes before the gate is open again: it is rejected, which the server does not keep, and sent again.
   */
  requireGate({ gate: path, seq = 0 }: DecideGate): void {
    const gate = this.state.gates[path];
    // A recovery gate may open again under the same address: what was said about the new one is not for the old.
    if (gate && (gate.status === 'open' || gate.seq >= seq)) return;
    throw ApplicationFailure.nonRetryable(`there is no gate ${path}, or not yet`, 'gate_not_found');
  }

  /**
   * A decision that nobody can refuse. Signals are told before what else came with the same workflow task: when a worker was lost
   * after it had shown a gate, the decision is told before that gate opens again. It waits for the end of that task and no longer,
   * so that nobody decides about what no one has seen.
   */
  hear(message: DecideGate): void {
    if (this.#isOpen(message)) this.decide(message);
    else this.#early.push({ message, task: workflowInfo().historyLength });
  }

  #decideEarly(): void {
    const task = workflowInfo().historyLength;
    const open = this.#early.find((early) => early.task === task && this.#isOpen(early.message));
    this.#early = this.#early.filter((early) => early.task === task && early !== open);
    if (open) this.decide(open.message);
  }

  #isOpen({ gate: path, seq = 0 }: DecideGate): boolean {
    const gate = this.state.gates[path];
    return gate?.status === 'open' && gate.seq >= seq;
  }

  decide(message: DecideGate): DecideGateAnswer {
    const decision: Decision = {
      ...(message.id === undefined ? {} : { id: message.id }),
      decision: message.decision,
      by: message.by ?? TEMPORAL_UI,
      ...(message.reason === undefined ? {} : { reason: message.reason }),
      ...(message.outputs === undefined ? {} : { outputs: message.outputs }),
    };
    const answer = answerTo(this.state, message.gate, decision);
    this.feed({ t: 'gate', path: message.gate, decision });
    const status = this.state.gates[message.gate]?.status;
    return {
      answer: answer.applied ? 'applied' : 'refused',
      ...(answer.code === undefined ? {} : { code: answer.code }),
      ...(status === undefined ? {} : { status }),
    };
  }

  #execute(commands: readonly Command[]): void {
    for (const command of commands) {
      switch (command.c) {
        case 'action':
        case 'agent':
          this.#runTask(command);
          break;
        case 'cancel':
          this.#scopes.cancel(command.scope);
          break;
        case 'check':
          this.#check(command.path);
          break;
        case 'spill':
        case 'page':
          this.#running += 1;
          this.#move(command);
          break;
        case 'wake':
          this.#wake(command.at);
          break;
        case 'record':
          this.#record();
          break;
        case 'finish':
          this.#finish = command;
          this.#tryEnd();
          break;
      }
    }
  }

  #runTask(command: TaskCommand): void {
    const node = this.#plan.nodes[command.node] as ActionNode | AgentNode;
    const task = { command, node, scope: this.#scopes.of(command.scope) };
    const mayBeLocal = node.kind === 'action_task' && node.mode === 'local';
    const place = mayBeLocal ? this.#chain.place(this.#running - this.#chain.waiting) : 'remote';
    this.#running += 1;
    if (place === 'later') this.#chain.wait(task);
    else this.#schedule(task, place);
  }

  /** Goes on with the steps that waited for a remote one, but for those that were cancelled meanwhile. */
  #goOn(waited: readonly PlannedTask[]): void {
    this.#running -= waited.length;
    const cancelled = waited.filter(({ scope }) => scope.consideredCancelled);
    for (const task of waited) if (!cancelled.includes(task)) this.#runTask(task.command);
    // Until the last of them is told, the state cannot be handed over.
    this.#running += cancelled.length;
    for (const { command, node } of cancelled) {
      this.#running -= 1;
      this.feed(failureEvent(command.path, node, new CancelledFailure('cancelled')));
    }
  }

  #schedule({ command, node, scope }: PlannedTask, place: Exclude<Place, 'later'>): void {
    const name = command.c === 'action' ? 'runAction' : 'runAgent';
    const task =
      command.c === 'action'
        ? actionTask(this.#plan, node as ActionNode, command)
        : agentTask(node as AgentNode, command);
    const records = this.#uncarried();
    const carrier = records.length === 0 ? undefined : { through: this.state.seq, arrived: false };
    if (carrier) this.#carriers.push(carrier);
    const args: unknown[] = carrier ? [task, records] : [task];
    const isLocal = place === 'local';
    if (!isLocal) this.#chain.cut();
    // The pauses between local attempts are timers that the SDK starts later, so these need a context.
    const running = isLocal
      ? scope.run(() => scheduleLocalActivity<TaskResult>(name, args, localOptions(node)))
      : this.#scopes.start(scope, () => scheduleActivity<TaskResult>(name, args, taskOptions(node, command.path)));
    running.then(
      (result) => {
        this.#running -= 1;
        if (isLocal) this.#chain.localEnded(result.l?.ms ?? 0);
        const recorded = this.#unload(carrier, result.unrecorded !== true);
        this.feed({
          t: 'done',
          path: command.path,
          result: result.o,
          attempt: result.n ?? 1,
          ...(result.d === undefined ? {} : { finished: true }),
          ...(recorded === undefined ? {} : { recorded }),
        });
        if (place === 'cut') this.#goOn(this.#chain.cutEnded());
      },
      (error: unknown) => {
        this.#running -= 1;
        if (isLocal) this.#chain.localEnded(node.timeout_ms);
        this.#unload(carrier, false);
        this.feed(failureEvent(command.path, node, error));
        if (place === 'cut') this.#goOn(this.#chain.cutEnded());
      },
    );
  }

  /** The transitions that no task carries yet. */
  #uncarried(): State['transitions'] {
    const carried = this.#carriers.at(-1)?.through ?? 0;
    return this.state.transitions.filter(({ seq }) => seq > carried);
  }

  /**
   * A task ended, and what it carried is in the catalog or not. What was lost, and what came after it, goes with the tasks
   * that follow; records are keyed, so that a repeat changes nothing.
   * @returns the number up to which all is in the catalog, if that moved.
   */
  #unload(carrier: Carrier | undefined, arrived: boolean): number | undefined {
    const at = carrier === undefined ? -1 : this.#carriers.indexOf(carrier);
    if (carrier === undefined || at === -1) return undefined;
    if (!arrived) {
      this.#carriers = this.#carriers.slice(0, at);
      return undefined;
    }
    carrier.arrived = true;
    let recorded: number | undefined;
    while (this.#carriers[0]?.arrived) recorded = this.#carriers.shift()?.through;
    return recorded;
  }

  #check(path: string): void {
    this.#running += 1;
    scheduleLocalActivity<{ paused_ms: number }>('checkTask', [{ path }], CHECK_OPTIONS).then(
      ({ paused_ms }) => {
        this.#running -= 1;
        this.feed({ t: 'checked', path, paused_ms });
      },
      () => {
        this.#running -= 1;
        this.feed({ t: 'checked', path, paused_ms: 0 });
      },
    );
  }

  /** Lists of loops go to the store and come from it. Never gives up while the catalog is away: nothing is lost by waiting. */
  #move(command: MoveCommand): void {
    moved(command).then(
      (event) => {
        this.#running -= 1;
        this.feed(event);
      },
      (error: unknown) => {
        const event = unkeptEvent(command.path, error);
        if (event === undefined) {
          sleep(STORE_RETRY_MS).then(
            () => this.#move(command),
            () => undefined,
          );
          return;
        }
        this.#running -= 1;
        this.feed(event);
      },
    );
  }

  #wake(at: number | null): void {
    this.#timer?.scope.cancel();
    this.#timer = undefined;
    if (at === null) return;
    const scope = this.#scopes.single();
    const timer = { scope };
    this.#timer = timer;
    this.#scopes
      .start(scope, () => sleep(Math.max(1, at - Date.now())))
      .then(
        () => {
          if (this.#timer !== timer) return;
          this.#timer = undefined;
          this.feed({ t: 'tick' });
        },
        () => undefined,
      );
  }

  /** Writes all transitions that are not in the catalog yet; never gives up, since the catalog must know the end. */
  #record(): void {
    if (this.#recording || this.state.transitions.length === 0) return;
    const through = this.state.seq;
    this.#recording = true;
    const transitions = this.state.transitions;
    scheduleLocalActivity<undefined>('recordProgress', [transitions], RECORD_OPTIONS).then(
      () => {
        this.#recording = false;
        this.feed({ t: 'recorded', recorded: through });
        this.#tryEnd();
      },
      () => {
        sleep(STORE_RETRY_MS).then(
          () => {
            this.#recording = false;
            this.#record();
            this.#tryEnd();
          },
          () => undefined,
        );
      },
    );
  }

  #tryEnd(): void {
    if (!this.#finish || this.#recording) return;
    if (this.state.transitions.length > 0) this.#record();
    else this.#resolve(this.#finish);
  }

  #shouldHandOver(): boolean {
    if (this.#running > 0 || this.#recording || isFinal(this.state)) return false;
    const after = this.#input.handOverAfter;
    return (after !== undefined && this.#fed >= after) || workflowInfo().continueAsNewSuggested;
  }

  #handOver(): void {
    const { handOverAfter } = this.#input;
    continueAsNew<(input: RunInput) => Promise<RunResult>>({
      plan: this.#plan,
      state: this.state,
      ...(handOverAfter === undefined ? {} : { handOverAfter }),
    }).catch((error: unknown) => this.#reject(error));
  }
}
