import type { Logger } from 'pino';

/** Something that has to be ended, in the reverse order in which it began. */
interface Closer {
  name: string;
  close: () => Promise<void> | void;
}

/**
 * The life of a process: what was started is closed in reverse order, once, on SIGINT, SIGTERM or when the process that
 * started this one is gone. A second signal ends the process at once.
 */
export class Lifecycle {
  readonly #closers: Closer[] = [];
  readonly #log: Logger;
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;
  #resolveEnded!: () => void;
  /** Resolves when everything is closed. */
  readonly ended = new Promise<void>((resolve) => (this.#resolveEnded = resolve));

  constructor(log: Logger) {
    this.#log = log;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (this.#closing) process.exit(130);
        this.#log.info({ signal }, 'stopping');
        void this.close();
      });
    }
    if (process.send) process.on('disconnect', () => void this.close());
    process.on('unhandledRejection', (error) => this.#crash(error));
    process.on('uncaughtException', (error) => this.#crash(error));
  }

  /** Aborts when the end begins: what is still starting has no use any more. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Registers what to end; the last registered ends first. What comes after the end began is ended at once. */
  onClose(name: string, close: Closer['close']): void {
    this.#closers.push({ name, close });
    if (this.#closing) this.#closing = this.#closing.then(() => this.#closeAll());
  }

  /** Ends everything; a failure of one does not keep the others from ending. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    this.#ending.abort();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      const { name, close } = closer;
      try {
        await close();
      } catch (error) {
        this.#log.error({ err: error, part: name }, 'did not end cleanly');
      }
    }
    this.#resolveEnded();
  }

  #crash(error: unknown): void {
    this.#log.fatal({ err: error }, 'unexpected error');
    process.exitCode = 70;
    void this.close().finally(() => process.exit(70));
  }
}

/** Tells the process that started this one something, if there is one. */
export function tellParent(message: object): void {
  process.send?.(message);
}
