/** Runs one piece of work over and over: when woken, and after a pause anyway. Never two at once. */
export interface WakeLoop {
  /** Runs the work soon, or once more if it runs now. */
  wake(): void;
  /** Lets the work that runs end, and starts none after it. */
  stop(): Promise<void>;
}

export interface WakeLoopOptions {
  /** One piece of work; says how long to pause when nobody wakes the loop. Milliseconds; 0: go on at once. */
  work: () => Promise<number>;
  onError: (error: unknown) => void;
  /** Pause after an error. Milliseconds. */
  errorPauseMs: number;
}

/** Starts at once. */
export function startWakeLoop({ work, onError, errorPauseMs }: WakeLoopOptions): WakeLoop {
  const state = { stopped: false, woken: false };
  const isIdle = (): boolean => !state.woken;
  let endPause: (() => void) | undefined;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async (): Promise<void> => {
    while (!state.stopped) {
      state.woken = false;
      let pauseMs = errorPauseMs;
      try {
        pauseMs = await work();
      } catch (error) {
        onError(error);
      }
      // A wake during the work may have come too late for it.
      if (pauseMs > 0 && isIdle()) await pause(pauseMs);
      endPause = undefined;
    }
  };
  const running = run();
  return {
    wake() {
      state.woken = true;
      endPause?.();
    },
    async stop() {
      state.stopped = true;
      state.woken = true;
      endPause?.();
      await running;
    },
  };
}
