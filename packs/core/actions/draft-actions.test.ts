import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ActionContext } from '../../../src/domain/action.js';
import { XynFault } from '../../../src/domain/fault.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { failureOf } from '../../../test/support/action-context.js';
import { caller } from '../../../test/support/node.js';
import { startDraftWorld, type DraftWorld } from '../../../test/support/draft-world.js';
import { blueprintsPromote, blueprintsValidate, draftsSave } from './draft-actions.js';
import { blueprintsTest, draftsDiff } from './draft-checks.js';

let world: DraftWorld;

beforeAll(async () => {
  world = await startDraftWorld();
});

afterAll(() => world.stop());

const definition = (id: string, text = 'Go?'): string =>
  `api: xyn/v1\nid: ${id}\nplan:\n  - {kind: gate, id: ask, mode: manual, message: ${text}}\n`;
const inputOf = (name: string, more: JsonObject = {}): JsonObject => ({
  draft_type: 'blueprint',
  name,
  trigger_event_type: 'app.failed',
  definition: definition(name),
  ...more,
});
const call = (action: typeof draftsSave, input: JsonObject, context = world.context()): Promise<JsonObject> =>
  action.execute(action.input.parse(input), context) as Promise<JsonObject>;

describe('drafts.save, blueprints.validate, blueprints.promote', () => {
  it('go from a text to an active version, as the one who started the run', async () => {
    const saved = await call(draftsSave, inputOf('bp.flow', { source_run_id: world.runId }));
    expect(saved).toEqual({ draft_id: expect.any(String), revision: 1, status: 'draft' });
    const draft = { draft_id: saved['draft_id'] as string };
    expect(await call(blueprintsValidate, draft)).toEqual({ is_valid: true, issues: [] });
    const approve = '{name: a, gates: {ask: {decide: approve, by: ann}}';
    const tests = (status: string): string => `scenarios: [${approve}, expect: {status: ${status}}}]\n`;
    expect(await call(blueprintsTest, { ...draft, tests: tests('completed') })).toMatchObject({
      passed: true,
      report: { passed: 1, failed: 0, scenarios: [] },
    });
    expect(await call(blueprintsTest, { ...draft, tests: tests('failed') })).toMatchObject({
      passed: false,
      report: { failed: 1, scenarios: [{ name: 'a', mismatches: [{ what: 'status' }] }] },
    });
    expect(await call(blueprintsTest, { ...draft, tests: 'scenarios: 7' })).toMatchObject({ passed: false });
    expect(await call(draftsDiff, draft)).toMatchObject({ summary: 'a new blueprint of 4 lines', added: 4 });
    const promoted = await call(blueprintsPromote, draft);
    expect(promoted).toEqual({ blueprint_id: 'bp.flow', version: '1', status: 'active' });
    expect(await call(draftsDiff, draft)).toMatchObject({ summary: 'the same as version 1', diff: '' });
    const events = await world.access.events.list({ run_id: world.runId }, 20);
    const own = events.filter(({ event }) => !event.event_name.startsWith('xyn.artifact.'));
    expect(own.map(({ event }) => event.event_name)).toEqual([
      'xyn.draft.promoted',
      'xyn.blueprint.promoted',
      'xyn.draft.saved',
    ]);
    expect(own.map(({ event }) => [event.actor, event.correlation_id])).toEqual(Array(3).fill(['ann', 'c-propose']));
    const waiting = await world.access.transaction((unit) =>
      unit.events.claim({ limit: 20, starts: true, leaseMs: 0, except: [] }),
    );
    // One deeper than the run, so that blueprints that make blueprints end.
    expect(waiting.filter(({ event_name: name }) => name === 'xyn.draft.saved')).toMatchObject([{ cause_depth: 3 }]);
    await call(draftsSave, inputOf('bp.flow', { definition: definition('bp.flow', 'Really?') }));
    expect(await call(draftsDiff, draft)).toMatchObject({
      summary: '1 lines more and 1 fewer than version 1',
      diff: expect.stringMatching(/^-.*Go\?.*\n\+.*Really\?/m),
    });
  });

  it('make one revision of a step that is tried again, also after somebody else saved', async () => {
    const first = await call(draftsSave, inputOf('bp.again'), world.context('key-1'));
    const others = await call(draftsSave, inputOf('bp.again', { definition: definition('bp.again', 'Else?') }));
    expect(others).toMatchObject({ draft_id: first['draft_id'], revision: 2 });
    expect(await call(draftsSave, inputOf('bp.again'), world.context('key-1'))).toEqual(first);
    expect(await world.access.drafts.revisions(first['draft_id'] as string, 10)).toHaveLength(2);
  });

  it('promote nothing that somebody else saved since the run did: its approvers have not seen that', async () => {
    const saved = await call(draftsSave, inputOf('bp.seen'));
    const draft = { draft_id: saved['draft_id'] as string };
    await call(blueprintsValidate, draft);
    const other = caller('eve');
    const { drafts } = world;
    await drafts.save(other, { draft: { id: draft.draft_id }, definition: definition('bp.seen', 'Mine?') });
    await drafts.validate(other, draft.draft_id);
    expect(await failureOf(call(blueprintsPromote, draft))).toMatchObject({ code: 'conflict', retryable: false });
    expect(await drafts.promote(other, draft.draft_id)).toMatchObject({ revision: 2, version: 1 });
  });

  it.each(['x', '00000000-0000-4000-8000-000000000000'])('know no draft %s', async (id) => {
    expect(await failureOf(call(blueprintsValidate, { draft_id: id }))).toMatchObject({ code: 'draft_not_found' });
    expect(await failureOf(call(blueprintsPromote, { draft_id: id }))).toMatchObject({ code: 'draft_not_found' });
    const tested = call(blueprintsTest, { draft_id: id, tests: 'scenarios: []' });
    expect(await failureOf(tested)).toMatchObject({ code: 'draft_not_found' });
    expect(await failureOf(call(draftsDiff, { draft_id: id }))).toMatchObject({ code: 'draft_not_found' });
  });

  it('tell by declared codes why not', async () => {
    const saved = await call(draftsSave, inputOf('bp.why', { definition: { id: 'bp.why' } }));
    const draft = { draft_id: saved['draft_id'] as string };
    expect(await failureOf(call(blueprintsPromote, draft))).toMatchObject({ code: 'validation_failed' });
    expect(await call(blueprintsValidate, draft)).toMatchObject({ is_valid: false });
    const pack = await call(draftsSave, inputOf('bp.why', { draft_type: 'pack' }));
    const failure = await failureOf(call(blueprintsValidate, { draft_id: pack['draft_id'] as string }));
    expect(failure).toMatchObject({ code: 'invalid_schema', retryable: false });
  });

  it.each([
    ['db_unavailable', draftsSave, 'storage_error'],
    ['artifact_storage_full', draftsSave, 'storage_error'],
    ['db_unavailable', blueprintsValidate, 'audit_unavailable'],
    ['audit_unavailable', blueprintsPromote, 'audit_unavailable'],
    ['tests_missing', blueprintsPromote, 'validation_failed'],
    ['draft_changed', blueprintsPromote, 'conflict'],
  ] as const)('%s ends %p as %s', async (code, action, expected) => {
    const fail = (): Promise<never> => Promise.reject(new XynFault(code, 'not now'));
    const drafts: ActionContext['drafts'] = {
      ...{ save: fail, validate: fail, promote: fail },
      ...{ test: fail, diff: fail },
    };
    const input = action === draftsSave ? inputOf('bp.x') : { draft_id: '00000000-0000-4000-8000-000000000000' };
    const retryable = ['storage_error', 'audit_unavailable'].includes(expected);
    expect(await failureOf(call(action, input, { ...world.context(), drafts }))).toMatchObject({
      code: expected,
      retryable,
    });
  });
});
