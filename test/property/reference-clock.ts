import type { Json, JsonObject } from '../../src/domain/json.js';
import type { PlanNode } from '../../src/domain/plan.js';

export const RANKS = { cancel: 1, decision: 2, call: 3, timer: 4 } as const;

interface Entry {
  at: number;
  rank: number;
  order: number;
  work: (() => void) | undefined;
  /** May fall on the same instant as others without any effect on what comes out. */
  harmless: boolean;
}

/** Virtual time and what is to happen in it. */
export class Clock {
  now = 0;
  ambiguous = false;
  #entries: Entry[] = [];
  #order = 0;
  #last: Entry | undefined;

  add(delayMs: number, rank: number, work: () => void, harmless = false): { drop(): void } {
    this.#order += 1;
    const entry: Entry = { at: this.now + delayMs, rank, order: this.#order, work, harmless };
    this.#entries.push(entry);
    return { drop: () => (entry.work = undefined) };
  }

  iso(): string {
    return new Date(START_MS + this.now).toISOString();
  }

  /** Does what comes next. @returns false where nothing is left. */
  step(): boolean {
    this.#entries = this.#entries.filter(({ work }) => work !== undefined);
    const first = this.#entries.toSorted((a, b) => a.at - b.at || a.rank - b.rank || a.order - b.order)[0];
    if (first === undefined) return false;
    this.#entries = this.#entries.filter((entry) => entry !== first);
    if (this.#last !== undefined && this.#last.at === first.at && !first.harmless && !this.#last.harmless)
      this.ambiguous = true;
    this.#last = first;
    this.now = first.at;
    first.work?.();
    return true;
  }
}

/** When the runs of these tests begin. */
export const START_MS = Date.UTC(2026, 0, 1);

export type Reply = { takesMs: number; onCancel: 'stop' | 'finish' | 'ignore' } & (
  { returns: Json } | { code: string; retryable: boolean } | { lost: true }
);

/** What the world around a generated run does. */
export interface Answers {
  reply(path: string, attempt: number): Reply;
  gate(path: string): { decide: 'approve' | 'reject'; afterMs: number } | undefined;
  recover(path: string, round: number): { decide: 'done' | 'retry' | 'fail'; afterMs: number };
  cancelAtMs?: number;
}

type TaskNode = Extract<PlanNode, { kind: 'action_task' | 'agent_task' }>;
type Ending = 'lost' | { returns: Json } | { code: string; retryable: boolean };

/** All attempts of a task. */
export class RunningTask {
  readonly #node: TaskNode;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #answers: Answers;
  readonly #calls: string[];
  readonly #end: (ending: Ending) => void;
  #attempts = 0;
  #cancelling = false;
  #over = false;
  #how: Reply['onCancel'] | 'paused' = 'stop';

  constructor(
    node: TaskNode,
    path: string,
    clock: Clock,
    answers: Answers,
    calls: string[],
    end: (ending: Ending) => void,
  ) {
    this.#node = node;
    this.#path = path;
    this.#clock = clock;
    this.#answers = answers;
    this.#calls = calls;
    this.#end = end;
  }

  attempt(): void {
    if (this.#over) return;
    this.#attempts += 1;
    const reply = this.#answers.reply(this.#path, this.#attempts);
    this.#calls.push(`${this.#clock.now} ${this.#path} ${this.#attempts}`);
    this.#how = reply.onCancel;
    const isLate = reply.takesMs > this.#node.timeout_ms;
    this.#clock.add(Math.min(reply.takesMs, this.#node.timeout_ms), RANKS.call, () => {
      if (this.#over) return;
      if (isLate && this.#isOnce()) this.#finish('lost');
      else if (isLate) this.#fail({ code: 'timeout', retryable: true });
      else if ('returns' in reply) this.#onResult(reply);
      else if ('lost' in reply) this.#finish('lost');
      else this.#fail(reply);
    });
  }

  /** These plans ask of results only that a field of theirs is below a number. */
  #onResult(reply: { returns: Json }): void {
    const until = this.#node.retry.until as [string, [string, unknown, string], number] | undefined;
    const value = until && (reply.returns as JsonObject)[until[1][2]];
    if (until === undefined || (typeof value === 'number' && value < until[2])) this.#finish(reply);
    else if (value === undefined) this.#fail({ code: 'expression_error', retryable: false });
    else this.#fail({ code: 'until_not_met', retryable: true });
  }

  cancel(): void {
    this.#cancelling = true;
    const stop = (): void => {
      if (!this.#over) this.#finish({ code: 'cancelled', retryable: false });
    };
    if (this.#how === 'stop' || this.#how === 'paused') this.#clock.add(0, RANKS.call, stop, true);
    if (this.#how === 'ignore') this.#over = true;
    const hasEffect = this.#node.kind === 'action_task' && this.#node.effect !== 'read';
    const abandoned = { code: hasEffect ? 'outcome_unknown' : 'cancelled', retryable: false };
    this.#clock.add(60_000, RANKS.timer, () => this.#abandon(abandoned), true);
  }

  #isAbandoned = false;
  #abandon(ending: Ending): void {
    if (this.#over && this.#how !== 'ignore') return;
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#over = true;
    this.#end(ending);
  }

  #isOnce(): boolean {
    const { kind } = this.#node;
    return kind === 'action_task' && this.#node.idempotency === 'none' && this.#node.effect !== 'read';
  }

  #fail(failure: { code: string; retryable: boolean }): void {
    const { attempts, backoff } = this.#node.retry;
    if (this.#cancelling || !failure.retryable || this.#attempts >= attempts) return this.#finish(failure);
    this.#how = 'paused';
    const pauseMs = Math.min(backoff.max_ms, backoff.first_ms * backoff.factor ** (this.#attempts - 1));
    this.#clock.add(pauseMs, RANKS.call, () => this.attempt());
  }

  #finish(ending: Ending): void {
    this.#over = true;
    this.#end(
      ending === 'lost' ? ending : 'returns' in ending ? ending : { code: ending.code, retryable: ending.retryable },
    );
  }
}
