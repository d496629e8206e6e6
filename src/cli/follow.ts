import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../client/api-client.js';
import { XynFault } from '../domain/fault.js';
import type { CliIo } from './context.js';
import { plain } from './format.js';
import type { Printer } from './printer.js';

/** Between the end of one connection and the next try: doubled after each that brought nothing. */
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 3_000;
/** A server that restarts is waited for that long. */
const PATIENCE_MS = 60_000;

/** Exit code of a command that Ctrl-C ended before its work was done, as shells have it: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** One message of a stream. */
export interface FollowedMessage {
  type: string;
  data: unknown;
}

interface Followed {
  client: Pick<ApiClient, 'stream'>;
  printer: Pick<Printer, 'note'>;
  io: Pick<CliIo, 'clock'>;
}

/**
 * The messages of a stream of the API across as many connections as it takes: each begins after the last message of the
 * one before, so that none is lost and none comes twice. Ends when the reader stops, and quietly when `signal` is aborted.
 * @throws XynFault what the first connection is answered; what later ones are answered when it is not worth a retry, or
 * when the server stays away for a minute.
 */
export async function* followStream(
  { client, printer, io }: Followed,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): AsyncGenerator<FollowedMessage> {
  let after: string | undefined;
  let failingSince: number | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  const isLeft = (): boolean => signal.aborted;
  while (!isLeft()) {
    try {
      for await (const { id, ...message } of client.stream(path, query, { signal, ...(after && { after }) })) {
        if (id !== '') after = id;
        failingSince = undefined;
        pauseMs = FIRST_PAUSE_MS;
        yield message;
      }
    } catch (error) {
      if (isLeft()) return;
      // A server that was never seen is not waited for: the address may be wrong.
      if (!(error instanceof XynFault) || !error.retryable || after === undefined) throw error;
      if (failingSince === undefined) printer.note(`${error.message} Trying again for a minute.`);
      failingSince ??= io.clock();
      if (io.clock() - failingSince > PATIENCE_MS) throw error;
    }
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Runs `work` until it ends or somebody presses Ctrl-C; gives undefined then. A second Ctrl-C ends the program at once. */
export async function untilInterrupted<T>(
  io: Pick<CliIo, 'onInterrupt'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const controller = new AbortController();
  const forget = io.onInterrupt?.(() => controller.abort());
  try {
    const result = await work(controller.signal);
    return controller.signal.aborted ? undefined : result;
  } finally {
    forget?.();
  }
}

const sourceSchema = z.object({ ok: z.boolean(), since: z.string() });

/** Says that the catalog went away or came back, which a stream tells as `source`. */
export function noteSource(printer: Pick<Printer, 'note'>, data: unknown): void {
  const { ok, since } = sourceSchema.parse(data);
  printer.note(ok ? 'What happens is told again.' : `Nothing new can be read since ${plain(since)}; waiting.`);
}
