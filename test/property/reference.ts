import type { Json, JsonObject } from '../../src/domain/json.js';
import type { Handler, NodeIx, Plan, PlanNode, Scope, Val } from '../../src/domain/plan.js';
import { Clock, RANKS, RunningTask, type Answers } from './reference-clock.js';
import { Bad, evaluate, renderAll } from './reference-values.js';

/** An error, without texts and times. */
export interface Fault {
  code: string;
  path: string;
  retryable: boolean;
  handled?: true;
  cause?: Fault;
  suppressed?: string[];
}

/** How a step or list ended. */
export type Out =
  | { status: 'completed'; outputs?: Json; failures?: Fault[] }
  | { status: 'failed'; fault: Fault; handled?: true; outputs?: Json; failures?: Fault[] }
  | { status: 'cancelled'; fault: Fault };

type Done = (out: Out) => void;

/** One execution of a list. */
class List {
  readonly id: string;
  readonly above: List | undefined;
  readonly locals: Record<string, Json>;
  readonly steps: Record<string, JsonObject> = {};
  readonly isCleanup: boolean;
  cancelling = false;
  ended = false;
  /** Stops what is in progress. */
  stopCurrent: (() => void) | undefined;

  constructor(id: string, above: List | undefined, locals: Record<string, Json> = {}, isCleanup = false) {
    this.id = id;
    this.above = above;
    this.locals = locals;
    this.isCleanup = isCleanup || above?.isCleanup === true;
  }

  get isStopping(): boolean {
    return this.cancelling || this.above?.isStopping === true;
  }

  cancel(): void {
    if (this.cancelling || this.ended) return;
    this.cancelling = true;
    this.stopCurrent?.();
  }

  variable(name: string): Json | undefined {
    if (name === 'steps') return this.allSteps();
    if (Object.hasOwn(this.locals, name)) return this.locals[name];
    return this.above?.variable(name);
  }

  allSteps(): JsonObject {
    return { ...this.above?.allSteps(), ...this.steps };
  }
}

const UNCATCHABLE = ['cancelled', 'limit_run_time', 'limit_steps'];

/** What a run came to. */
export interface ReferenceRun {
  status: string;
  fault?: Fault;
  outputs?: Json;
  /** By address: status, or why it was skipped, or the code of its failure. */
  records: Map<string, { what: string; outputs?: Json }>;
  calls: string[];
  elapsedMs: number;
  /** Two things fell on one instant, so that another order would be as right. */
  ambiguous: boolean;
}

/**
 * Runs a plan as the language says, slowly: by recursion over its steps, with callbacks for what takes time. It shares no
 * code with the engine.
 */
export class Reference {
  readonly #plan: Plan;
  readonly #answers: Answers;
  readonly #clock = new Clock();
  readonly #records: ReferenceRun['records'] = new Map();
  readonly #calls: string[] = [];
  readonly #inputs: JsonObject;
  #result: Out | undefined;
  #stopRun: (() => void) | undefined;

  constructor(plan: Plan, inputs: JsonObject, answers: Answers) {
    this.#plan = plan;
    this.#inputs = inputs;
    this.#answers = answers;
  }

  run(): ReferenceRun {
    const { cancelAtMs } = this.#answers;
    if (cancelAtMs !== undefined) this.#clock.add(cancelAtMs, RANKS.cancel, () => this.#stopRun?.());
    this.#root();
    while (this.#result === undefined && this.#clock.step());
    if (this.#result === undefined) throw new Error('reference: the run waits for nothing');
    const out = this.#result;
    const isHandled = out.status === 'failed' && out.handled === true;
    return {
      status: isHandled ? 'completed' : out.status,
      ...(out.status === 'completed' ? {} : { fault: out.fault }),
      ...(out.status === 'completed' || isHandled ? { outputs: out.outputs ?? {} } : {}),
      records: this.#records,
      calls: this.#calls.toSorted(),
      elapsedMs: this.#clock.now,
      ambiguous: this.#clock.ambiguous,
    };
  }

  #root(): void {
    const { root, outputs } = this.#plan;
    const list = new List('root', undefined, { inputs: this.#inputs });
    this.#stopRun = () => list.cancel();
    const scope = { ...root, outputs };
    this.#runList(scope, list, '', (out) => {
      const finish = (last: Out): void => {
        this.#stopRun = undefined;
        this.#cleanUp(root.finally ?? [], list, '', last, (end) => (this.#result = end));
      };
      this.#handle(root.on_error ?? [], list, '', out, finish, (handler) => (this.#stopRun = () => handler.cancel()));
    });
  }

  #node(ix: NodeIx): PlanNode {
    return this.#plan.nodes[ix] as PlanNode;
  }

