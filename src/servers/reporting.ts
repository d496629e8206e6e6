/** The part of a pino logger that the launchers use. Passwords and URLs with passwords are never given to it. */
export interface ServerLog {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
}

/** One line of what is being done; said at once and then about every second until it is done. */
export interface StartProgress {
  /** For people, without the time, e.g. `creating the database`. */
  message: string;
  /** Since this piece of work began. */
  elapsedMs: number;
}

/** Receives progress; must not throw. */
export type OnProgress = (progress: StartProgress) => void;

/** Does nothing: the default where nobody watches. */
export const silent: OnProgress = () => undefined;

const tickMs = 1_000;

/** Runs the work and reports the message at its start and each second until it settles. */
export async function withProgress<T>(onProgress: OnProgress, message: string, work: () => Promise<T>): Promise<T> {
  const began = Date.now();
  onProgress({ message, elapsedMs: 0 });
  const timer = setInterval(() => onProgress({ message, elapsedMs: Date.now() - began }), tickMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
