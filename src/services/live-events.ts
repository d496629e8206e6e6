import type { PlacedEvent } from '../catalog/live-store.js';
import type { EventDto } from '../domain/dtos.js';
import { parsePosition, positionText } from './live-position.js';
import type { LiveFilter, LiveReader } from './live-reader.js';
import { Signal } from './live-signal.js';

/** One message of a stream; `id` is where to go on after it. */
export interface StreamMessage {
  type: string;
  id: string;
  data: object;
}

/** A stream that was opened; its reader ends it with `close`. */
export interface OpenStream<M extends StreamMessage = StreamMessage> {
  /** To be read once. Ends when the process stops, or by itself when nothing can follow. */
  messages: AsyncIterable<M>;
  /** Idempotent. */
  close(): void;
}

export type EventMessage =
  | { type: 'ready'; id: string; data: { position: string } }
  | { type: 'event'; id: string; data: EventDto }
  /** What was before this place is not told: `after` was no place that the server gave. */
  | { type: 'resync'; id: string; data: { position: string } }
  | { type: 'source'; id: string; data: { ok: boolean; since: string } };

/**
 * Opens a stream of the event log: every event that fits, once, in the order of commits.
 * @throws XynFault `streams_exhausted`, `not_running`
 */
export function openEventStream(
  reader: Pick<LiveReader, 'follow' | 'position'>,
  { after, ...filter }: LiveFilter & { after?: string },
): OpenStream<EventMessage> {
  const begin = reader.position();
  const waiting: (readonly PlacedEvent[])[] = [];
  const remarks: EventMessage[] = [];
  const signal = new Signal();
  let isEnded = false;
  let taken: (() => void) | undefined;
  let last = after !== undefined && parsePosition(after) !== undefined ? after : begin;
  const end = (): void => {
    isEnded = true;
    signal.set();
  };
  const followed = reader.follow({
    filter,
    after: after ?? begin,
    // Told that they were taken only when the reader of the stream has them, so that no more than one page waits.
    onEvents: (events) =>
      new Promise((resolve) => {
        waiting.push(events);
        taken = resolve;
        signal.set();
      }),
    onGap(position) {
      last = position;
      remarks.push({ type: 'resync', id: position, data: { position } });
      signal.set();
    },
    onSource(ok, since) {
      remarks.push({ type: 'source', id: '', data: { ok, since } });
      signal.set();
    },
    onEnd: end,
  });
  const close = (): void => {
    followed.leave();
    end();
  };
  async function* read(): AsyncGenerator<EventMessage> {
    yield { type: 'ready', id: last, data: { position: last } };
    while (!isEnded) {
      for (const remark of remarks.splice(0)) yield { ...remark, id: remark.id === '' ? last : remark.id };
      for (const { event, position } of waiting.splice(0).flat()) {
        last = positionText(position);
        yield { type: 'event', id: last, data: event };
      }
      taken?.();
      taken = undefined;
      await signal.wait();
    }
  }
  return { messages: read(), close };
}
