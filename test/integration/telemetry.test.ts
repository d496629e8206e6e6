import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { nextFreePort } from '../../src/servers/free-port.js';
import { describeWith } from '../support/parts.js';
import { encodingsOf } from '../support/secret-encodings.js';
import { until } from '../support/until.js';
import { XynProcesses } from '../support/xyn-processes.js';

const CANARY = 'Canary-9f/+<a>-5b2c';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_SPAN = '00f067aa0ba902b7';

interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  service: string;
  status: number;
}
interface OtlpBody {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: (Omit<CollectedSpan, 'service' | 'status'> & { status: { code?: number } })[] }[];
  }[];
}

const spans: CollectedSpan[] = [];
const traceparents: string[] = [];
let collected = '';
let xyn: XynProcesses;
let collector: Server;
let target: Server;
let sdkPort: number;

const listen = async (server: Server): Promise<Server> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};
const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function collect(body: string): void {
  collected += body;
  for (const { resource, scopeSpans } of (JSON.parse(body) as OtlpBody).resourceSpans) {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
      spans.push({ ...span, service, status: span.status.code ?? 0 });
    }
  }
}

/** Fails once, then answers; what it answers repeats the secret that it was sent. */
const targetServer = (): Server =>
  createServer((request, response) => {
    traceparents.push(String(request.headers.traceparent));
    response.statusCode = traceparents.length === 1 ? 503 : 200;
    response.setHeader('content-type', 'text/plain').end(`you sent ${request.headers.authorization ?? 'nothing'}`);
  });

const collectorServer = (): Server =>
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces') collect(Buffer.concat(chunks).toString('utf8'));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

const document = (url: string): string => `
id: bp.telemetry
name: Telemetry
trigger:
  event_type: test.telemetry
plan:
  - kind: action_task
    id: ask
    action: http.call
    with:
      url: ${url}
      auth:
        bearer: { secret: canary }
`;

async function api(path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const answer = await fetch(`${xyn.apiUrl}/api/v1${path}`, init);
  expect({ path, ok: answer.ok }).toEqual({ path, ok: true });
  return (await answer.json()) as Record<string, unknown>;
}

