import type { RunDto } from '../domain/dtos.js';

/** Told of what happens behind the API; for metrics and traces. Must not throw and returns at once. */
export interface ServiceObserver {
  /** An event that a worker wrote was compared with the triggers, so many milliseconds after it was written. */
  eventMatched(lagMs: number): void;
  /** Temporal took a run (again, when the first answer was lost). `at`: milliseconds since the epoch. */
  runStarted(run: RunDto, at: number): void;
  /** A run answered a decision, so many milliseconds after it was made. */
  decisionAnswered(status: 'applied' | 'refused', ageMs: number): void;
}
