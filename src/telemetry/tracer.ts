import type { Context, Link, Span, SpanKind } from '@opentelemetry/api';

/** A span to begin. */
export interface SpanRequest {
  name: string;
  kind: 'server' | 'client' | 'internal';
  traceId: string;
  /** Absent: any. */
  spanId?: string;
  parentSpanId?: string | undefined;
  link?: { traceId: string; spanId: string } | undefined;
  /** Milliseconds since the epoch; default now. */
  startedAt?: number;
  attributes: Record<string, string | number | boolean>;
}

/** Where spans go. */
export interface Tracer {
  begin(request: SpanRequest): Span;
  /** Marks a span as failed by a code; messages stay out, since they may say anything. */
  fail(span: Span, code: string): void;
  /** Sends what is left, for at most 5 s. Never rejects. */
  close(): Promise<void>;
}

export interface TracerOptions {
  /** Base URL of the collector, without `/v1/traces`. */
  endpoint: string;
  part: 'api' | 'worker';
  version: string;
  envId: string;
  stage: string;
  /** Share of traces that is sent, 0 to 100; all processes choose the same ones. */
  percent: number;
  onError: (message: string) => void;
}

const CLOSE_MS = 5_000;
const EXPORT_MS = 5_000;

/** Loads OpenTelemetry, which a process without traces never does: several hundred modules. */
export async function startTracer(options: TracerOptions): Promise<Tracer> {
  const [api, { node, resources }, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const ids = chosenIds();
  const url = `${options.endpoint.replace(/\/+$/, '')}/v1/traces`;
  const provider = new node.NodeTracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': `xyn-${options.part}`,
      'service.version': options.version,
      'deployment.environment.name': options.envId,
      'xyn.stage': options.stage,
    }),
    sampler: new node.TraceIdRatioBasedSampler(options.percent / 100),
    idGenerator: ids,
    spanProcessors: [new node.BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MS }))],
  });
  const say = (message: string): void => options.onError(message);
  const quiet = (): void => undefined;
  api.diag.setLogger({ error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }, api.DiagLogLevel.WARN);
  const tracer = provider.getTracer('xyn', options.version);
  const kinds: Record<SpanRequest['kind'], SpanKind> = {
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    internal: api.SpanKind.INTERNAL,
  };
  const parentOf = ({ traceId, parentSpanId }: SpanRequest): Context =>
    parentSpanId === undefined
      ? api.ROOT_CONTEXT
      : api.trace.setSpanContext(api.ROOT_CONTEXT, {
          traceId,
          spanId: parentSpanId,
          traceFlags: api.TraceFlags.SAMPLED,
          isRemote: true,
        });
  return {
    begin(request) {
      const { name, kind, startedAt, attributes, link } = request;
      const links: Link[] = link === undefined ? [] : [{ context: { ...link, traceFlags: api.TraceFlags.SAMPLED } }];
      ids.choose(request);
      const start = startedAt === undefined ? {} : { startTime: startedAt };
      return tracer.startSpan(name, { kind: kinds[kind], attributes, links, ...start }, parentOf(request));
    },
    fail(span, code) {
      span.setStatus({ code: api.SpanStatusCode.ERROR, message: code });
      span.setAttribute('error.type', code);
    },
    async close() {
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch((error: unknown) => say(String(error))), timeout]);
    },
  };
}

/** Gives the ids that the next span was promised; spans begin synchronously, so no other can come between. */
function chosenIds(): {
  choose(ids: { traceId: string; spanId?: string }): void;
  generateTraceId(): string;
  generateSpanId(): string;
} {
  let next: { traceId: string; spanId?: string } = { traceId: '' };
  return {
    choose: (ids) => (next = ids),
    generateTraceId: () => next.traceId,
    generateSpanId: () => next.spanId ?? randomSpanId(),
  };
}

function randomSpanId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  // All zeros means "none".
  bytes[0] = (bytes[0] ?? 0) || 1;
  return Buffer.from(bytes).toString('hex');
}
