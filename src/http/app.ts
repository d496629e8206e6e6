import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { XynFault } from '../domain/fault.js';
import { bytesOf, MAX_BODY_BYTES, readDocumentBody, readJsonBody, readUpload, unlessNamed } from './body.js';
import { callerOf, correlationIdOf, scopeOf, type RequestScope } from './caller.js';
import { handleErrors } from './errors.js';
import { sendFile } from './file-answer.js';
import type { Log } from './log.js';
import { describeApi } from './openapi/serve.js';
import { sendStream } from './live/send-stream.js';
import { guardOrigin } from './origin-guard.js';
import type { RequestFacts } from './request-facts.js';
import { API_PREFIX, type Route } from './route.js';
import { routesOf } from './routes.js';
import type { About } from './routes/health.js';
import type { Services } from './services.js';
import { mountUi } from './ui/mount.js';
import type { UiServices } from './ui/page.js';
import { forms, pages } from './ui/pages.js';

/** A client that stood still for so long has no use for what comes next. */
const STALL_MS = 10_000;

export interface AppOptions {
  log: Log;
  /** Version of Xyn, shown by health and status page. */
  version: string;
  /** Names and addresses, besides loopback, under which this server may be called. */
  allowedHosts: readonly string[];
  /** The operator's screens; absent: the API alone. */
  ui?: { env: { name: string; stage: string }; services: Omit<UiServices, keyof Services> };
  /** A client of a stream that takes nothing for that long is cut off, milliseconds; default 10 000. */
  stallMs?: number;
  /** Told of every request when it ended; must not throw. */
  onRequest?: (facts: RequestFacts) => void;
}

interface Context {
  services: Services;
  stallMs: number;
  log: Log;
  about: About;
}

function begin(log: Log, onRequest: AppOptions['onRequest']): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const startedAtEpoch = Date.now();
    const correlationId = correlationIdOf(request.headers);
    response.locals['correlationId'] = correlationId;
    response.set({
      'X-Correlation-Id': correlationId,
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cache-Control': 'no-store',
    });
    response.on('close', () => {
      const facts = {
        method: request.method,
        path: request.path,
        status: response.statusCode,
        duration_ms: Math.round(performance.now() - startedAt),
        correlation_id: correlationId,
        ...(response.locals['scope'] as RequestScope | undefined),
      };
      log.info(response.writableFinished ? facts : { ...facts, aborted: true }, 'request');
      onRequest?.({
        method: request.method,
        route: (request.route as { path?: string } | undefined)?.path ?? 'unmatched',
        status: response.statusCode,
        isAborted: !response.writableFinished,
        startedAt: startedAtEpoch,
        durationMs: performance.now() - startedAt,
        correlationId,
        traceparent: request.get('traceparent'),
      });
    });
    next();
  };
}

function serve({ services, stallMs }: Context, route: Route): RequestHandler {
  return async (request: Request, response: Response): Promise<void> => {
    const correlationId = response.locals['correlationId'] as string;
    const scope = scopeOf(request.headers);
    response.locals['scope'] = scope;
    if (scope.run_id !== undefined) response.set('X-Run-Id', scope.run_id);
    if (scope.step_id !== undefined) response.set('X-Step-Id', scope.step_id);
    const answer = await route.handle(services, {
      caller: callerOf(request.headers, correlationId),
      headers: request.headers,
      params: request.params,
      query: request.query,
      body: request.body as unknown,
      bytes: bytesOf(request),
    });
    if (answer.stream !== undefined) return sendStream(request, response, { stream: answer.stream, stallMs });
    if (answer.file !== undefined) return sendFile(request, response, answer.file);
    if (answer.location !== undefined) response.location(answer.location);
    // What has a correlation id of its own, e.g. a run, keeps it.
    response.status(answer.status ?? 200).json({ correlation_id: correlationId, ...answer.body });
  };
}

function refuseMethod(allow: readonly string[]): RequestHandler {
  return (request, response) => {
    response.set('Allow', allow.join(', '));
    throw new XynFault('method_not_allowed', `${request.method} is not for this path; it takes ${allow.join(', ')}.`);
  };
}

function fullPath({ prefix = API_PREFIX, path }: Route): string {
  return `${prefix}${path}`;
}

function mountApi(app: Express, context: Context): void {
  const routes = routesOf(context.about);
  app.use(describeApi(routes, context.about));
  for (const path of new Set(routes.map(fullPath))) {
    const onPath = routes.filter((route) => fullPath(route) === path);
    const mount = app.route(path);
    for (const route of onPath) {
      if (route.method === 'GET') mount.get(serve(context, route));
      else if (route.takesBytes === true)
        mount.post(
          readUpload,
          ...readJsonBody(route.maxBodyBytes ?? MAX_BODY_BYTES).map(unlessNamed),
          serve(context, route),
        );
      else if (route.body === undefined) mount.post(serve(context, route));
      else
        mount.post(
          ...(route.takesDocument ? readDocumentBody : readJsonBody(route.maxBodyBytes ?? MAX_BODY_BYTES)),
          serve(context, route),
        );
    }
    mount.all(refuseMethod(onPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))));
  }
}

function notFound(request: Request, _response: Response, next: NextFunction): void {
  const isEncoded = /%(?![0-9a-f]{2})/i.test(request.path);
  next(
    isEncoded
      ? new XynFault('path_encoding', 'The path has an invalid percent escape.')
      : new XynFault('not_found', `Nothing is at this path; the API is below ${API_PREFIX}.`),
  );
}

/** The API, and the operator's screens, as an Express app. Does not listen; see `startHttpServer`. */
export function createApp(services: Services, options: AppOptions): Express {
  const { log, version, allowedHosts, onRequest } = options;
  const stallMs = options.stallMs ?? STALL_MS;
  const context: Context = { services, log, stallMs, about: { version, startedAt: Date.now() } };
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.set('query parser', 'simple').set('trust proxy', false).set('case sensitive routing', true);
  app.use(begin(log, onRequest), guardOrigin(allowedHosts));
  mountApi(app, context);
  if (options.ui !== undefined) {
    const { env, services: more } = options.ui;
    mountUi(app, { services: { ...services, ...more }, env, version, log, pages, forms });
  }
  app.use(notFound);
  app.use(handleErrors(log));
  return app;
}
