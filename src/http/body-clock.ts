import type { IncomingMessage, ServerResponse } from 'node:http';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import { errorBody } from './errors.js';

/** How long a body may take to arrive. */
export interface BodyTimes {
  /** From the first byte of the request to the last of its body; default 9 s, so that slow clients are cut within 10 s. */
  totalMs: number;
  /** For uploads, instead: in each window of this length there must be progress; default 15 s. */
  windowMs: number;
  /** Progress: at least so many bytes; default 32 KiB, so that no upload of 250 MiB holds its connection for ever. */
  windowBytes: number;
}

const TIMES: BodyTimes = { totalMs: 9_000, windowMs: 15_000, windowBytes: 32 * 1024 };

interface Clock {
  times: BodyTimes;
  timer: NodeJS.Timeout;
  expire: () => void;
}

const clocks = new WeakMap<IncomingMessage, Clock>();

/** Cuts off a client whose body does not arrive in time, with an answer if none has begun. */
export function startBodyClock(
  request: IncomingMessage,
  response: ServerResponse,
  times: Partial<BodyTimes> = {},
): void {
  const all = { ...TIMES, ...times };
  const expire = (): void => cutOff(request, response);
  const clock: Clock = { times: all, expire, timer: setTimeout(expire, all.totalMs) };
  clocks.set(request, clock);
  const stop = (): void => clearTimeout(clock.timer);
  request.once('end', stop).once('close', stop);
}

/** From now on the body may take as long as it wants, while it makes progress. */
export function allowSlowBody(request: IncomingMessage): void {
  const clock = clocks.get(request);
  if (clock === undefined || request.complete) return;
  const { windowMs, windowBytes } = clock.times;
  let seen = request.socket.bytesRead;
  const look = (): void => {
    const now = request.socket.bytesRead;
    // What lies here unread says that we are slow, not the client.
    if (now - seen < windowBytes && request.readableLength === 0) {
      clock.expire();
      return;
    }
    seen = now;
    clock.timer = setTimeout(look, windowMs);
  };
  clearTimeout(clock.timer);
  clock.timer = setTimeout(look, windowMs);
}

function cutOff(request: IncomingMessage, response: ServerResponse): void {
  if (response.headersSent || request.complete) {
    if (!request.complete) request.destroy();
    return;
  }
  const fault = new XynFault('request_timeout', 'The body of the request did not arrive in time.');
  const body = JSON.stringify(errorBody(fault, response.getHeader('X-Correlation-Id')?.toString() ?? null));
  response.writeHead(ERROR_CODES.request_timeout.status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  });
  // Whoever still reads the body learns of it by the end of the connection.
  response.end(body, () => request.destroy());
}
