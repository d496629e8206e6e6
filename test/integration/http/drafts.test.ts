import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ask, startApi, type Answer, type ApiRig } from '../../support/api-rig.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { describeWith } from '../../support/parts.js';
import { testTemporal } from '../../support/temporal.js';

describeWith('temporal')('drafts over HTTP', () => {
  let database: TestDatabase;
  let api: ApiRig;

  beforeAll(async () => {
    database = await freshDatabase();
    const { address } = await testTemporal();
    api = await startApi({ database, address, taskQueue: randomUUID(), dispatch: false });
  });
  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  const call = (method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(api.server.url, method, `/api/v1${path}`, { ...(body === undefined ? {} : { body }), headers });
  const source = (id: string, text = 'Go?'): string =>
    `api: xyn/v1\nid: ${id}\ntriggers: [{event: app.failed}]\nplan:\n  - {kind: gate, id: ask, mode: manual, message: ${text}}\n`;

  it('goes from a text to an active version, and back to the one before', async () => {
    const made = await call('POST', '/drafts', { name: 'Remediate', definition: source('bp.http'), notes: 'a try' });
    expect(made.status).toBe(201);
    const { draft_id: id } = made.body;
    expect(made.headers.get('location')).toBe(`/api/v1/drafts/${id}`);
    expect(made.body).toMatchObject({ kind: 'blueprint', status: 'draft', revision: 1, content: { notes: 'a try' } });
    const early = await call('POST', `/drafts/${id}/promote`, {});
    expect([early.status, early.body.error.code]).toEqual([409, 'validation_failed']);
    expect((await call('POST', `/drafts/${id}/validate`)).body).toMatchObject({ is_valid: true, status: 'validated' });
    const promoted = await call('POST', `/drafts/${id}/promote`, { expected_revision: 1 });
    expect(promoted.body).toMatchObject({ blueprint_id: 'bp.http', version: 1, status: 'active' });

    const revised = await call('POST', `/drafts/${id}/revisions`, {
      definition: source('bp.http', 'Sure?'),
      expected_revision: 1,
    });
    expect([revised.status, revised.body.revision]).toEqual([201, 2]);
    const late = await call('POST', `/drafts/${id}/revisions`, {
      definition: source('bp.http', 'Or?'),
      expected_revision: 1,
    });
    expect([late.status, late.body.error]).toMatchObject([409, { code: 'draft_changed', details: { revision: 2 } }]);
    await call('POST', `/drafts/${id}/validate`);
    await call('POST', `/drafts/${id}/promote`);
    const back = await call('POST', '/blueprints/bp.http/activate', { version: 1, reason: 'worse' });
    expect(back.body).toMatchObject({ version: 1, previous_version: 2 });
    expect((await call('GET', '/blueprints/bp.http')).body.active_version).toBe(1);

    const diff = await call('GET', `/drafts/${id}/diff?from=1&to=2`);
    expect(diff.body).toMatchObject({
      from: { revision: 1 },
      to: { revision: 2 },
      added: 1,
      removed: 1,
      is_whole: true,
    });
    expect((await call('GET', `/drafts/${id}/diff`)).body.from).toEqual({ version: 1 });
    expect((await call('GET', `/drafts/${id}/diff?from=0`)).status).toBe(422);
    const scenarios =
      'blueprint: ./x.yaml\nscenarios: [{name: a, gates: {ask: {decide: approve}}, expect: {status: completed}}]\n';
    const tested = await call('POST', `/drafts/${id}/test`, { scenarios });
    expect([tested.status, tested.body]).toMatchObject([200, { ok: true, passed: 1, revision: 2 }]);

    const shown = await call('GET', `/drafts/${id}`);
    expect(shown.body).toMatchObject({ status: 'promoted', content: { definition: source('bp.http', 'Sure?') } });
    const revisions = await call('GET', `/drafts/${id}/revisions?limit=1`);
    expect(revisions.body.items).toMatchObject([{ revision: 2, promoted_version: 2 }]);
    const rest = await call('GET', `/drafts/${id}/revisions?cursor=${revisions.body.next_cursor}`);
    expect(rest.body.items).toMatchObject([{ revision: 1, promoted_version: 1, notes: 'a try' }]);
    expect((await call('GET', `/drafts/${id}/revisions/1`)).body.definition).toBe(source('bp.http'));
    expect((await call('GET', '/drafts?status=promoted&q=remed')).body.items).toMatchObject([{ draft_id: id }]);
    expect((await call('GET', '/drafts?kind=pack')).body.items).toEqual([]);
  });

  it('keeps what cannot be read, and says what is wrong with it', async () => {
    const made = await call('POST', '/drafts', { name: 'Broken', definition: 'id: [' });
    const report = await call('POST', `/drafts/${made.body.draft_id}/validate`);
    expect([report.status, report.body]).toMatchObject([200, { is_valid: false, issues: [{ severity: 'error' }] }]);
    expect((await call('GET', `/drafts/${made.body.draft_id}`)).body.content.definition).toBe('id: [');
  });

  it('makes one draft of a request that comes again with its key', async () => {
    const body = { name: 'Keyed', definition: source('bp.keyed') };
    const headers = { 'idempotency-key': 'draft-1' };
    const answers = await Promise.all([1, 2, 3].map(() => call('POST', '/drafts', body, headers)));
    expect(new Set(answers.map(({ body: { draft_id: id } }) => String(id))).size).toBe(1);
    expect(answers.map(({ body: { revision } }) => Number(revision))).toEqual([1, 1, 1]);
    const other = await call('POST', '/drafts', { ...body, name: 'Other' }, headers);
    expect([other.status, other.body.error.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it.each([
    ['no definition', { name: 'a' }, 422, 'request_invalid'],
    ['a number', { name: 'a', definition: 1 }, 422, 'request_invalid'],
    ['an empty text', { name: 'a', definition: '' }, 422, 'invalid_definition'],
    ['half a MiB and a byte', { name: 'a', definition: 'x'.repeat(524_289) }, 422, 'invalid_definition'],
    ['2 MiB', { name: 'a', definition: 'x'.repeat(2_097_152) }, 413, 'body_too_large'],
    ['a kind that does not exist', { name: 'a', kind: 'page', definition: 'x' }, 422, 'request_invalid'],
    ['a name with a control character', { name: 'a\u0007', definition: 'x' }, 422, 'request_invalid'],
    ['an unknown run', { name: 'a', definition: 'x', source_run_id: randomUUID() }, 404, 'run_not_found'],
    ['a base that is not active', { name: 'a', definition: source('bp.base'), base_version: 3 }, 409, 'conflict'],
  ])('refuses %s', async (_what, body, status, code) => {
    const answer = await call('POST', '/drafts', body);
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
  });

  it.each([
    ['GET', ''],
    ['GET', '/revisions'],
    ['GET', '/revisions/1'],
    ['GET', '/diff'],
    ['POST', '/validate'],
    ['POST', '/promote'],
  ])('%s %s of a draft that nobody made is not found', async (method, path) => {
    const answer = await call(method, `/drafts/${randomUUID()}${path}`);
    expect([answer.status, answer.body.error.code]).toEqual([404, 'draft_not_found']);
  });
});
