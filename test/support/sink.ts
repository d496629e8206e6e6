import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that arrived at the target. */
export interface Call {
  path: string;
  method: string;
  /** The `Idempotency-Key` header. */
  key: string | undefined;
  /** Parsed JSON, or the text as it came. */
  body: unknown;
  /** When it was read completely, milliseconds since the epoch. */
  at: number;
  /** Whether the target acted on it: false when its caller went away first, and for a key that was acted on before. */
  acted: boolean;
}

/** Where a request is stopped: read but not acted on yet, or acted on and not answered yet. */
export type Moment = 'beforeEffect' | 'afterEffect';

/** A request that the target keeps waiting, so that a test knows the exact moment. */
export interface Hold {
  /** Resolves when a request has come and is held. */
  reached: Promise<Call>;
  /** Lets the held request, or the next one if none has come yet, go on. */
  release(): void;
}

interface OpenHold {
  path: string;
  moment: Moment;
  reach(call: Call): void;
  released: Promise<void>;
}

/**
 * A real HTTP server that stands for the target of actions. It notes every call, and acts once for each idempotency key,
 * as a target that understands keys does. A call whose caller goes away before the target acted has no effect.
 */
export class Sink {
  readonly calls: Call[] = [];
  readonly #server: Server;
  readonly #holds: OpenHold[] = [];
  readonly #keys = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response));
  }

  static async start(): Promise<Sink> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Sink(server);
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Holds the next request to this path; those after it pass. */
  hold(path: string, moment: Moment): Hold {
    let reach: OpenHold['reach'] = () => undefined;
    let release = (): void => undefined;
    const reached = new Promise<Call>((resolve) => (reach = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    this.#holds.push({ path, moment, reach, released });
    return { reached, release };
  }

  /** Calls that the target acted on, of one path. */
  effects(path: string): Call[] {
    return this.calls.filter((call) => call.acted && call.path === path);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new Promise<'gone'>((resolve) => response.once('close', () => resolve('gone')));
    const text = await readText(request).catch(() => undefined);
    if (text === undefined) return;
    const key = request.headers['idempotency-key'];
    const call: Call = {
      path: (request.url ?? '').replace(/\?.*/, ''),
      method: request.method ?? '',
      key: typeof key === 'string' ? key : undefined,
      body: parse(text),
      at: Date.now(),
      acted: false,
    };
    this.calls.push(call);
    const hold = this.#take(call.path);
    if (hold?.moment === 'beforeEffect') {
      hold.reach(call);
      if ((await Promise.race([hold.released, gone])) === 'gone') return;
    }
    this.#act(call);
    if (hold?.moment === 'afterEffect') {
      hold.reach(call);
      await Promise.race([hold.released, gone]);
    }
    if (!response.destroyed) response.setHeader('content-type', 'application/json').end('{"ok":true}');
  }

  #take(path: string): OpenHold | undefined {
    const at = this.#holds.findIndex((hold) => hold.path === path);
    return at === -1 ? undefined : this.#holds.splice(at, 1)[0];
  }

  #act(call: Call): void {
    call.acted = call.key === undefined || !this.#keys.has(call.key);
    if (call.key !== undefined) this.#keys.add(call.key);
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += (chunk as Buffer).toString();
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
