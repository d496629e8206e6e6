import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ask, startApi, type Answer, type ApiRig } from '../../support/api-rig.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller } from '../../support/node.js';
import { describeWith } from '../../support/parts.js';
import { gate, planOf } from '../../support/plans.js';
import { testTemporal } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { testLock, testWorker } from '../../support/worker.js';

const taskQueue = `repeats-${randomUUID()}`;
let database: TestDatabase;
let api: ApiRig;
let worker: Awaited<ReturnType<typeof testWorker>>;

beforeAll(async () => {
  const { address } = await testTemporal();
  database = await freshDatabase({ poolSize: 20 });
  api = await startApi({ database, address, taskQueue });
  worker = await testWorker({ catalog: database.catalog, address, taskQueue });
  const plan = planOf([gate('ok', { require: 2 })], { id: 'bp.gate', actions: testLock });
  await api.node.blueprints.savePlan(caller(), { plan, source: '', debug: {} });
});

afterAll(async () => {
  await api.close();
  await worker.stop();
  await database.drop();
});

const post = (target: string, body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(api.server.url, 'POST', `/api/v1${target}`, { body, headers });

async function count(table: string, where = 'true'): Promise<number> {
  const { rows } = await database.catalog.pool.query(`SELECT count(*)::int AS n FROM ${table} WHERE ${where}`);
  return (rows[0] as { n: number }).n;
}

const documentOf = (host: string): Uint8Array =>
  Buffer.from(
    `id: bp.keyed\nname: Keyed\ntrigger:\n  event_type: keyed.never\nplan:\n  - id: look\n    kind: action_task\n    action: http.call\n    with: { url: 'https://${host}/' }\n`,
  );

/** One row per route that creates: how it is called, what names the result, and what it leaves. */
const creations = [
  {
    name: 'events',
    send: (key: string, tag: string) =>
      post('/events', { event_name: 'keyed.event', data: { tag } }, { 'idempotency-key': key }),
    idOf: (answer: Answer): unknown => answer.body.event_id,
    left: () => count('events', "event_name = 'keyed.event'"),
  },
  {
    name: 'runs',
    send: (key: string, tag: string) =>
      post('/runs', { blueprint_ref: 'bp.gate', name: `keyed ${tag}` }, { 'idempotency-key': key }),
    idOf: (answer: Answer): unknown => answer.body.run_id,
    left: () => count('runs', "name LIKE 'keyed %'"),
  },
  {
    name: 'artifacts in JSON',
    send: (key: string, tag: string) =>
      post('/artifacts', { name: 'keyed', content_base64: 'AAAA', metadata: { tag } }, { 'idempotency-key': key }),
    idOf: (answer: Answer): unknown => answer.body.artifact_id,
    left: () => count('artifacts', "name = 'keyed'"),
  },
  {
    name: 'artifacts as bytes',
    send: (key: string, tag: string) =>
      post('/artifacts?name=keyed.bin', Buffer.from(tag), {
        'idempotency-key': key,
        'content-type': 'application/octet-stream',
      }),
    idOf: (answer: Answer): unknown => answer.body.artifact_id,
    left: () => count('artifacts', "name = 'keyed.bin'"),
  },
  {
    name: 'blueprints',
    send: (key: string, tag: string) =>
      post('/blueprints', documentOf(tag), { 'idempotency-key': key, 'content-type': 'text/yaml' }),
    idOf: (answer: Answer): unknown => [answer.body.version, answer.body.digest, answer.body.created],
    left: () => count('blueprint_versions', "blueprint_id = 'bp.keyed'"),
  },
];

/** The first answer that is no "come back later", which a machine under load may give: a key makes the repeat harmless. */
const accepted = (send: () => Promise<Answer>): Promise<Answer> =>
  until('the server has time', async () => {
    const answer = await send();
    return answer.status !== 503 && answer;
  });

describeWith('temporal')('a POST that creates', () => {
  it.each(creations)('$name: 50 parallel calls with one key make one and get one answer', async (creation) => {
    const { send, idOf, left } = creation;
    const key = `k ${randomUUID()}`;
    const answers = await Promise.all(Array.from({ length: 50 }, () => accepted(() => send(key, 'a.example'))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 201));
    expect(new Set(answers.map((answer) => JSON.stringify(idOf(answer)))).size).toBe(1);
    expect(await left()).toBe(1);
    const later = await send(key, 'a.example');
    expect([later.status, idOf(later)]).toEqual([201, idOf(answers[0] as Answer)]);
    const other = await send(key, 'b.example');
    expect([other.status, other.body.error?.code]).toEqual([422, 'idempotency_mismatch']);
    expect(await left()).toBe(1);
    expect((await send(`k ${randomUUID()}`, 'b.example')).status).toBe(201);
    expect(await left()).toBe(2);
  });

  it('takes one of two documents that come with one key at once', async () => {
    const key = randomUUID();
    const hosts = Array.from({ length: 20 }, (_, ix) => `race-${ix % 2}.example`);
    const answers = await Promise.all(
      hosts.map((host) =>
        accepted(() => post('/blueprints', documentOf(host), { 'idempotency-key': key, 'content-type': 'text/yaml' })),
      ),
    );
    const won = hosts.filter((_, ix) => answers[ix]?.status === 201);
    expect(new Set(won).size).toBe(1);
    const lost = answers.filter(({ status }) => status !== 201);
    expect(lost.map(({ body }) => String(body.error.code))).toEqual(
      Array.from({ length: 10 }, () => 'idempotency_mismatch'),
    );
    expect(await count('blueprint_versions', "source LIKE '%race-%'")).toBe(1);
  });

  it.each(['', ' a', 'x'.repeat(256), 'a\tb'])('refuses the key %j', async (key) => {
    const answer = await post('/events', { event_name: 'a.b' }, { 'idempotency-key': key });
    // A client may cut off spaces around a header's value: what then comes is another key, or none.
    expect([400, 201]).toContain(answer.status);
    if (key.trim() === key) expect([answer.status, answer.body.error.code]).toEqual([400, 'idempotency_key_invalid']);
  });
});

describeWith('temporal')('a POST that can be repeated by nature', () => {
  async function openGate(): Promise<{ run_id: string; gate_id: string }> {
    const { body } = await post('/runs', { blueprint_ref: 'bp.gate' });
    const run_id = body.run_id as string;
    return until('the gate opens', async () => {
      const page = await ask(api.server.url, 'GET', `/api/v1/gates?run_id=${run_id}&status=open`);
      const [one] = page.body.items as { gate_id: string }[];
      return one && { run_id, gate_id: one.gate_id };
    });
  }

  it('decides once, however often the person says so', async () => {
    const { gate_id } = await openGate();
    const decide = () => post(`/gates/${gate_id}/decide`, { decision: 'approve', reason: 'fine' });
    const answers = [...(await Promise.all([decide(), decide(), decide(), decide()])), await decide()];
    expect(new Set(answers.map(({ body }) => String(body.decision_id))).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await count('gate_decisions', `gate_id = '${gate_id}'`)).toBe(1);
    expect(await count('audit_log', `resource_id = '${gate_id}' AND action = 'gate.decide'`)).toBe(1);
  });

  it('cancels once, and an ended run stays as it is', async () => {
    const { run_id } = await openGate();
    const cancel = (reason: string) => post(`/runs/${run_id}/cancel`, { reason });
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(cancel));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await count('audit_log', `resource_id = '${run_id}' AND action = 'run.cancel'`)).toBe(1);
    const ended = await until('the run ends', async () => {
      const { body } = await ask(api.server.url, 'GET', `/api/v1/runs/${run_id}`);
      return body.status === 'cancelled' && (body as { completed_at: string });
    });
    const again = await cancel('e');
    expect([again.status, again.body.status, again.body.completed_at]).toEqual([200, 'cancelled', ended.completed_at]);
    expect(await count('audit_log', `resource_id = '${run_id}' AND action = 'run.cancel'`)).toBe(1);
  });
});

