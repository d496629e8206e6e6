import type { CancelSender } from './cancel-sender.js';
import type { DecisionSender } from './decision-sender.js';
import type { Log } from './log.js';
import { startWakeLoop } from './wake-loop.js';

const CANCELS_MS = 1_000;
const DECISIONS_MS = 2_000;

/** Goes on, every few seconds, with cancels and decisions that have not arrived; ends with `stop`. */
export function startSweeps(parts: { cancels: CancelSender; decisions: DecisionSender; log: Log }): {
  stop(): Promise<void>;
} {
  const loops = [
    loopOf(parts.log, 'cancels', CANCELS_MS, () => parts.cancels.sweep()),
    loopOf(parts.log, 'decisions', DECISIONS_MS, () => parts.decisions.sweep()),
  ];
  return {
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
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
