import type { TaskNode } from '../domain/engine/leaves.js';
import type { TaskFailure } from '../domain/engine/messages.js';
import type { FinishedResult } from '../domain/engine/result.js';
import { nextDelayMs } from '../domain/engine/retry.js';
import type { Json } from '../domain/json.js';
import type { FailureFacts } from '../domain/xyn-error.js';
import type { Answer } from './world.js';

/** The end of a task, as the driver would report it. */
export type TaskEnding = { done: Json; attempt: number } | { failed: TaskFailure } | { lost: true; attempt: number };

interface Surroundings {
  now(): number;
  after(delayMs: number, work: () => void): void;
  /** @returns undefined: nobody knows what becomes of it, and nothing further happens. */
  attempt(attempt: number): Answer | undefined;
  /** What becomes of a result, by the rules of the step. */
  finish(result: Json): FinishedResult;
  end(ending: TaskEnding): void;
}

const CANCELLED: FailureFacts = { code: 'cancelled', message: 'The task was cancelled.', retryable: false };

/** All attempts of one task in virtual time, by the rules of a real worker: timeout, retries, cancel. */
export class SimulatedTask {
  readonly #node: TaskNode;
  readonly #around: Surroundings;
  readonly #began: number;
  #attempt = 0;
  #answer: Answer | undefined;
  #pausedSince: number | undefined;
  #pausedMs = 0;
  #cancelling = false;
  #ended = false;

  constructor(node: TaskNode, around: Surroundings) {
    this.#node = node;
    this.#around = around;
    this.#began = around.now();
  }

  /** Begins the next attempt. */
  begin(): void {
    if (this.#ended) return;
    if (this.#pausedSince !== undefined) this.#pausedMs += this.#around.now() - this.#pausedSince;
    this.#pausedSince = undefined;
    this.#attempt += 1;
    const answer = this.#around.attempt(this.#attempt);
    if (answer === undefined) return;
    // At the same instant a result comes before a timer.
    const isLate = answer.takesMs > this.#node.timeout_ms;
    this.#answer = isLate ? { ...this.#timedOut(), takesMs: this.#node.timeout_ms, onCancel: answer.onCancel } : answer;
    const current = this.#answer;
    this.#around.after(current.takesMs, () => this.#onAnswer(current));
  }

  /** Asks it to end. */
  cancel(): void {
    if (this.#ended) return;
    this.#cancelling = true;
    const how = this.#pausedSince === undefined ? this.#answer?.onCancel : 'stop';
    if (how === 'stop') this.#around.after(0, () => this.#fail(CANCELLED));
    else if (how === 'ignore') this.#ended = true;
  }

  /** Milliseconds between its attempts so far. */
  pausedMs(now: number): number {
    return this.#pausedMs + (this.#pausedSince === undefined ? 0 : now - this.#pausedSince);
  }

  #timedOut(): { fails: FailureFacts } | { lost: true } {
    const { kind, timeout_ms: timeoutMs } = this.#node;
    // The same as at the worker: an effect that may have happened and must not happen twice is for people to judge.
    if (kind === 'action_task' && this.#node.idempotency === 'none' && this.#node.effect !== 'read')
      return { lost: true };
    const message = `The step took longer than its timeout of ${Math.round(timeoutMs / 1000)} s.`;
    return { fails: { code: 'timeout', message, retryable: true } };
  }

  #onAnswer(answer: Answer): void {
    if (this.#ended) return;
    if ('returns' in answer) this.#onResult(this.#around.finish(answer.returns));
    else if ('lost' in answer) this.#end({ lost: true, attempt: this.#attempt });
    else this.#fail(answer.fails);
  }

  #onResult(result: FinishedResult): void {
    if ('fault' in result) this.#fail(result.fault);
    else this.#end({ done: result.value, attempt: this.#attempt });
  }

  #fail(error: FailureFacts): void {
    if (this.#ended) return;
    const pauseMs = this.#cancelling
      ? undefined
      : nextDelayMs(this.#node.retry, {
          attempt: this.#attempt,
          error,
          elapsedMs: this.#around.now() - this.#began,
          random: 0.5,
        });
    if (pauseMs === undefined) {
      const { retry_after_ms: _, ...facts } = error;
      this.#end({ failed: { ...facts, attempt: this.#attempt } });
      return;
    }
    this.#pausedSince = this.#around.now();
    this.#around.after(pauseMs, () => this.begin());
  }

  #end(ending: TaskEnding): void {
    this.#ended = true;
    this.#around.end(ending);
  }
}
