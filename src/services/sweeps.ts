import type { AnswerStore } from '../catalog/answer-store.js';
import type { ChunkStore } from '../catalog/chunk-store.js';
import type { TailStore } from '../catalog/tail-store.js';
import type { CancelSender } from './cancel-sender.js';
import type { DecisionSender } from './decision-sender.js';
import type { FootprintDays } from './footprint-days.js';
import type { HeldStarts } from './held-starts.js';
import type { Log } from './log.js';
import type { RunPlaces } from './run-places.js';
import { startWakeLoop } from './wake-loop.js';

const CANCELS_MS = 1_000;
const DECISIONS_MS = 2_000;
const HELD_MS = 1_000;
const PLACES_MS = 1_000;
/** Pages add up what is not folded yet, so this only keeps that short. */
const FOOTPRINTS_MS = 5_000;
const ANSWERS_MS = 3_600_000;
/** docs/api.md promises it: nobody repeats a request after so long, and the answers would pile up for ever. */
const ANSWERS_KEPT_MS = 90 * 86_400_000;
/** A statement that deletes more would hold its locks for too long. */
const ANSWERS_AT_ONCE = 1_000;

/** A loop may leave 64 MiB, which nobody reads once its run has ended. */
const CHUNKS_MS = 60_000;
const CHUNKS_AT_ONCE = 1_000;

const TAILS_MS = 3_600_000;
/** Longer than any attempt is silent for: what a worker left behind that died is read by nobody. */
const TAILS_KEPT_MS = 86_400_000;
const TAILS_AT_ONCE = 1_000;

/** Goes on, every few seconds, with what has not arrived or had to wait; ends with `stop`. */
export function startSweeps(parts: {
  cancels: CancelSender;
  decisions: DecisionSender;
  footprints: Pick<FootprintDays, 'fold'>;
  answers: Pick<AnswerStore, 'prune'>;
  tails: Pick<TailStore, 'prune'>;
  chunks: Pick<ChunkStore, 'prune'>;
  held?: HeldStarts;
  places?: RunPlaces;
  log: Log;
}): {
  stop(): Promise<void>;
} {
  const { log, held, places } = parts;
  const loops = [
    loopOf(parts.log, 'cancels', CANCELS_MS, () => parts.cancels.sweep()),
    loopOf(parts.log, 'decisions', DECISIONS_MS, () => parts.decisions.sweep()),
    loopOf(log, 'footprint days', FOOTPRINTS_MS, () => parts.footprints.fold()),
    loopOf(log, 'kept answers', ANSWERS_MS, () => forgetAnswers(parts.answers)),
    loopOf(log, 'tails of lost attempts', TAILS_MS, async () => {
      await parts.tails.prune(TAILS_KEPT_MS, TAILS_AT_ONCE);
    }),
    loopOf(log, 'results of ended loops', CHUNKS_MS, async () => {
      await parts.chunks.prune(CHUNKS_AT_ONCE);
    }),
    ...(held === undefined ? [] : [loopOf(log, 'held starts', HELD_MS, () => held.sweep())]),
    ...(places === undefined ? [] : [loopOf(log, 'places', PLACES_MS, () => places.sweep())]),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/** Forgets answers to requests with an Idempotency-Key that were given 90 days ago. @throws XynFault `db_unavailable` */
export async function forgetAnswers(answers: Pick<AnswerStore, 'prune'>): Promise<void> {
  while ((await answers.prune(ANSWERS_KEPT_MS, ANSWERS_AT_ONCE)) === ANSWERS_AT_ONCE);
}

function loopOf(log: Log, what: string, pauseMs: number, sweep: () => Promise<void>): ReturnType<typeof startWakeLoop> {
  return startWakeLoop({
    work: async () => {
      await sweep();
      return pauseMs;
    },
    onError: (error) => log.warn({ err: error, what }, 'a sweep ended early; the next goes on'),
    errorPauseMs: pauseMs,
  });
}
