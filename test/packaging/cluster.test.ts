import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { emptyDatabase, type EmptyDatabase } from '../support/database.js';
import { describeWith } from '../support/parts.js';
import { Sink } from '../support/sink.js';
import { noteTemporalServer, startPostgresTemporal, type PostgresTemporal } from '../support/temporal-server.js';
import { until } from '../support/until.js';
import { startXyn, type XynProcess } from '../support/xyn-process.js';

await noteTemporalServer();
const RUNS = 50;
const DRAIN_MS = 30_000;
const EMIT_MS = 90_000;
let database: EmptyDatabase;
let temporal: PostgresTemporal;
let sink: Sink;
let dir: string;
let apis: XynProcess[] = [];
let workers: XynProcess[] = [];

const start = (program: 'xyn-api' | 'xyn-worker', number: number): Promise<XynProcess> =>
  startXyn(
    program,
    {
      HOME: dir,
      DATABASE_URL: database.url,
      ...(program === 'xyn-api' ? { DATABASE_OWNER_URL: database.ownerUrl, XYN_PORT: '0' } : {}),
      TEMPORAL_ADDRESS: temporal.address,
      XYN_STATE_DIR: path.join(dir, 'state'),
    },
    path.join(dir, `${program}-${number}.log`),
  );

async function call(
  api: XynProcess,
  route: string,
  body?: object | string,
  headers: Record<string, string> = {},
): Promise<{ status: number; items: unknown[] }> {
  const type = typeof body === 'string' ? 'text/yaml' : 'application/json';
  const answer = await fetch(`${api.url}/api/v1${route}`, {
    ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { 'content-type': type, ...headers },
    signal: AbortSignal.timeout(5_000),
  });
  const { items = [] } = (await answer.json()) as { items?: unknown[] };
  return { status: answer.status, items };
}

/** Gives an event to one API after the other until one of them has taken it, as senders of events do. */
async function emit(name: string, n: string): Promise<void> {
  let turn = Number(n);
  let last = 'not asked';
  const taken = async (): Promise<boolean> => {
    const api = apis[(turn += 1) % apis.length] as XynProcess;
    const key = { 'idempotency-key': `${name} ${n}` };
    const status = await call(api, '/events', { event_name: name, data: { n } }, key).then(
      (answer) => answer.status,
      (error: unknown) => String(error),
    );
    last = String(status);
    return status === 200 || status === 201 || status === 202;
  };
  await until('an API takes the event', taken, EMIT_MS).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${last}`, { cause: error });
  });
}

const post = (id: string): string => `
  - kind: action_task
    id: ${id}
    action: http.call
    with: {url: '${sink.url(`/${id}`)}', method: POST, idempotency_header: Idempotency-Key, body: '{{inputs.n}}'}`;

describeWith('go')('several processes on a Temporal server with Postgres', () => {
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'xyn-cluster-'));
    database = await emptyDatabase();
    temporal = await startPostgresTemporal(database.ownerUrl);
    sink = await Sink.start();
    // Both at once: they migrate the same empty database.
    apis = await Promise.all([start('xyn-api', 1), start('xyn-api', 2)]);
    workers = await Promise.all([start('xyn-worker', 1), start('xyn-worker', 2)]);
    for (const [id, steps] of [
      ['cluster.work', ['first', 'second', 'third']],
      ['cluster.slow', ['slow']],
    ] as const) {
      const document = `id: ${id}\nname: ${id}\ntrigger: {event_type: ${id}}\ninputs: [{name: n}]\nplan:${steps.map(post).join('')}\n`;
      const answer = await call(apis[0] as XynProcess, '/blueprints', document);
      if (answer.status >= 300) throw new Error(`${id} is refused: ${answer.status}`);
    }
  }, 30 * 60_000);

  afterAll(async () => {
    const all = [...apis, ...workers];
    for (const { process: child } of all) child.kill('SIGKILL');
    await Promise.all(all.map(({ ended }) => ended));
    await (sink as Sink | undefined)?.close();
    await (temporal as PostgresTemporal | undefined)?.stop();
    await (database as EmptyDatabase | undefined)?.drop();
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  it(`completes ${RUNS} runs, each effect once, while one API and one worker are killed`, async () => {
    const emitted = Promise.all(Array.from({ length: RUNS }, (_, ix) => emit('cluster.work', String(ix))));
    await until('work has begun', () => sink.effects('/first').length > 5, 60_000);
    workers[0]?.process.kill('SIGKILL');
    apis[0]?.process.kill('SIGKILL');
    await emitted;
    const api = apis[1] as XynProcess;
    await until(
      'all runs have completed',
      async () => {
        const { items } = await call(api, '/runs?status=completed&limit=100');
        return items.length === RUNS;
      },
      120_000,
    );
    for (const step of ['/first', '/second', '/third']) {
      const seen = sink.effects(step).map(({ body }) => body);
      expect([seen.length, new Set(seen).size]).toEqual([RUNS, RUNS]);
    }
    expect((await call(api, '/runs?limit=100')).items).toHaveLength(RUNS);
  });

  it('drains on SIGTERM: the step that runs ends, then the process', async () => {
    const hold = sink.hold('/slow', 'beforeEffect');
    await emit('cluster.slow', '1');
    await hold.reached;
    const worker = workers[1] as XynProcess;
    const began = Date.now();
    worker.process.kill('SIGTERM');
    await until('the worker stops', async () => (await worker.log()).includes('stopping'));
    hold.release();
    expect(await worker.ended).toBe(0);
    expect(Date.now() - began).toBeLessThan(DRAIN_MS);
    workers.push(await start('xyn-worker', 3));
    const api = apis[1] as XynProcess;
    await until(
      'the run has completed',
      async () => {
        const { items } = await call(api, '/runs?status=completed&limit=100');
        return items.length === RUNS + 1;
      },
      60_000,
    );
    expect(sink.calls.filter((one) => one.path === '/slow')).toHaveLength(1);
    api.process.kill('SIGTERM');
    expect(await api.ended).toBe(0);
  });
});
