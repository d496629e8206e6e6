import { ActionFailure } from '../src/domain/action.js';

/** Work that was told to stop gets this long to do so before the attempt goes on without it. */
const STOP_GRACE_MS = 5_000;

/**
 * Runs `work` under the step's timeout: its signal aborts then, or when `outer` does.
 * @throws ActionFailure `timeout` when the time ran out.
 */
export async function withinTimeout<T>(
  timeoutMs: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), timeoutMs);
  const signal = AbortSignal.any([outer, clock.signal]);
  const abandoned = afterAbort(signal);
  try {
    return await Promise.race([work(signal), abandoned.rejection]);
  } catch (error) {
    if (!clock.signal.aborted || outer.aborted) throw error;
    const message = `The step took longer than its timeout of ${Math.round(timeoutMs / 1000)} s.`;
    throw new ActionFailure({ code: 'timeout', message, retryable: true }, { cause: error });
  } finally {
    clearTimeout(timer);
    abandoned.stop();
  }
}

/** Rejects a while after the signal aborted, for work that does not listen. */
function afterAbort(signal: AbortSignal): { rejection: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const rejection = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(
        () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')),
        STOP_GRACE_MS,
      );
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  rejection.catch(() => undefined);
  return {
    rejection,
    stop() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
