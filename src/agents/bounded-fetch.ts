import { agentFailure } from './failures.js';

/** Bytes of text that are taken from a model (language §3.1): a longer answer is cut and fails. */
export const MAX_ANSWER_BYTES = 1024 * 1024;
/** A JSON body, or one event of a stream: every character of the answer may be escaped with six. */
const MAX_LINE_BYTES = 8 * MAX_ANSWER_BYTES;
/** A whole stream: events are some 250 bytes long and may carry few characters each. */
const MAX_STREAM_BYTES = 64 * MAX_ANSWER_BYTES;

/** Headers that SDKs may not follow elsewhere, and bodies that end: `fetch` for one request. */
export function boundedFetch(signal: AbortSignal): typeof fetch {
  return async (input, init) => {
    const inner = init?.signal;
    const response = await fetch(input, {
      ...init,
      // A redirect would carry the key to another place.
      redirect: 'manual',
      signal: inner ? AbortSignal.any([inner, signal]) : signal,
    });
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(counter(isStream(response)), { signal }), {
      status,
      statusText,
      headers,
    });
  };
}

/** Whether the body is a stream of server-sent events. */
export function isStream(response: Response): boolean {
  return (response.headers.get('content-type') ?? '').toLowerCase().startsWith('text/event-stream');
}

function counter(stream: boolean): TransformStream<Uint8Array, Uint8Array> {
  let total = 0;
  let line = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const lastBreak = stream ? chunk.lastIndexOf(0x0a) : -1;
      total += chunk.length;
      line = lastBreak < 0 ? line + chunk.length : chunk.length - lastBreak - 1;
      if (line > MAX_LINE_BYTES || total > MAX_STREAM_BYTES) throw tooLarge();
      controller.enqueue(chunk);
    },
  });
}

/** Collects an answer's pieces up to the bound. */
export class AnswerText {
  #parts: string[] = [];
  #bytes = 0;

  /** @throws ActionFailure `response_too_large`. */
  add(part: string): void {
    this.#bytes += Buffer.byteLength(part);
    if (this.#bytes > MAX_ANSWER_BYTES) throw tooLarge();
    this.#parts.push(part);
  }

  toString(): string {
    return this.#parts.join('');
  }
}

function tooLarge(): Error {
  return agentFailure('response_too_large', `The answer is longer than ${MAX_ANSWER_BYTES} bytes; it was cut off.`);
}
