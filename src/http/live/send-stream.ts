import type { Request, Response } from 'express';
import type { OpenStream, StreamMessage } from '../../services/live-events.js';

/** Keeps proxies and clients from taking a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;
/** How soon a browser connects again. */
const RETRY_MS = 1_000;

/** One message in the form of server-sent events. JSON text holds no line breaks, so one `data` line is enough. */
export function sseText({ type, id, data }: StreamMessage): string {
  return `event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Sends a stream until it ends, the client leaves, or takes nothing for `stallMs`: such a client goes on after the last
 * message that it got. Never rejects.
 */
export async function sendStream(
  request: Request,
  response: Response,
  { stream, stallMs }: { stream: OpenStream; stallMs: number },
): Promise<void> {
  // What was written and not taken is bounded by one message: the next one waits for the client.
  response.status(200).set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // A proxy in between must pass on each message at once.
    'X-Accel-Buffering': 'no',
    Connection: 'close',
  });
  if (request.method === 'HEAD') {
    stream.close();
    response.end();
    return;
  }
  response.on('close', () => stream.close());
  if (response.destroyed) {
    stream.close();
    return;
  }
  response.write(`retry: ${RETRY_MS}\n\n`);
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': still here\n\n');
  }, HEARTBEAT_MS);
  try {
    for await (const message of stream.messages) {
      if (!response.write(sseText(message)) && !(await drained(response, stallMs))) break;
    }
  } finally {
    clearInterval(heartbeat);
    stream.close();
    if (response.writableNeedDrain) response.destroy();
    else response.end();
  }
}

/** Whether the client took what was written, in time. */
function drained(response: Response, stallMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isDrained: boolean) => (): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onClose);
      resolve(isDrained);
    };
    const [onDrain, onClose, onStall] = [settle(true), settle(false), settle(false)];
    const timer = setTimeout(onStall, stallMs);
    response.once('drain', onDrain).once('close', onClose);
  });
}
