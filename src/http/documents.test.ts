import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startContractServer } from '../../test/support/api-contract.js';
import { fakeProblem, fakeServices, type FakeWorld } from '../../test/support/fake-services.js';
import { createApp } from './app.js';
import { appliedBlueprintSchema, validationSchema } from './schemas/blueprint.js';
import type { HttpServer } from './server.js';

const SOURCE = 'id: bp.remediate\nplan: []\n';
let world: FakeWorld;
let server: HttpServer;

beforeEach(async () => {
  const fake = fakeServices();
  world = fake.world;
  const quiet = (): void => undefined;
  const log = { info: quiet, warn: quiet, error: quiet };
  const app = createApp(fake.services, { log, version: '1', allowedHosts: [] });
  server = await startContractServer(app);
});

afterEach(() => server.close());

async function send(path: string, body: string, type: string | undefined = 'text/yaml') {
  const response = await fetch(`${server.url}/api/v1/blueprints${path}`, {
    method: 'POST',
    body: new TextEncoder().encode(body),
    ...(type === '' ? {} : { headers: { 'content-type': type } }),
  });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

describe('documents over HTTP', () => {
  it.each([
    ['text/yaml', SOURCE],
    ['application/yaml; charset=utf-8', SOURCE],
    ['application/x-yaml', SOURCE],
    ['application/json', JSON.stringify({ source: SOURCE })],
  ])('applies a document sent as %s', async (type, body) => {
    const answer = await send('', body, type);
    expect(answer.status).toBe(201);
    expect(appliedBlueprintSchema.parse(answer.body)).toMatchObject({ version: 2, created: true, warnings: [] });
    expect(answer.headers.get('location')).toBe(`/api/v1/blueprints/${answer.body.blueprint_id}`);
    expect(world.calls).toMatchObject([{ name: 'apply', args: { source: SOURCE } }]);
  });

  it('validates without applying, and keeps warnings', async () => {
    world.problems = [fakeProblem({ code: 'unused_input', severity: 'warning' })];
    const answer = await send('/validate', SOURCE);
    expect(answer.status).toBe(200);
    expect(validationSchema.parse(answer.body)).toEqual({ is_valid: true, problems: world.problems });
    expect(world.calls).toEqual([]);
  });

  it.each([
    ['yaml_syntax', 400],
    ['encoding_invalid', 400],
    ['forbidden_key', 400],
    ['body_too_large', 413],
    ['blueprint_not_object', 422],
    ['type_mismatch', 422],
    ['limit_steps', 422],
  ])('answers %s with %d and every problem', async (code, status) => {
    world.problems = [fakeProblem({ code: 'unused_input', severity: 'warning' }), fakeProblem({ code }), fakeProblem()];
    for (const path of ['', '/validate']) {
      const answer = await send(path, SOURCE);
      expect([answer.status, answer.body.error.code]).toEqual([status, code]);
      expect(answer.body.error.details).toEqual({ is_valid: false, problems: world.problems });
      expect(answer.body.error.message).toContain('Line 3, column 5');
      expect(answer.body.error.message).toContain('1 more');
    }
  });

  it('takes no body for an empty document', async () => {
    const answer = await send('/validate', '', '');
    expect([answer.status, answer.body.error.code]).toEqual([400, 'yaml_empty']);
  });

  it.each([
    ['text/plain', SOURCE, 415, 'unsupported_media_type'],
    ['text/yaml; charset=utf-16', SOURCE, 415, 'unsupported_media_type'],
    ['application/json', '{', 400, 'invalid_json'],
    ['application/json', '{"text": "a"}', 422, 'request_invalid'],
    ['text/yaml', 'a'.repeat(1_048_577), 413, 'body_too_large'],
  ])('refuses %s', async (type, body, status, code) => {
    const answer = await send('', body, type);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(world.calls).toEqual([]);
  });
});