describeWith('temporal')('an action by itself', () => {
  const execute = (body: object): Promise<Answer> =>
    ask(api.server.url, 'POST', '/api/internal/actions/execute', { body });

  it('is carried out once, as a run', async () => {
    const request_id = randomUUID();
    const call = { request_id, action: 'http.call', with: { url: 'https://adhoc.example/' } };
    const answers = await Promise.all(Array.from({ length: 10 }, () => accepted(() => execute(call))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    const [runId, ...others] = new Set(answers.map(({ body }) => String(body.run.run_id)));
    expect(others).toEqual([]);
    expect(answers[0]?.body).toMatchObject({ request_id, run: { blueprint_id: 'adhoc.http.call', name: 'http.call' } });
    expect(answers[0]?.headers.get('location')).toBe(`/api/v1/runs/${runId}`);
    const other = await execute({ ...call, with: { url: 'https://other.example/' } });
    expect([other.status, other.body.error.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it('is refused when there is none, or its input does not fit', async () => {
    const unknown = await execute({ request_id: randomUUID(), action: 'no.such' });
    expect([unknown.status, unknown.body.error.code]).toEqual([422, 'action_unknown']);
    const misfit = await execute({ request_id: randomUUID(), action: 'http.call', with: { url: 7 } });
    expect(misfit.status).toBe(422);
    expect(await count('blueprints', "blueprint_id = 'adhoc.no.such'")).toBe(0);
  });
});
