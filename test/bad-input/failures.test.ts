import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { API_PREFIX } from '../../src/http/route.js';
import { routesOf } from '../../src/http/routes.js';
import { errorResponseSchema } from '../../src/http/schemas/common.js';
import { asAdmin } from '../support/database.js';
import { ApiProcess } from '../support/api-process.js';
import { until } from '../support/until.js';
import { LEAKS, send, type BadInput } from './case.js';

// Errors that nobody foresaw: the tables are taken away from a running API.

let api: ApiProcess;

beforeAll(async () => {
  api = await ApiProcess.start();
});

afterAll(() => api.stop());

const BODIES: Record<string, object> = {
  '/events': { event_name: 'a.b', data: { note: 'a secret of the caller' } },
  '/runs': { blueprint_ref: 'bp.a', inputs: { note: 'a secret of the caller' } },
  '/artifacts': { name: 'a.txt', content_base64: 'YQ==' },
  '/blueprints/:blueprint_id/activate': { version: 1 },
  '/drafts': { name: 'a', definition: 'a secret of the caller' },
  '/drafts/:draft_id/revisions': { definition: 'a secret of the caller' },
  '/schedules/:schedule_id/pause': { note: 'a secret of the caller' },
  '/schedules/:schedule_id/backfill': { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' },
  '/drafts/:draft_id/test': { scenarios: 'a secret of the caller' },
  '/gates/:gate_id/decide': { decision: 'approve' },
  '/actions/execute': { request_id: randomUUID(), action: 'http.call', with: { url: 'https://x.example' } },
};

/** One request for every route that needs the catalog: the doctor tells that it is gone, and a document is planned without it. */
function requests(): Pick<BadInput, 'method' | 'path' | 'headers' | 'body'>[] {
  const routes = routesOf({ version: '1', startedAt: 0 });
  const api1 = routes.filter(
    ({ path }) => !/health|blueprints.(validate|schema)|openapi|stream|docs|doctor|plan$/.test(path),
  );
  return api1.map(({ method, path, prefix = API_PREFIX }) => {
    const target = `${prefix}${path.replace(/:version|:revision/, '1').replaceAll(/:\w+/g, () => randomUUID())}`;
    if (method === 'GET') return { method, path: target };
    const isDocument = path === '/blueprints';
    const text = 'id: bp.a\ntrigger: {event_type: a.b}\nplan: [{kind: gate, id: g, mode: manual}]\n';
    return {
      method,
      path: target,
      headers: { 'content-type': isDocument ? 'text/yaml' : 'application/json' },
      body: isDocument ? text : JSON.stringify(BODIES[path] ?? {}),
    };
  });
}

describe('without its tables', () => {
  it('every route answers with an error in the envelope that tells nothing of the inside, and goes on afterwards', async () => {
    const { pid } = api;
    await asAdmin(api.ownerUrl, ['ALTER SCHEMA public RENAME TO gone', 'CREATE SCHEMA public']);
    const answers = await Promise.all(requests().map(async (one) => ({ one, answer: await send(api.port, one) })));
    await asAdmin(api.ownerUrl, ['DROP SCHEMA public', 'ALTER SCHEMA gone RENAME TO public']);
    expect(answers.length).toBeGreaterThan(15);
    for (const { one, answer } of answers) {
      const { error, correlation_id: id } = errorResponseSchema.parse(JSON.parse(answer.text));
      expect({ path: one.path, status: answer.status }).toEqual({
        path: one.path,
        status: error.code === 'internal' ? 500 : 503,
      });
      expect(['internal', 'audit_unavailable', 'db_unavailable']).toContain(error.code);
      expect(answer.text).not.toMatch(LEAKS);
      expect(answer.headers['x-correlation-id']).toBe(id);
    }
    await until('it works again', async () => (await send(api.port, { path: '/api/v1/runs' })).status === 200);
    expect(api.pid).toBe(pid);
  });

  it('logs what happened with the correlation id, and nothing of what was sent', async () => {
    const log = await api.log();
    expect(log).toMatch(/"correlation_id":"[0-9a-f-]{36}".*"request failed"/);
    expect(log).not.toContain('a secret of the caller');
  });
});
