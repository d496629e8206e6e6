import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Registry } from 'prom-client';
import { parse } from 'yaml';
import { readBacklog } from '../../src/catalog/backlog.js';
import { writeRecords } from '../../src/catalog/records.js';
import type { RunDto } from '../../src/domain/dtos.js';
import { createApp } from '../../src/http/app.js';
import { startHttpServer, type HttpServer } from '../../src/http/server.js';
import { RecordBuffer } from '../../src/services/record-buffer.js';
import { catalogMetrics, poolMetrics } from '../../src/telemetry/catalog-metrics.js';
import { metricsEndpoint } from '../../src/telemetry/metrics-endpoint.js';
import { observedRecords } from '../../src/telemetry/observed-records.js';
import { recordMetrics } from '../../src/telemetry/record-metrics.js';
import { createRegistry } from '../../src/telemetry/registry.js';
import { requestMetrics } from '../../src/telemetry/request-metrics.js';
import { serviceMetrics } from '../../src/telemetry/service-metrics.js';
import { stepMetrics } from '../../src/telemetry/step-metrics.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { fakeServices } from '../support/fake-services.js';
import { silentLog } from '../support/node.js';
import { endOf, insertRun, startOf, transitionsOf } from '../support/records.js';
import { until } from '../support/until.js';

let database: TestDatabase;
let api: Registry;
let worker: Registry;
let servers: HttpServer[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  api = createRegistry({ part: 'api', version: '1' });
  poolMetrics(api, database.catalog.pool);
  catalogMetrics(api, () => readBacklog(database.catalog));
  const observer = serviceMetrics(api);
  observer.eventMatched(20);
  observer.runStarted({ created_at: new Date(1_000).toISOString() } as RunDto, 1_030);
  observer.decisionAnswered('applied', 12);
  worker = createRegistry({ part: 'worker', version: '1' });
  poolMetrics(worker, database.catalog.pool);
  recordMetrics(worker, {
    pending: 3,
    stalledMs: 1_500,
    counts: { written: 10, refused: 1, dropped: 2 },
  });
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await (database as TestDatabase | undefined)?.drop();
});

async function listen(listener: Parameters<typeof startHttpServer>[0]): Promise<string> {
  const server = await startHttpServer(listener, { host: '127.0.0.1', port: 0 });
  servers = [...servers, server];
  return server.url;
}

