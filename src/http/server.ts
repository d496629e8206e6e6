import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ERROR_CODES } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import { startBodyClock, type BodyTimes } from './body-clock.js';
import { errorBody } from './errors.js';

/** A client that sends its headers slowly is cut off; for the bodies see `startBodyClock`. */
const HEADERS_TIMEOUT_MS = 5_000;
/** Node's own bound is one for all requests, and uploads may take longer than others. */
const NO_REQUEST_TIMEOUT_MS = 0;
const CONNECTIONS_CHECK_MS = 1_000;
const MAX_HEADER_BYTES = 16_384;
const MAX_CONNECTIONS = 1_000;
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
    return new XynFault('request_timeout', 'The headers of the request did not arrive within 5 s.');
  }
  return new XynFault('request_malformed', 'What came is not HTTP.');
}

/** Answers what never became a request, since no handler sees it. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const fault = faultOfClient(error.code);
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
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: NO_REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      startBodyClock(request, response, options.bodyTimes);
      listener(request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', answerClientError);
  await listenSomewhere(server, options);
  const { port } = server.address() as AddressInfo;
  return { url: urlOf(options.host, port), port, close: closer(server) };
}
