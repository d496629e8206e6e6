import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { eventDetailSchema, eventListSchema, eventSchema } from '../../src/http/schemas/event.js';
import { ApiProcess } from '../support/api-process.js';
import { until } from '../support/until.js';
import { document, json, send, type HttpAnswer } from './case.js';

// What looks bad and is not, or turns bad only when it is used.

let api: ApiProcess;

beforeAll(async () => {
  api = await ApiProcess.start();
});

afterAll(() => api.stop());

type Body = ReturnType<typeof JSON.parse>;
const bodyOf = ({ text }: HttpAnswer): Body => JSON.parse(text);
const get = async (path: string): Promise<Body> => bodyOf(await send(api.port, { path: `/api/v1${path}` }));
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
  send(api.port, json('', '', JSON.stringify(body), [0, ''], { path: `/api/v1${path}`, headers }));

async function emit(data: object, name = 'work.came'): Promise<z.infer<typeof eventDetailSchema>> {
  const answer = await post('/events', { event_name: name, data });
  expect(answer.status).toBe(201);
  return eventDetailSchema.parse(bodyOf(answer));
}

/** A blueprint that an event starts, with inputs made by templates. */
async function apply(id: string, event: string, inputs: Record<string, string>): Promise<void> {
  const declared = Object.keys(inputs).map((name) => `${name}: string`);
  const text = `api: xyn/v1
id: ${id}
inputs: {${declared.join(', ')}}
triggers: [{event: ${event}, inputs: ${JSON.stringify(inputs)}}]
plan: [{kind: gate, id: wait, mode: manual}]
`;
  const answer = await send(api.port, document('', '', text, [0, '']));
  expect(answer.status === 201 ? '' : answer.text).toBe('');
}

describe('templates, when they are used', () => {
  beforeAll(() => apply('bp.render', 'text.came', { text: 'a {{event.data.text}}' }));

  it('T07: what comes in is never read as a template', async () => {
    const text = '{{secrets.db}} {{inputs.text}} ${x} `x` $(x)';
    const { verdicts } = await emit({ text }, 'text.came');
    expect(verdicts).toMatchObject([{ verdict: 'started' }]);
    expect((await get(`/runs/${verdicts[0]?.run_id}`)).inputs).toEqual({ text: `a ${text}` });
  });

  it.each([
    ['T10: more than 64 KiB', { text: 'x'.repeat(65_536) }, 'render_too_large'],
    ['T12: null', { text: null }, 'input_missing'],
    ['T12: nothing', {}, 'expression_error'],
    ['T13: a map', { text: { a: 1 } }, 'type_mismatch'],
    ['T13: a list', { text: ['a'] }, 'type_mismatch'],
  ])('%s in a text starts no run', async (_what, data, code) => {
    const { verdicts } = await emit(data, 'text.came');
    expect(verdicts).toMatchObject([{ verdict: 'filter_error', run_id: null, detail: { code } }]);
  });
});

describe('events', () => {
  it('E09: one that no blueprint wants is kept, with its audit entry', async () => {
    const { event_id: id, verdicts } = await emit({}, 'nobody.cares');
    expect(verdicts).toEqual([]);
    expect((await get(`/audit?resource_id=${id}`)).items).toMatchObject([{ action: 'event.emit' }]);
  });

  it('E12: HTML, escapes of terminals and emoji are stored as they are, and shown harmless', async () => {
    const text = '<script>alert(1)</script>\u001b[31m\u202e👩‍👩‍👧';
    const { event_id: id } = await emit({ text }, 'nobody.cares');
    expect((await get(`/events/${id}`)).data).toEqual({ text });
    await apply('bp.name', 'name.came', {});
    expect((await post('/runs', { blueprint_ref: 'bp.name', name: '<script>alert(1)</script>' })).status).toBe(201);
    const page = await send(api.port, { path: '/' });
    expect(page.text).not.toContain('<script>alert');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  });

  it('E13: an event that a chain of more than 8 runs caused starts no run', async () => {
    await apply('bp.loop', 'loop.came', {});
    const ids = [8, 9].map((depth) => ({ depth, id: randomUUID() }));
    for (const { depth, id } of ids) {
      await api.rows(
        `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, cause_depth)
         VALUES ($1, 'loop.came', now(), 'local', 'system', 'c', '{}', $2)`,
        [id, depth],
      );
    }
    for (const { depth, id } of ids) {
      const [verdict] = await until('a verdict', async () => {
        const { verdicts } = eventDetailSchema.parse(await get(`/events/${id}`));
        return verdicts.length > 0 && verdicts;
      });
      expect([depth, verdict?.verdict]).toEqual([depth, depth === 8 ? 'started' : 'loop']);
    }
  });
});

describe('idempotency keys', () => {
  it('H11, H12: one event for one key, however many ask at once; another body is refused', async () => {
    const headers = { 'idempotency-key': 'k 1' };
    const body = { event_name: 'nobody.cares', data: { n: 1 } };
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/events', body, headers)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map((answer) => eventSchema.parse(bodyOf(answer)).event_id)).size).toBe(1);
    const other = await post('/events', { ...body, data: { n: 2 } }, headers);
    expect([other.status, bodyOf(other).error.code]).toEqual([422, 'idempotency_mismatch']);
  });
});

describe('pages', () => {
  it('P03: a cursor is good for its own listing and filter only', async () => {
    for (let count = 0; count < 2; count += 1) await emit({}, 'page.came');
    const { next_cursor: cursor } = await get('/events?limit=1&event_name=page.came');
    expect((await get(`/events?limit=1&event_name=page.came&cursor=${cursor}`)).items).toHaveLength(1);
    for (const path of ['/events?limit=1', '/events?limit=1&event_name=other.came', '/runs?limit=1']) {
      expect((await get(`${path}&cursor=${cursor}`)).error.code).toBe('cursor_invalid');
    }
  });

  it('P08: rows that come while somebody pages are neither skipped nor shown twice', async () => {
    await api.rows(
      `INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, data, matched_at, dispatched_at)
       SELECT gen_random_uuid(), 'many.came', now(), 'local', 'ann', 'c', jsonb_build_object('n', n), now(), now()
       FROM generate_series(1, 10000) AS n`,
    );
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const after: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = eventListSchema.parse(await get(`/events?limit=200&event_name=many.came${after}`));
      seen.push(...page.items.map(({ data }) => data['n'] as number));
      cursor = page.next_cursor;
      await emit({ n: -1 }, 'many.came');
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 10_000 }, (_, ix) => 10_000 - ix));
  });
});
