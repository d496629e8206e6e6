import type { TaskNode } from '../domain/engine/leaves.js';
import type { JsonObject } from '../domain/json.js';
import type { ActionCatalog } from '../domain/action-catalog.js';
import type { DecisionEntry, Mock, Scenario, Script } from './scenario-schema.js';
import { bestMatch, stepPattern, withoutAttempts, type StepPattern } from './step-pattern.js';
import type { Answer, Call, Ending, OpenedGate, World } from './world.js';

/** Codes of the engine and of agents that another attempt may help (language §5.6). */
const RETRYABLE: ReadonlySet<string> = new Set(['timeout', 'until_not_met', 'audit_unavailable']);

type KeyedScript<T> = Script<T> & { pattern: StepPattern };

/** The world as a scenario tells it. */
export class ScriptedWorld implements World {
  readonly cancelAtMs?: number;
  readonly cancelledBy?: { by: string; reason: string };
  readonly #actions: ActionCatalog;
  readonly #mocks: KeyedScript<Mock>[];
  readonly #gates: KeyedScript<DecisionEntry>[];
  /** Attempts so far, by key and address. */
  readonly #attempts = new Map<string, number>();
  /** Recovery gates that opened so far, by address. */
  readonly #openings = new Map<string, number>();

  constructor(scenario: Scenario, actions: ActionCatalog) {
    this.#actions = actions;
    this.#mocks = scriptsOf(scenario.mocks);
    this.#gates = scriptsOf(scenario.gates);
    if (scenario.cancel === undefined) return;
    this.cancelAtMs = scenario.cancel.at;
    this.cancelledBy = { by: scenario.cancel.by, reason: scenario.cancel.reason };
  }

  answer(call: Call, node: TaskNode): Answer | undefined {
    const script = bestMatch(this.#mocks, call.path);
    if (script === undefined) return undefined;
    const { pattern, entries, always } = script;
    // A list goes on over the attempts of the block around the step; every iteration has its own.
    const counter = `${pattern.key} ${pattern.namesAttempt ? call.path : withoutAttempts(call.path)}`;
    const number = this.#attempts.get(counter) ?? 0;
    this.#attempts.set(counter, number + 1);
    const entry = entries[always ? 0 : number];
    if (entry === undefined) return undefined;
    return { ...this.#ending(entry, node), takesMs: entry.takes, onCancel: entry.on_cancel };
  }

  decisions({ path, purpose }: OpenedGate): ReturnType<World['decisions']> {
    const { entries = [], always } = bestMatch(this.#gates, path) ?? {};
    if (purpose === 'approval') return entries.flatMap(votesOf);
    // A recovery gate takes one decision and may open again after it.
    const number = this.#openings.get(path) ?? 0;
    this.#openings.set(path, number + 1);
    const entry = entries[always === true ? 0 : number];
    return entry === undefined ? [] : votesOf(entry).slice(0, 1);
  }

  #ending({ returns, fails }: Mock, node: TaskNode): Ending {
    if (fails === undefined) return { returns: returns as JsonObject };
    if (fails.outcome !== undefined || fails.code === undefined) return { lost: true };
    const {
      code,
      message = `${code} (scripted)`,
      retry_after: retryAfterMs,
      retryable,
      detail,
      status,
      excerpt,
    } = fails;
    return {
      fails: {
        code,
        message,
        retryable: retryable ?? this.#isRetryable(code, node),
        ...(detail === undefined ? {} : { detail }),
        ...(status === undefined ? {} : { status }),
        ...(excerpt === undefined ? {} : { excerpt }),
        ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
      },
    };
  }

  #isRetryable(code: string, node: TaskNode): boolean {
    if (RETRYABLE.has(code)) return true;
    return node.kind === 'action_task' && this.#actions.find(node.action)?.errors[code]?.retryable === true;
  }
}

function scriptsOf<T>(scripts: Readonly<Record<string, Script<T>>>): KeyedScript<T>[] {
  return Object.entries(scripts).map(([key, script]) => ({ ...script, pattern: stepPattern(key) }));
}

function votesOf(entry: DecisionEntry): ReturnType<World['decisions']> {
  return entry.by.map((by) => ({
    afterMs: entry.after,
    decision: {
      decision: entry.decide,
      by,
      ...(entry.reason === undefined ? {} : { reason: entry.reason }),
      ...(entry.outputs === undefined ? {} : { outputs: entry.outputs }),
    },
  }));
}