/** The value of a series, as it is written: `name{label="value"}`. */
async function valueOf(registry: Registry, series: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('requests', () => {
  it('are counted by the template of their route, never by what somebody wrote', async () => {
    const onRequest = requestMetrics(api);
    const { services } = fakeServices();
    const url = await listen(createApp(services, { log: silentLog, version: '1', allowedHosts: [], onRequest }));
    for (const path of ['/api/v1/runs', `/api/v1/runs/${randomUUID()}`, `/api/v1/runs/${randomUUID()}`, '/wp-admin']) {
      await (await fetch(url + path)).text();
    }
    const count = (labels: string) => valueOf(api, `xyn_http_request_duration_seconds_count{${labels}}`);
    await until('the last is counted', async () => (await count('method="GET",route="unmatched",status="404"')) === 1);
    expect(await count('method="GET",route="/api/v1/runs",status="200"')).toBe(1);
    expect(await count('method="GET",route="/api/v1/runs/:run_id",status="404"')).toBe(2);
    expect(await api.metrics()).not.toContain('wp-admin');
  });
});

describe('the catalog', () => {
  it('tells what waits, and how long', async () => {
    const runId = await insertRun(database.catalog);
    const at = Date.now() - 60_000;
    const kind = { t: 'gate', status: 'open', purpose: 'approval', require: 1, reject: 1, reason: 'optional' } as const;
    await writeRecords(database.catalog, transitionsOf(runId, { ...kind, seq: 1, at, path: 'ok', id: 'ok' }));
    const backlog = await readBacklog(database.catalog);
    expect(backlog.gates).toMatchObject({ approval: 1, recovery: 0 });
    expect(backlog.gates.oldestAgeSeconds).toBeGreaterThan(59);
    expect(backlog.runs.created + backlog.runs.running).toBe(1);
    expect(backlog.outbox.events).toBeGreaterThan(0);
    expect(backlog.audit.unlinked).toBeGreaterThan(0);
    await until('a new look', async () => (await valueOf(api, 'xyn_gates_open{purpose="approval"}')) === 1);
    expect(await valueOf(api, 'xyn_postgres_up')).toBe(1);
  });

  it('leaves its gauges out while Postgres is away', async () => {
    const registry = createRegistry({ part: 'api', version: '1' });
    catalogMetrics(registry, () => Promise.reject(new Error('away')));
    const text = await registry.metrics();
    expect(text).toContain('xyn_postgres_up 0');
    expect(text).not.toMatch(/^xyn_(outbox|gates|runs|audit)[a-z_]*(\{.*\})? /m);
  });
});

describe('steps', () => {
  it('are counted by action, outcome and code, and a hostile blueprint makes no endless series', async () => {
    const measure = stepMetrics(worker);
    const written: string[] = [];
    const sink = observedRecords({ end: (end: { action: string }) => void written.push(end.action) } as never, measure);
    sink.end(endOf('r', { footprints: [{ metric: 'tokens_in', quantity: 7, unit: 'tokens' }] }));
    const error = { code: 'timeout', message: 'm', step: 'fix', retryable: true, at: '' } as never;
    sink.end({ ...startOf('r'), ended_at: startOf('r').started_at + 900, status: 'failed', error, footprints: [] });
    for (let number = 0; number < 300; number += 1) sink.end(endOf('r', { action: `agent:x/${number}` }));
    expect(written).toHaveLength(302);
    expect(await valueOf(worker, 'xyn_step_attempts_total{action="http.call",outcome="completed"}')).toBe(1);
    expect(await valueOf(worker, 'xyn_step_attempts_total{action="http.call",outcome="failed"}')).toBe(1);
    expect(await valueOf(worker, 'xyn_step_errors_total{action="http.call",code="timeout"}')).toBe(1);
    expect(await valueOf(worker, 'xyn_step_usage_total{action="http.call",metric="tokens_in"}')).toBe(7);
    expect(await valueOf(worker, 'xyn_step_attempt_duration_seconds_count{action="http.call"}')).toBe(2);
    expect(await valueOf(worker, 'xyn_step_attempts_total{action="other",outcome="completed"}')).toBe(101);
  });

  it('show how long records wait for a Postgres that does not take them', async () => {
    let takes = false;
    const writer = {
      write: () => (takes ? Promise.resolve() : Promise.reject(new Error('away'))),
      isRefusal: () => false,
    };
    const buffer = new RecordBuffer({ writer, log: silentLog, lingerMs: 1 });
    expect(buffer.stalledMs).toBe(0);
    buffer.end(endOf('r'));
    await until('time passes', () => buffer.stalledMs > 30);
    takes = true;
    await buffer.flush(30_000);
    expect(buffer.stalledMs).toBe(0);
    await buffer.close();
  });
});

describe('GET /metrics', () => {
  const promtool = spawnSync('promtool', ['--version']).error === undefined;
  const check = (args: string[], input: string): string => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
    return status === 0 ? '' : stdout + stderr;
  };

  it('is clean to the linter of Prometheus', async () => {
    for (const registry of [api, worker]) {
      const url = await listen(metricsEndpoint(registry, () => undefined));
      const answer = await fetch(`${url}/metrics`);
      const text = await answer.text();
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      if (promtool) expect(check(['check', 'metrics'], text)).toBe('');
      const names = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name = '', type]) => ({ name, type }));
      for (const { name, type } of names.filter((one) => one.name.startsWith('xyn_'))) {
        expect(text).toMatch(new RegExp(`^# HELP ${name} \\S.*$`, 'm'));
        expect({ name, total: name.endsWith('_total') }).toEqual({ name, total: type === 'counter' });
        if (/_(age|lag|duration|answer|stalled)_/.test(name)) expect(name).toMatch(/_seconds$/);
      }
    }
  });

  it('answers nothing else', async () => {
    const url = await listen(metricsEndpoint(api, () => undefined));
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const rulesFile = fileURLToPath(new URL('../../docs/prometheus-rules.yml', import.meta.url));

  it('is what docs/operations.md lists', async () => {
    const shown = new Set([...page.matchAll(/^\| `(xyn_[a-z_]+)`/gm)].map(([, name]) => name));
    const metrics = [...(await api.getMetricsAsJSON()), ...(await worker.getMetricsAsJSON())];
    const real = new Set(metrics.map(({ name }) => name).filter((name) => name.startsWith('xyn_')));
    expect([...shown].sort()).toEqual([...real].sort());
  });

  it('has example rules that Prometheus takes and that name real metrics', async () => {
    const text = readFileSync(rulesFile, 'utf8');
    if (promtool) expect(check(['check', 'rules', rulesFile], '')).toBe('');
    const { groups } = parse(text) as { groups: { rules: { alert: string; expr: string; annotations: object }[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    const scraped = (await api.metrics()) + (await worker.metrics());
    for (const { alert, expr, annotations } of rules) {
      expect({ alert, annotations }).toMatchObject({ annotations: { summary: expect.any(String) as unknown } });
      for (const [name] of expr.matchAll(/\b(xyn|process|nodejs)_[a-z0-9_]+/g)) {
        expect({ alert, name, isThere: scraped.includes(`\n${name}{`) || scraped.includes(`\n${name} `) }).toEqual({
          alert,
          name,
          isThere: true,
        });
      }
      expect(page).toContain(alert);
    }
  });
});
