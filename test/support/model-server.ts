import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A wire format. */
export type Wire = 'openai' | 'anthropic';

/** What the server does with one request. */
export interface Behaviour {
  /** What the model says. */
  text?: string;
  /** One JSON body instead of events. */
  whole?: true;
  /** The reason why the model stopped, in the words of the wire format. */
  finish?: string;
  /** An error instead of an answer. */
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** `hang`: nothing is sent; `stall`: headers and some text, then nothing; `break`: the connection is lost in between; `end-early`: it is closed; `endless`: no end comes. */
  fault?: 'hang' | 'stall' | 'break' | 'end-early' | 'endless';
}

/** A request as it arrived. */
export interface ModelCall {
  /** When it had arrived, milliseconds since the epoch. */
  at: number;
  wire: Wire;
  headers: IncomingHttpHeaders;
  body: {
    model: string;
    system?: string;
    messages: { role: string; content: string }[];
    stream?: boolean;
    response_format?: unknown;
    output_config?: unknown;
  };
  /** Resolves when the connection of the call is closed before its answer was complete. */
  abandoned: Promise<void>;
}

const USAGE_IN = 11;
const USAGE_OUT = 7;

/** A real HTTP server that speaks chat completions and messages, and does what it is told, one behaviour a request. */
export class ModelServer {
  readonly calls: ModelCall[] = [];
  readonly #behaviours: Behaviour[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const wire = request.url === '/v1/messages' ? 'anthropic' : 'openai';
        const abandoned = new Promise<void>((resolve) => {
          response.on('close', () => {
            if (!response.writableFinished) resolve();
          });
        });
        const body = JSON.parse(Buffer.concat(chunks).toString()) as ModelCall['body'];
        this.calls.push({ at: Date.now(), wire, headers: request.headers, body, abandoned });
        for (const tell of this.#waiting.splice(0)) tell();
        void serve(wire, this.#behaviours.shift() ?? {}, response);
      });
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  /** Address without a path. */
  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Behaviours of the next requests, in order. */
  next(...behaviours: Behaviour[]): void {
    this.#behaviours.push(...behaviours);
  }

  /** Forgets calls and behaviours. */
  reset(): void {
    this.calls.length = 0;
    this.#behaviours.length = 0;
  }

  /** Resolves when the next request has arrived. */
  called(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function serve(wire: Wire, behaviour: Behaviour, response: ServerResponse): Promise<void> {
  const { text = 'fine', status, headers = {}, body, whole, fault } = behaviour;
  if (fault === 'hang') return;
  if (status !== undefined) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body ?? { error: { message: `status ${status}` } }));
    return;
  }
  const format = wire === 'openai' ? openai : anthropic;
  if (whole === true) {
    response.writeHead(200, { 'content-type': 'application/json' });
    while (fault === 'endless' && !response.destroyed) await written(response, 'x'.repeat(65_536));
    const json = JSON.stringify(format.whole(text, behaviour.finish));
    if (fault !== 'break') response.end(json);
    else response.write(json.slice(0, json.length / 2), () => response.destroy());
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (const event of format.start()) response.write(event);
  if (fault === 'endless') {
    while (!response.destroyed) await written(response, format.piece('x'.repeat(4_096)));
    return;
  }
  const pieces = text.match(/[\s\S]{1,60000}/g) ?? [];
  for (const piece of pieces) await written(response, format.piece(piece));
  if (fault === 'stall') return;
  if (fault === 'break') return void response.destroy();
  if (fault === 'end-early') return void response.end();
  for (const event of format.end(behaviour.finish)) response.write(event);
  response.end();
}

/** Waits until there is room for more, or the other side went away. */
function written(response: ServerResponse, event: string): Promise<void> {
  return new Promise((resolve) => {
    if (response.write(event) || response.destroyed) return void setImmediate(resolve);
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (choices: unknown[], more: object = {}): string =>
  data({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...more });

const openai = {
  start: () => [chunk([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])],
  piece: (content: string) => chunk([{ index: 0, delta: { content }, finish_reason: null }]),
  end: (finish = 'stop') => [
    chunk([{ index: 0, delta: {}, finish_reason: finish }]),
    chunk([], { usage: { prompt_tokens: USAGE_IN, completion_tokens: USAGE_OUT, total_tokens: USAGE_IN + USAGE_OUT } }),
    'data: [DONE]\n\n',
  ],
  whole: (content: string, finish = 'stop') => ({
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }],
    usage: { prompt_tokens: USAGE_IN, completion_tokens: USAGE_OUT, total_tokens: USAGE_IN + USAGE_OUT },
  }),
};

const event = (type: string, more: object): string => `event: ${type}\n${data({ type, ...more })}`;
const message = (content: unknown[], stop: string | null, outputTokens: number) => ({
  id: 'm1',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason: stop,
  stop_sequence: null,
  usage: { input_tokens: USAGE_IN - 4, cache_read_input_tokens: 4, output_tokens: outputTokens },
});

const anthropic = {
  start: () => [
    event('message_start', { message: message([], null, 1) }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
  ],
  piece: (text: string) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  end: (finish = 'end_turn') => [
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: finish, stop_sequence: null },
      usage: { output_tokens: USAGE_OUT },
    }),
    event('message_stop', {}),
  ],
  whole: (text: string, finish = 'end_turn') => message([{ type: 'text', text }], finish, USAGE_OUT),
};
