import { advance, start } from '../../src/domain/engine/engine.js';
import type { Command, EngineEvent } from '../../src/domain/engine/messages.js';
import type { Reused, State, Transition } from '../../src/domain/engine/state.js';
import type { JsonObject } from '../../src/domain/json.js';
import type { Plan } from '../../src/domain/plan.js';

export const T0 = Date.UTC(2026, 10, 21, 12);
export const RUN = {
  id: '6f1d3c1e-0000-4000-8000-000000000001',
  blueprint: 'bp.test',
  version: '1',
  digest: 'd',
  actor: 'ann',
  trigger: 'manual',
  started_at: '2026-11-21T12:00:00.000Z',
  correlation_id: 'c',
};
export const ENV = { id: 'local', name: 'local', stage: 'dev' as const, vars: { team: 'dba' } };

export type Body<T = EngineEvent> = T extends EngineEvent ? Omit<T, 'now'> & { now?: number } : never;

/** Feeds events one after the other, frozen and through JSON, and keeps all that came out. */
export class Rig {
  state: State;
  readonly plan: Plan;
  readonly log: Transition[] = [];
  commands: Command[] = [];
  now = T0;

  constructor(
    plan: Plan,
    inputs: JsonObject = {},
    event: JsonObject | null = null,
    reuse?: Readonly<Record<string, Reused>>,
  ) {
    this.plan = plan;
    this.state = start(plan);
    this.feed({ t: 'start', inputs, event, env: ENV, run: RUN, ...(reuse === undefined ? {} : { reuse }) });
  }

  feed(event: Body): Command[] {
    this.now = event.now ?? this.now + 10;
    const before = deepFreeze(JSON.parse(JSON.stringify(this.state)) as State);
    const next = advance(this.plan, before, { ...event, now: this.now });
    for (const one of next.state.transitions) if (!this.log.some((known) => known.seq === one.seq)) this.log.push(one);
    this.state = next.state;
    this.commands = next.commands;
    return next.commands;
  }

  done(path: string, result: JsonObject = {}, attempt = 1): Command[] {
    return this.feed({ t: 'done', path, result, attempt });
  }

  fail(path: string, code: string, extra: object = {}): Command[] {
    return this.feed({ t: 'failed', path, error: { code, message: code, retryable: false, attempt: 1, ...extra } });
  }

  names(): string[] {
    return this.commands.map((command) => command.c);
  }

  steps(): Record<string, string> {
    const out: Record<string, string> = {};
    for (const one of this.log) if (one.t === 'step') out[one.path] = one.skip_reason ?? one.error?.code ?? one.status;
    return out;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

/** A template that reads a path. */
export const ref = (...path: string[]): { $: never } => {
  const [name, ...keys] = path;
  let tree: unknown = ['v', name];
  for (const key of keys) tree = ['.', tree, key];
  return { $: tree as never };
};
export const tree = (value: unknown): never => value as never;