  #pathIn(list: List, node: PlanNode): string {
    return list.id === 'root' ? node.id : `${list.id}.${node.id}`;
  }

  #runList(
    scope: Pick<Scope, 'do'> & { outputs?: Record<string, Val> | undefined },
    list: List,
    at: string,
    done: Done,
  ): void {
    const end = (out: Out): void => {
      list.ended = true;
      done(out);
    };
    const cancelled = (from: number): void => {
      this.#skipFrom(scope.do, from, list, 'cancelled');
      end({ status: 'cancelled', fault: { code: 'cancelled', path: list.id, retryable: false } });
    };
    const next = (from: number): void => {
      if (list.cancelling) return cancelled(from);
      const ix = scope.do[from];
      if (ix === undefined) return end(this.#resultOf(scope, list, at));
      this.#step(this.#node(ix), list, (out) => {
        list.stopCurrent = undefined;
        if (out.status === 'completed' || (out.status === 'failed' && out.handled)) return next(from + 1);
        if (list.cancelling) return cancelled(from + 1);
        this.#skipFrom(scope.do, from + 1, list, 'not_reached');
        end({ status: 'failed', fault: out.fault });
      });
    };
    next(0);
  }

  #resultOf(scope: Pick<Scope, 'do'> & { outputs?: Record<string, Val> | undefined }, list: List, at: string): Out {
    if (scope.outputs !== undefined) {
      try {
        return { status: 'completed', outputs: renderAll(scope.outputs, list) };
      } catch (error) {
        return this.#bad(error, at);
      }
    }
    for (const ix of scope.do.toReversed()) {
      const outputs = list.steps[this.#node(ix).id]?.['outputs'];
      if (outputs !== undefined) return { status: 'completed', outputs };
    }
    return { status: 'completed', outputs: {} };
  }

  #bad(error: unknown, path: string): Out & { status: 'failed' } {
    if (!(error instanceof Bad)) throw error;
    return { status: 'failed', fault: { code: error.code, path, retryable: false } };
  }

  #skipFrom(ids: readonly NodeIx[], from: number, list: List, reason: string): void {
    for (const ix of ids.slice(from)) {
      const node = this.#node(ix);
      list.steps[node.id] = { status: 'skipped' };
      this.#skip(node, this.#pathIn(list, node), reason);
    }
  }

  #skip(node: PlanNode, path: string, reason: string): void {
    this.#record(path, reason);
    if (!('bodies' in node) || node.kind === 'for_each') return;
    for (const [name, { do: inner }] of Object.entries(node.bodies)) {
      const prefix = node.kind === 'block' ? path : `${path}:${name}`;
      for (const ix of inner) this.#skip(this.#node(ix), `${prefix}.${this.#node(ix).id}`, reason);
    }
  }

  #record(path: string, what: string, outputs?: Json): void {
    if (this.#records.has(path)) throw new Error(`reference: two ends of ${path}`);
    this.#records.set(path, { what, ...(outputs === undefined ? {} : { outputs }) });
  }

  #step(node: PlanNode, list: List, done: Done): void {
    const path = this.#pathIn(list, node);
    const conclude = (out: Out): void => this.#conclude(node, list, path, out, done);
    try {
      if (node.when !== undefined) {
        const wanted = evaluate(node.when, list);
        if (typeof wanted !== 'boolean') throw new Bad('expression_error');
        if (!wanted) {
          list.steps[node.id] = { status: 'skipped' };
          this.#skip(node, path, 'when');
          return done({ status: 'completed' });
        }
      }
      list.steps[node.id] = { status: 'running' };
      this.#kind(node, list, path, conclude);
    } catch (error) {
      conclude(this.#bad(error, path));
    }
  }

  #conclude(node: PlanNode, list: List, path: string, out: Out, done: Done): void {
    list.steps[node.id] = viewOf(out);
    const end = (last: Out): void => {
      const view = viewOf(last);
      list.steps[node.id] = view;
      this.#record(path, last.status === 'completed' ? 'completed' : last.fault.code, view['outputs']);
      done(last);
    };
    const tidy = (last: Out): void => {
      list.stopCurrent = undefined;
      const body = this.#bodies.get(path) ?? list;
      const steps = node.kind === 'block' ? (node.bodies.do.finally ?? []) : [];
      this.#cleanUp(steps, body, path, last, end);
    };
    if (list.cancelling) return tidy(out);
    this.#handle(node.on_error ?? [], list, path, out, tidy, (handler) => (list.stopCurrent = () => handler.cancel()));
  }

  /** The last body of each block, whose names its `finally` sees. */
  readonly #bodies = new Map<string, List>();

  #handle(
    handlers: readonly Handler[],
    list: List,
    path: string,
    out: Out,
    done: Done,
    begun: (handler: List) => void,
  ): void {
    if (out.status !== 'failed' || UNCATCHABLE.includes(out.fault.code)) return done(out);
    for (const [h, handler] of handlers.entries()) {
      if (handler.codes !== undefined && !codesOf(out.fault).some((code) => handler.codes?.includes(code))) continue;
      const inner = new List(`${path}!${h}`, list, { error: plainFault(out.fault) });
      try {
        if (handler.when !== undefined && evaluate(handler.when, inner) !== true) continue;
      } catch (error) {
        const { fault } = this.#bad(error, path);
        return done({ status: 'failed', fault: because(fault, out.fault) });
      }
      begun(inner);
      this.#runList(handler.outputs === undefined ? { do: handler.do, outputs: {} } : handler, inner, path, (ended) => {
        if (ended.status === 'failed') return done({ ...out, fault: because(ended.fault, out.fault) });
        if (ended.status === 'cancelled' || handler.then === 'fail') return done(out);
        const outputs = handler.outputs === undefined ? {} : { outputs: ended.outputs as Json };
        done({ ...out, handled: true, fault: { ...out.fault, handled: true }, ...outputs });
      });
      return;
    }
    done(out);
  }

  #cleanUp(steps: readonly NodeIx[], body: List, path: string, out: Out, done: Done): void {
    if (steps.length === 0) return done(out);
    const error = out.status === 'completed' ? null : plainFault(out.fault);
    const inner = new List(`${path}~finally`, body, { error }, true);
    this.#runList({ do: [...steps], outputs: {} }, inner, path, (ended) => {
      if (ended.status === 'completed') return done(out);
      const cause = ended.fault;
      if (out.status === 'completed' || (out.status === 'failed' && out.handled)) {
        const fault = because({ code: 'finally_failed', path, retryable: cause.retryable }, cause);
        return done({ status: 'failed', fault });
      }
      const suppressed = [...(out.fault.suppressed ?? []), cause.code];
      done({ ...out, fault: { ...out.fault, suppressed } });
    });
  }

  #kind(node: PlanNode, list: List, path: string, done: Done): void {
    switch (node.kind) {
      case 'transform':
        return this.#transform(node, list, path, done);
      case 'wait':
        return this.#wait(node.for as string, list, path, done);
      case 'gate':
        return this.#gate(node, list, path, done);
      case 'block':
        return this.#block(node, list, path, done);
      case 'switch':
        return this.#switch(node, list, path, done);
      case 'parallel':
        return this.#parallel(node, list, path, done);
      case 'for_each':
        return this.#forEach(node, list, path, done);
      default: {
        if (node.kind === 'action_task') renderAll(node.with, list);
        return this.#task(node, list, path, done);
      }
    }
  }

  #transform(node: Extract<PlanNode, { kind: 'transform' }>, list: List, path: string, done: Done): void {
    const outputs: JsonObject = {};
    list.steps[node.id] = { status: 'running', outputs };
    for (const [name, value] of node.set) outputs[name] = renderAll({ value }, list)['value'] as Json;
    for (const { that, code = 'assertion_failed', retryable = false } of node.assert ?? []) {
      if (evaluate(that, list) !== true) return done({ status: 'failed', fault: { code, path, retryable } });
    }
    done({ status: 'completed', outputs });
  }

  #cancelled(path: string): Out {
    return { status: 'failed', fault: { code: 'cancelled', path, retryable: false } };
  }

  #wait(text: string, list: List, path: string, done: Done): void {
    const timer = this.#clock.add(Math.round(Number.parseFloat(text) * 1000), RANKS.timer, () =>
      done({ status: 'completed', outputs: {} }),
    );
    list.stopCurrent = () => {
      timer.drop();
      done(this.#cancelled(path));
    };
  }

  #gate(node: Extract<PlanNode, { kind: 'gate' }>, list: List, path: string, done: Done): void {
    const answer = this.#answers.gate(path);
    const fail = (code: string): void => done({ status: 'failed', fault: { code, path, retryable: false } });
    const expiry = this.#clock.add(node.timeout_ms, RANKS.timer, () => {
      decision?.drop();
      fail('gate_expired');
    });
    const decision =
      answer &&
      this.#clock.add(answer.afterMs, RANKS.decision, () => {
        expiry.drop();
        if (answer.decide === 'reject') return fail('gate_rejected');
        const outputs = { decision: 'approve', by: ['ann'], reason: '', at: this.#clock.iso(), form: {} };
        done({ status: 'completed', outputs });
      });
    list.stopCurrent = () => {
      expiry.drop();
      decision?.drop();
      done(this.#cancelled(path));
    };
  }

  #task(node: Extract<PlanNode, { kind: 'action_task' | 'agent_task' }>, list: List, path: string, done: Done): void {
    const finish = (out: Out): void => {
      if (out.status !== 'completed' || node.outputs === undefined) return done(out);
      try {
        done({ status: 'completed', outputs: renderAll(node.outputs, list, { result: out.outputs ?? null }) });
      } catch (error) {
        done(this.#bad(error, path));
      }
    };
    const unknown = (): void => done({ status: 'failed', fault: { code: 'outcome_unknown', path, retryable: false } });
    const begin = (round: number): void => {
      const task = new RunningTask(node, path, this.#clock, this.#answers, this.#calls, (ending) => {
        if (ending === 'lost') {
          if (list.isStopping || list.isCleanup) return unknown();
          return this.#recover(list, path, round, finish, unknown, begin);
        }
        if ('returns' in ending) return finish({ status: 'completed', outputs: ending.returns });
        done({ status: 'failed', fault: { code: ending.code, path, retryable: ending.retryable } });
      });
      list.stopCurrent = () => task.cancel();
      task.attempt();
    };
    begin(1);
  }

  #recover(
    list: List,
    path: string,
    round: number,
    finish: Done,
    unknown: () => void,
    again: (round: number) => void,
  ): void {
    const { decide, afterMs } = this.#answers.recover(path, round);
    const decision = this.#clock.add(afterMs, RANKS.decision, () => {
      if (decide === 'retry') return again(round + 1);
      if (decide === 'fail') return unknown();
      finish({ status: 'completed', outputs: { n: 99 } });
    });
    list.stopCurrent = () => {
      decision.drop();
      unknown();
    };
  }

  /** Ends a holder for a reason: `cancel` from outside counts most, else the first one. */
  #guard(
    node: PlanNode,
    stopAll: (reason: string) => void,
  ): { stop(reason: string): void; reason(): string | undefined; end(): void } {
    let reason: string | undefined;
    const guard = {
      stop(why: string): void {
        reason = why === 'cancel' ? why : (reason ?? why);
        stopAll(why);
      },
      reason: () => reason,
      end: (): void => timer?.drop(),
    };
    const timer =
      node.timeout_ms === undefined
        ? undefined
        : this.#clock.add(node.timeout_ms, RANKS.timer, () => guard.stop('timeout'));
    return guard;
  }

  #timeout(path: string): Out & { status: 'failed' } {
    return { status: 'failed', fault: { code: 'timeout', path, retryable: true } };
  }

  #block(node: Extract<PlanNode, { kind: 'block' }>, list: List, path: string, done: Done): void {
    const began = this.#clock.now;
    const attempt = (number: number): void => {
      const body = new List(number === 1 ? path : `${path}#${number}`, list);
      this.#bodies.set(path, body);
      const guard = this.#guard(node, () => body.cancel());
      list.stopCurrent = () => guard.stop('cancel');
      this.#runList(node.bodies.do, body, path, (ended) => {
        guard.end();
        const out = guard.reason() === 'timeout' ? this.#timeout(path) : ended;
        const pauseMs = guard.reason() === 'cancel' ? undefined : this.#pause(node, number, out, began);
        if (pauseMs === undefined) return done(out);
        const timer = this.#clock.add(pauseMs, RANKS.timer, () => attempt(number + 1));
        list.stopCurrent = () => {
          timer.drop();
          done({ status: 'failed', fault: { code: 'cancelled', path, retryable: false } });
        };
      });
    };
    attempt(1);
  }

  #pause({ retry }: Extract<PlanNode, { kind: 'block' }>, number: number, out: Out, began: number): number | undefined {
    if (out.status !== 'failed' || retry === undefined || !out.fault.retryable || number >= retry.attempts)
      return undefined;
    const { first_ms: first, factor, max_ms: max } = retry.backoff;
    const pauseMs = Math.min(max, first * factor ** (number - 1));
    const isTooLate = retry.deadline_ms !== undefined && this.#clock.now - began + pauseMs >= retry.deadline_ms;
    return isTooLate ? undefined : pauseMs;
  }

  #switch(node: Extract<PlanNode, { kind: 'switch' }>, list: List, path: string, done: Done): void {
    const name =
      node.cases.find(({ when }) => evaluate(when, list) === true)?.name ??
      ('default' in node.bodies ? 'default' : undefined);
    for (const [other, { do: inner }] of Object.entries(node.bodies)) {
      if (other === name) continue;
      for (const ix of inner) this.#skip(this.#node(ix), `${path}:${other}.${this.#node(ix).id}`, 'not_selected');
    }
    if (name === undefined) return done({ status: 'completed', outputs: { case: null, result: null } });
    const body = new List(`${path}:${name}`, list);
    const guard = this.#guard(node, () => body.cancel());
    list.stopCurrent = () => guard.stop('cancel');
    this.#runList(node.bodies[name] as Scope, body, path, (ended) => {
      guard.end();
      if (guard.reason() === 'timeout') return done(this.#timeout(path));
      if (ended.status !== 'completed') return done(ended);
      done({ status: 'completed', outputs: { case: name, result: ended.outputs as Json } });
    });
  }

  #parallel(node: Extract<PlanNode, { kind: 'parallel' }>, list: List, path: string, done: Done): void {
    const names = Object.keys(node.bodies).sort();
    const results: JsonObject = {};
    const failures: Fault[] = [];
    const open = new Map<string, List>();
    let started = 0;
    let isOver = false;
    const guard = this.#guard(node, () => {
      for (const body of [...open.values()]) body.cancel();
    });
    list.stopCurrent = () => guard.stop('cancel');
    const end = (): void => {
      isOver = true;
      guard.end();
      for (const name of names.slice(started)) {
        for (const ix of (node.bodies[name] as Scope).do)
          this.#skip(this.#node(ix), `${path}:${name}.${this.#node(ix).id}`, 'cancelled');
      }
      const kept = { outputs: results, failures };
      if (guard.reason() === 'cancel')
        return done({ status: 'cancelled', fault: { code: 'cancelled', path, retryable: false } });
      if (guard.reason() === 'timeout') return done({ ...this.#timeout(path), ...kept });
      if (guard.reason() !== 'failed') return done({ status: 'completed', ...kept });
      const cause = failures[0] as Fault;
      done({
        status: 'failed',
        fault: because({ code: 'parallel_failed', path, retryable: cause.retryable }, cause),
        ...kept,
      });
    };
    const startMore = (): void => {
      const fresh: string[] = [];
      while (guard.reason() === undefined && started < names.length && open.size < node.concurrency) {
        const name = names[started] as string;
        started += 1;
        open.set(name, new List(`${path}:${name}`, list));
        fresh.push(name);
      }
      for (const name of fresh) {
        const body = open.get(name) as List;
        this.#runList(node.bodies[name] as Scope, body, path, (out) => onEnd(name, out));
      }
    };
    const onEnd = (name: string, out: Out): void => {
      open.delete(name);
      if (out.status === 'completed') results[name] = out.outputs as Json;
      if (out.status === 'failed') failures.push(out.fault);
      if (guard.reason() === undefined) {
        const { join } = node;
        if (join === undefined && node.mode === 'fail_fast' && failures.length > 0) guard.stop('failed');
        else if (join !== undefined && Object.keys(results).length >= join) guard.stop('enough');
        else if (join !== undefined && names.length - failures.length < join) guard.stop('failed');
      }
      startMore();
      if (open.size === 0 && !isOver) end();
    };
    startMore();
  }

  #forEach(node: Extract<PlanNode, { kind: 'for_each' }>, list: List, path: string, done: Done): void {
    const value = renderAll({ in: node.in }, list)['in'] as Json;
    const items = itemsOf(value);
    if (items.length > node.max_items) throw new Bad('limit_items');
    const results: { index: number; status: string; outputs?: Json; error?: Fault }[] = [];
    const failures: Fault[] = [];
    const open = new Map<number, List>();
    let started = 0;
    let prev: Json = null;
    let fault: Fault | undefined;
    let isOver = false;
    const guard = this.#guard(node, () => {
      for (const body of [...open.values()]) body.cancel();
    });
    list.stopCurrent = () => guard.stop('cancel');
    const count = (status: string): number => results.filter((one) => one.status === status).length;
    const isTolerated = (): boolean => {
      const failed = count('failed');
      if (node.tolerate === undefined) return node.mode === 'collect' || failed === 0;
      return typeof node.tolerate === 'number'
        ? failed <= node.tolerate
        : failed * 100 <= node.tolerate.percent * items.length;
    };
    const end = (): void => {
      isOver = true;
      guard.end();
      const [completed, failed, cancelled] = [count('completed'), count('failed'), count('cancelled')];
      const sorted = results.toSorted((a, b) => a.index - b.index);
      const last = sorted.findLast((one) => one.status === 'completed')?.outputs ?? null;
      const skipped = items.length - completed - failed - cancelled;
      const outputs = { count: items.length, completed, failed, cancelled, skipped, last, failures, results: sorted };
      const kept = { outputs: JSON.parse(JSON.stringify(outputs)) as Json, failures };
      if (guard.reason() === 'cancel')
        return done({ status: 'cancelled', fault: { code: 'cancelled', path, retryable: false } });
      if (fault !== undefined) return done({ status: 'failed', fault, ...kept });
      if (guard.reason() === 'timeout') return done({ ...this.#timeout(path), ...kept });
      if (isTolerated()) return done({ status: 'completed', ...kept });
      const cause = failures[0] as Fault;
      done({
        status: 'failed',
        fault: because({ code: 'for_each_failed', path, retryable: cause.retryable }, cause),
        ...kept,
      });
    };
    const wants = (body: List): boolean => {
      if (node.while === undefined) return true;
      try {
        const wanted = evaluate(node.while, body);
        if (typeof wanted !== 'boolean') throw new Bad('expression_error');
        return wanted;
      } catch (error) {
        fault = this.#bad(error, path).fault;
        return false;
      }
    };
    const startMore = (): void => {
      const fresh: number[] = [];
      while (guard.reason() === undefined && started < items.length && open.size < node.concurrency) {
        const index = started;
        const body = new List(`${path}[${index}]`, list, { [node.as]: items[index] as Json, index, prev });
        if (!wants(body)) {
          guard.stop('enough');
          break;
        }
        started += 1;
        open.set(index, body);
        fresh.push(index);
      }
      for (const index of fresh) {
        const body = open.get(index) as List;
        this.#runList(node.bodies.do, body, path, (out) => onEnd(index, out));
      }
      if (open.size === 0 && !isOver) end();
    };
    const onEnd = (index: number, out: Out): void => {
      open.delete(index);
      prev = out.status === 'completed' ? (out.outputs as Json) : null;
      if (out.status === 'failed') failures.push(out.fault);
      results.push({
        index,
        status: out.status,
        ...(out.status === 'completed' ? { outputs: out.outputs as Json } : { error: out.fault }),
      });
      if (guard.reason() === undefined && node.mode === 'fail_fast' && !isTolerated()) guard.stop('failed');
      startMore();
    };
    startMore();
  }
}

function itemsOf(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0)
    return Array.from({ length: value }, (_, ix) => ix);
  if (typeof value !== 'object' || value === null) throw new Bad('expression_error');
  return Object.keys(value)
    .sort()
    .map((key) => ({ key, value: value[key] as Json }));
}

function viewOf(out: Out): JsonObject {
  if (out.status === 'completed') {
    return { status: 'completed', ...(out.outputs === undefined ? {} : { outputs: out.outputs }) };
  }
  const outputs = out.status === 'failed' && out.outputs !== undefined ? { outputs: out.outputs } : {};
  return { status: 'failed', error: plainFault(out.fault), ...outputs };
}

function plainFault(fault: Fault): Json {
  return JSON.parse(JSON.stringify(fault)) as Json;
}

/** A fault with the one that led to it; five causes are kept. */
function because(fault: Fault, cause: Fault): Fault {
  const cut = ({ cause: deeper, ...rest }: Fault, left: number): Fault =>
    deeper === undefined || left === 0 ? rest : { ...rest, cause: cut(deeper, left - 1) };
  return { ...fault, cause: cut(cause, 4) };
}

function codesOf(fault: Fault): string[] {
  return [fault.code, ...(fault.cause === undefined ? [] : codesOf(fault.cause))];
}
