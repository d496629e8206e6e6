import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { errorResponseSchema } from '../../src/http/schemas/common.js';
import { healthSchema } from '../../src/http/schemas/health.js';
import { contractProblem } from '../support/api-contract.js';
import { ApiProcess } from '../support/api-process.js';
import { countRows, LEAKS, send, type BadInput, type HttpAnswer } from './case.js';
import { TEMPLATE_CASES, YAML_CASES } from './documents.js';
import { EVENT_CASES, HEADER_CASES, JSON_CASES, PAGE_CASES } from './requests.js';

let api: ApiProcess;
let pid: number | undefined;

beforeAll(async () => {
  api = await ApiProcess.start();
  pid = api.pid;
});

afterAll(() => api.stop());

function problemsOf(details: Record<string, unknown> | null): { rule?: string; code?: string }[] {
  return (details?.['problems'] ?? []) as { rule?: string; code?: string }[];
}

function asAnswered({ status, headers, text }: HttpAnswer): Parameters<typeof contractProblem>[2] {
  return { status, text, type: headers['content-type'] as string, correlationId: headers['x-correlation-id'] };
}

async function check(one: BadInput): Promise<void> {
  const { method = 'GET', path } = one;
  const answer = await send(api.port, one);
  const { error } = errorResponseSchema.parse(JSON.parse(answer.text));
  expect({ id: one.id, status: answer.status, code: error.code }).toEqual({
    id: one.id,
    status: one.status,
    code: one.code,
  });
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.text).not.toMatch(LEAKS);
  // What never became a request has no route and no correlation id.
  if (answer.status !== 431)
    expect(contractProblem(method, path.replace(/\?.*$/s, ''), asAnswered(answer))).toBeUndefined();
  if (one.rule !== undefined)
    expect(problemsOf(error.details).map(({ rule, code }) => rule ?? code)).toContain(one.rule);
  if (one.header !== undefined) expect(answer.headers[one.header[0]]).toEqual(one.header[1]);
  if (one.withinMs !== undefined) expect(answer.ms).toBeLessThan(one.withinMs);
}

describe.each([
  ['B-Y: blueprints in YAML', YAML_CASES],
  ['B-T: templates', TEMPLATE_CASES],
  ['B-J: JSON and transport', JSON_CASES],
  ['B-P: pages and filters', PAGE_CASES],
  ['B-E: events', EVENT_CASES],
  ['B-H: headers', HEADER_CASES],
])('%s', (_group, cases) => {
  let before: Record<string, number>;

  beforeAll(async () => {
    before = await countRows(api);
  });

  it.each(cases.map((one) => [one.id, one.what, one] as const))('%s: refuses %s', async (_id, _what, one) => {
    for (let left = one.times ?? 1; left > 0; left -= 1) await check(one);
  });

  it('wrote nothing, and the same process is well', async () => {
    expect(await countRows(api)).toEqual(before);
    expect(api.pid).toBe(pid);
    const answer = await send(api.port, { path: '/api/v1/health' });
    expect(healthSchema.parse(JSON.parse(answer.text)).checks.postgres).toEqual({ ok: true });
    expect(answer.ms).toBeLessThan(20_000);
  });
});

describe('the whole catalogue', () => {
  it('has every row once', () => {
    const all = [YAML_CASES, TEMPLATE_CASES, JSON_CASES, PAGE_CASES, EVENT_CASES, HEADER_CASES].flat();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('was no defect of ours anywhere', async () => {
    expect(await api.log()).not.toContain('"request failed"');
  });
});

afterEach(() => expect(api.pid).toBe(pid));
