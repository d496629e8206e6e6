import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import { startBodyClock, type BodyTimes } from './body-clock.js';
import { errorBody } from './errors.js';

/** What one client may cost; for bodies see `BodyTimes`. Milliseconds and bytes. */
export interface HttpLimits {
  /** From the connection, or the end of the last answer, until a request's headers are complete. */
  headersMs: number;
  /** A connection on which nothing moves, in either direction: also a client that does not read its answer. */
  idleMs: number;
  headerBytes: number;
  /** Open at once; more are closed as they come. */
  connections: number;
}

/** Nothing that is waited for here lasts: a stream of events says something every few seconds. */
const LIMITS: HttpLimits = {
  headersMs: 5_000,
  idleMs: 120_000,
  headerBytes: 16_384,
  connections: 1_000,
};
const CONNECTIONS_CHECK_MS = 1_000;
/** Answers under way get this long when the server closes. */
const CLOSE_GRACE_MS = 5_000;
/** Ports that are tried after the wanted one. */
const NEXT_PORTS = 50;

export interface ListenOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Take one of the next 50 ports when the wanted one is in use. */
  orNext?: boolean;
  /** Others than those that always hold: for tests. */
  limits?: Partial<HttpLimits>;
  /** How long bodies may take. */
  bodyTimes?: Partial<BodyTimes>;
}

export interface HttpServer {
  /** Where a client on this machine reaches it, e.g. `http://127.0.0.1:7420`. */
  url: string;
  port: number;
  /** Stops listening at once; answers under way get 5 s. Idempotent. */
  close(): Promise<void>;
}

function faultOfClient(code: string | undefined): XynFault {
  if (code === 'HPE_HEADER_OVERFLOW') return new XynFault('header_too_large', 'The headers are larger than 16 KiB.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new XynFault('request_timeout', 'The headers of a request did not arrive in time.');
  }
  return new XynFault('request_malformed', 'What came is not HTTP.');
}

/** Answers under way to whole requests, by connection. */
class OpenAnswers {
  readonly #open = new WeakMap<Duplex, Map<ServerResponse, IncomingMessage>>();

  add(request: IncomingMessage, response: ServerResponse): void {
    const open = this.#open.get(request.socket) ?? new Map<ServerResponse, IncomingMessage>();
    this.#open.set(request.socket, open.set(response, request));
    response.once('close', () => open.delete(response));
  }

  /** Calls back when none is left. A request whose body was cut short gets none: its handler waits in vain. */
  onceClosed(socket: Duplex, then: () => void): void {
    const [first] = [...(this.#open.get(socket) ?? [])].find(([, request]) => request.complete) ?? [];
    if (first === undefined) then();
    else first.once('close', () => this.onceClosed(socket, then));
  }
}

/** Answers what never became a request, since no handler sees it: after the answers to what came before it. */
function answerClientErrors(server: Server): void {
  const answers = new OpenAnswers();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    answers.add(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else answers.onceClosed(socket, () => refuse(socket, faultOfClient(error.code)));
  });
  // Whoever wants a proxy gets what every unknown method gets; without a listener the connection would just end.
  server.on('connect', (_request, socket) => refuse(socket, new XynFault('request_malformed', 'This is no proxy.')));
  // RFC 9110 leaves it open whether an unknown expectation is refused: the request is answered as it is.
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
}

function refuse(socket: Duplex, fault: XynFault): void {
  const { status } = ERROR_CODES[fault.code];
  const body = JSON.stringify(errorBody(fault, null));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function listen(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off('listening', onListening);
      if (error.code === 'EADDRINUSE') resolve(false);
      else
        reject(
          new XynFault('server_start_failed', `Cannot listen on ${host}:${port}: ${error.message}`, { cause: error }),
        );
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve(true);
    };
    server.once('error', onError).once('listening', onListening).listen(port, host);
  });
}

async function listenSomewhere(server: Server, { host, port, orNext = false }: ListenOptions): Promise<void> {
  const last = orNext && port !== 0 ? Math.min(port + NEXT_PORTS, 65_535) : port;
  for (let tried = port; tried <= last; tried += 1) if (await listen(server, host, tried)) return;
  throw new XynFault('port_taken', `Port ${port} on ${host} is in use; set XYN_PORT to another one.`);
}

/** The address under which a wildcard listener is reached on this machine. */
function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

function closer(server: Server): () => Promise<void> {
  let closing: Promise<void> | undefined;
  return () =>
    (closing ??= new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
    }));
}

/**
 * Listens with bounds on time, size and number of connections.
 * @throws XynFault `port_taken`, `server_start_failed`
 */
export async function startHttpServer(listener: RequestListener, options: ListenOptions): Promise<HttpServer> {
  const limits = { ...LIMITS, ...options.limits };
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      // Bodies have bounds of their own, by route.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(CONNECTIONS_CHECK_MS, limits.headersMs),
      maxHeaderSize: limits.headerBytes,
      // Refused by the app, in its envelope.
      requireHostHeader: false,
    },
    (request, response) => {
      startBodyClock(request, response, options.bodyTimes);
      listener(request, response);
    },
  );
  server.maxConnections = limits.connections;
  // Node drops what is beyond the number; their size is bounded.
  server.maxHeadersCount = 0;
  server.timeout = limits.idleMs;
  answerClientErrors(server);
  await listenSomewhere(server, options);
  const { port } = server.address() as AddressInfo;
  return { url: urlOf(options.host, port), port, close: closer(server) };
}
