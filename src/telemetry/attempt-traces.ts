import type { Span } from '@opentelemetry/api';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { runIdOfWorkflow, stepIdOf } from '../domain/ids.js';
import { runSpanIdOf, traceIdOf } from './trace-ids.js';
import type { Tracer } from './tracer.js';

/** A span without a correlation id is better than a step that waits for one. */
const CORRELATION_MS = 500;
/** Activities that only write records. */
const TASKS = new Set(['runAction', 'runAgent']);

const active = new AsyncLocalStorage<Span>();

export interface AttemptTracesOptions {
  tracer: Tracer;
  correlationOf: (runId: string) => Promise<string | undefined>;
}

/** A span for each attempt at a step, below that of the run's start; requests of the attempt are below it. */
export function attemptTraces({ tracer, correlationOf }: AttemptTracesOptions): ActivityInterceptorsFactory {
  return ({ info }) => ({
    inbound: {
      async execute(input, next) {
        const runId = runIdOfWorkflow(info.workflowExecution?.workflowId ?? '');
        if (runId === undefined || !TASKS.has(info.activityType)) return next(input);
        // A run that cannot be looked up now keeps its spans together all the same.
        const correlationId = (await within(correlationOf(runId))) ?? runId;
        const what = input.args[0] as { action?: string; provider?: string; model?: string };
        const action = what.action ?? `agent:${what.provider ?? ''}/${what.model ?? ''}`;
        const span = tracer.begin({
          name: `${info.activityId} ${action}`,
          kind: 'internal',
          traceId: traceIdOf(correlationId),
          parentSpanId: runSpanIdOf(runId),
          attributes: {
            'xyn.run_id': runId,
            'xyn.step_id': stepIdOf(runId, info.activityId),
            'xyn.path': info.activityId,
            'xyn.attempt': info.attempt,
            'xyn.action': action,
            'xyn.correlation_id': correlationId,
          },
        });
        try {
          return await active.run(span, () => next(input));
        } catch (error) {
          tracer.fail(span, codeOf(error));
          throw error;
        } finally {
          span.end();
        }
      },
    },
  });
}

function codeOf(error: unknown): string {
  const { details, name } = error as { details?: readonly unknown[]; name?: string };
  const code = (details?.[0] as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : (name ?? 'error');
}

async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), CORRELATION_MS);
  });
  return Promise.race([answer.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}

/** A request as undici tells of it, whether its own or that of Node's `fetch`. */
interface OutgoingRequest {
  origin: string | URL;
  method: string;
  addHeader(name: string, value: string): void;
}

/**
 * A span for each HTTP request that an attempt makes, and its `traceparent` in the request. Of the address only host and port
 * are told: paths and queries may hold secrets.
 * @returns ends it.
 */
export function traceOutgoingRequests(tracer: Tracer): () => void {
  const open = new WeakMap<OutgoingRequest, Span>();
  const onCreate = (message: unknown): void => {
    const { request } = message as { request: OutgoingRequest };
    const parent = active.getStore()?.spanContext();
    if (parent === undefined) return;
    const { hostname, port, protocol } = new URL(String(request.origin));
    const span = tracer.begin({
      name: request.method,
      kind: 'client',
      traceId: parent.traceId,
      parentSpanId: parent.spanId,
      attributes: {
        'http.request.method': request.method,
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      },
    });
    const { traceId, spanId, traceFlags } = span.spanContext();
    request.addHeader('traceparent', `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`);
    open.set(request, span);
  };
  const onHeaders = (message: unknown): void => {
    const { request, response } = message as { request: OutgoingRequest; response: { statusCode: number } };
    open.get(request)?.setAttribute('http.response.status_code', response.statusCode);
  };
  const onEnd = (message: unknown): void => {
    const { request } = message as { request: OutgoingRequest };
    open.get(request)?.end();
    open.delete(request);
  };
  const onError = (message: unknown): void => {
    const { request, error } = message as { request: OutgoingRequest; error: { code?: string; name?: string } };
    const span = open.get(request);
    if (span === undefined) return;
    tracer.fail(span, error.code ?? error.name ?? 'error');
    onEnd(message);
  };
  const listeners = { create: onCreate, headers: onHeaders, trailers: onEnd, error: onError };
  for (const [name, listener] of Object.entries(listeners)) subscribe(`undici:request:${name}`, listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) unsubscribe(`undici:request:${name}`, listener);
  };
}
