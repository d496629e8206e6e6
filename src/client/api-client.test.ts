import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startContractServer } from '../../test/support/api-contract.js';
import { fakeGate, fakeRun, fakeServices, fakeStep, type FakeWorld } from '../../test/support/fake-services.js';
import { createApp } from '../http/app.js';
import type { HttpServer } from '../http/server.js';
import { allOf, ApiClient, XynFault } from './index.js';

const quiet = (): void => undefined;
const log = { info: quiet, warn: quiet, error: quiet };

describe('the client', () => {
  let world: FakeWorld;
  let server: HttpServer;
  let client: ApiClient;

  beforeEach(async () => {
    const fake = fakeServices();
    world = fake.world;
    server = await startContractServer(createApp(fake.services, { log, version: '1', allowedHosts: [] }));
    client = new ApiClient({ url: server.url, actor: 'ann', retries: 0 });
  });
  afterEach(() => server.close());

  it('goes through all pages', async () => {
    world.runs = Array.from({ length: 450 }, () => fakeRun({ status: 'failed' }));
    const seen: string[] = [];
    for await (const run of allOf((page) => client.listRuns({ status: 'failed', ...page }))) seen.push(run.run_id);
    expect(seen).toEqual(world.runs.map((run) => run.run_id));
  });

  it('sends who calls, and a key with everything that makes something', async () => {
    await client.emitEvent({ event_name: 'a.b', data: { n: 1 } });
    await client.startRun({ blueprint_ref: 'bp.remediate', inputs: {} }, 'my key');
    await client.createArtifact({ name: 'a.txt', kind: 'report' }, Buffer.from('abc'), { contentType: 'text/plain' });
    const [event, run, artifact] = world.calls;
    expect(event).toMatchObject({
      caller: { actor: 'ann', source: 'api' },
      args: { idempotencyKey: expect.any(String) },
    });
    expect(run?.args).toMatchObject({ idempotencyKey: 'my key' });
    expect(artifact?.args).toMatchObject({
      content_type: 'text/plain',
      byte_length: 3,
      idempotencyKey: expect.any(String),
    });
  });

  it('shows what else there is', async () => {
    const step = fakeStep();
    world.runs = [fakeRun({ run_id: step.run_id })];
    world.steps = [step];
    expect((await client.getStep(step.run_id, step.step_id)).attempt_log).toEqual([]);
    expect((await client.listFootprints(step.run_id)).totals[0]).toMatchObject({ metric: 'tokens_in', quantity: 7 });
    expect((await client.listAudit({ action: 'event.emit' })).items).toHaveLength(1);
    expect(await client.verifyAudit()).toMatchObject({ ok: true });
    expect((await client.getHealth()).status).toBe('ok');
  });

  it('throws what the server answers, with its code and correlation id', async () => {
    const gate = fakeGate({ reason: 'required' });
    world.gates = [gate];
    const refused = client.decideGate(gate.gate_id, { decision: 'approve' });
    await expect(refused).rejects.toBeInstanceOf(XynFault);
    await expect(refused).rejects.toMatchObject({
      code: 'reason_required',
      details: { correlation_id: expect.any(String) },
    });
  });
});

describe('the client, at a server that is busy', () => {
  let server: Server;
  let answers: ((response: ServerResponse) => void)[];
  let asked: IncomingMessage[];
  let client: ApiClient;

  const refuse =
    (status: number, after?: string) =>
    (response: ServerResponse): void => {
      const body = { error: { code: 'db_unavailable', message: 'Not now.', details: null }, correlation_id: 'c' };
      response.writeHead(status, after === undefined ? {} : { 'Retry-After': after }).end(JSON.stringify(body));
    };
  const accept = (response: ServerResponse): void => {
    response.writeHead(200).end(JSON.stringify({ items: [], next_cursor: null }));
  };

  const clientOf = (options: { timeoutMs?: number } = {}): ApiClient =>
    new ApiClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...options });

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request);
      (answers.shift() ?? accept)(response);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    client = clientOf();
  });
  afterEach(() => new Promise((resolve) => void server.close(resolve)));

  it('calls again after the pause that it is asked for, with the same key', async () => {
    answers = [refuse(503, '0'), refuse(429, '0')];
    expect((await client.listRuns({})).items).toEqual([]);
    expect(asked).toHaveLength(3);
    asked = [];
    answers = [refuse(503, '0'), refuse(503, '0'), refuse(503, '0')];
    await expect(client.emitEvent({ event_name: 'a.b', data: {} })).rejects.toMatchObject({ code: 'db_unavailable' });
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('does not wait for long, nor for what will not change', async () => {
    answers = [refuse(503, '3600')];
    await expect(client.listRuns({})).rejects.toMatchObject({ code: 'db_unavailable' });
    answers = [refuse(500)];
    await expect(client.listRuns({})).rejects.toMatchObject({ code: 'db_unavailable' });
    expect(asked).toHaveLength(2);
  });

  it('gives up on an answer that does not come', async () => {
    answers = [quiet];
    await expect(clientOf({ timeoutMs: 300 }).listRuns({})).rejects.toMatchObject({ code: 'not_running' });
    server.closeAllConnections();
  });

  it('does not take what is not the API for it', async () => {
    answers = [(response) => void response.writeHead(200).end('<html>')];
    await expect(client.listRuns({})).rejects.toMatchObject({ code: 'not_running' });
  });
});