/** All lines of a process's log; every one must be JSON. */
async function logOf(part: 'api' | 'worker'): Promise<Record<string, unknown>[]> {
  const file = xyn.logFiles.find((name) => name.endsWith(`${part}.log`)) ?? '';
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

it('a process without traces loads nothing of the SDK of OpenTelemetry', () => {
  const modules = ['tracer', 'api-traces', 'attempt-traces'].map(
    (name) => new URL(`../../dist/src/telemetry/${name}.js`, import.meta.url).href,
  );
  const program = `
    import { createRequire } from 'node:module';
    await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)));
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter((file) => /@opentelemetry.(sdk|exporter|otlp)/.test(file)).length);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' });
});

describeWith('temporal')('an installation that is watched', () => {
  let runId = '';

  beforeAll(async () => {
    collector = await listen(collectorServer());
    target = await listen(targetServer());
    sdkPort = await nextFreePort(19_464);
    xyn = await XynProcesses.start({
      name: 'telemetry',
      shared: true,
      env: {
        XYN_LOG_LEVEL: 'debug',
        OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(collector),
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
      workerEnv: { XYN_SECRET_CANARY: CANARY, XYN_SDK_METRICS: `127.0.0.1:${sdkPort}` },
    });
    await api('/blueprints', {
      method: 'POST',
      headers: { 'content-type': 'text/yaml' },
      body: document(urlOf(target)),
    });
    const event = await api('/events', {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${TRACE}-${CALLER_SPAN}-01` },
      body: JSON.stringify({ event_name: 'test.telemetry', data: {} }),
    });
    runId = (event['verdicts'] as { run_id: string }[])[0]?.run_id ?? '';
    await until('the run has ended', async () => {
      const { status, error } = await api(`/runs/${runId}`);
      if (status === 'failed') throw new Error(JSON.stringify(error));
      return status === 'completed';
    });
  });

  afterAll(async () => {
    await (xyn as XynProcesses | undefined)?.stopAll();
    collector.close();
    target.close();
  });

  it('makes one trace from the caller over API and worker to the target', async () => {
    const client = await until('all spans are collected', () => {
      const mine = spans.filter(({ traceId }) => traceId === TRACE);
      return mine.filter(({ name }) => name === 'GET').length === 2 && mine.length >= 6 ? mine : undefined;
    });
    const named = (name: string): CollectedSpan[] => client.filter((span) => span.name === name);
    const [request] = named('POST /api/v1/events');
    const [start] = named('start bp.telemetry');
    const attempts = named('ask http.call');
    const calls = named('GET');
    expect(request).toMatchObject({ parentSpanId: CALLER_SPAN, service: 'xyn-api' });
    expect(start).toMatchObject({ parentSpanId: request?.spanId, service: 'xyn-api' });
    expect(attempts.map(({ parentSpanId, status, service }) => ({ parentSpanId, status, service }))).toEqual([
      { parentSpanId: start?.spanId, status: 2, service: 'xyn-worker' },
      { parentSpanId: start?.spanId, status: 0, service: 'xyn-worker' },
    ]);
    expect(calls.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(({ spanId }) => spanId));
    expect(traceparents).toEqual(calls.map(({ spanId }) => `00-${TRACE}-${spanId}-01`));
  });

  it('logs lines of JSON with the ids of run, step and correlation', async () => {
    const lines = await until('the attempts are logged', async () => {
      const found = (await logOf('worker')).filter(({ msg }) => String(msg).startsWith('attempt '));
      return found.length >= 2 ? found : undefined;
    });
    const steps = (await api(`/runs/${runId}/steps`))['items'] as { step_id: string }[];
    const ids = { run_id: runId, step_id: steps[0]?.step_id, path: 'ask', correlation_id: TRACE, name: 'worker' };
    expect(lines[0]).toMatchObject({ ...ids, msg: 'attempt failed', level: 'info', attempt: 1, code: 'http_status' });
    expect(lines[1]).toMatchObject({ ...ids, msg: 'attempt completed', level: 'debug', attempt: 2 });
    const requests = (await logOf('api')).filter(({ msg }) => msg === 'request');
    expect(requests.find(({ path }) => path === '/api/v1/events')).toMatchObject({ correlation_id: TRACE });
  });

  it("has Temporal's own lines in the same form", async () => {
    const lines = (await logOf('worker')).filter((line) => 'sdk' in line);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatchObject({ name: 'worker', level: expect.any(String) as unknown });
  });

  it('serves the metrics of all three sources', async () => {
    const urls = [...(await logOf('api')), ...(await logOf('worker'))].filter(({ msg }) => msg === 'serving metrics');
    const [ofApi = '', ofWorker = ''] = await Promise.all(
      urls.map(async ({ url }) => (await fetch(String(url))).text()),
    );
    expect(ofApi).toMatch(/^xyn_run_start_lag_seconds_count 1$/m);
    expect(ofApi).toMatch(/^xyn_http_request_duration_seconds_count\{.*route="\/api\/v1\/events",status="201"\} 1$/m);
    expect(ofWorker).toMatch(/^xyn_step_attempts_total\{action="http.call",outcome="failed"\} 1$/m);
    expect(ofWorker).toMatch(/^xyn_step_attempts_total\{action="http.call",outcome="completed"\} 1$/m);
    const ofSdk = await (await fetch(`http://127.0.0.1:${sdkPort}/metrics`)).text();
    expect(ofSdk).toMatch(/^temporal_worker_task_slots_available\{/m);
    expect(ofSdk).toMatch(/^temporal_activity_execution_latency_seconds_count\{/m);
    for (const text of [ofApi, ofWorker, ofSdk])
      for (const form of encodingsOf(CANARY)) expect(text).not.toContain(form.text);
  });

  it('lets no secret that a step used into logs, errors, results or traces', async () => {
    const texts = await Promise.all(xyn.logFiles.map((file) => readFile(file, 'utf8')));
    const records = await Promise.all([`/runs/${runId}`, `/runs/${runId}/steps`].map((path) => api(path)));
    expect(JSON.stringify(records)).toContain('you sent Bearer [redacted]');
    const all = [...texts, JSON.stringify(records), collected].join('\n');
    for (const form of [...encodingsOf(CANARY).map(({ text }) => text), ...xyn.passwords])
      expect(all).not.toContain(form);
  });
});
