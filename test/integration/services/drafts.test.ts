import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import { catalogAccess, type CatalogAccess } from '../../../src/catalog/unit-of-work.js';
import type { SavedDraftDto } from '../../../src/domain/drafts.js';
import { createCompiler } from '../../../src/main/compiler.js';
import { createDrafts } from '../../../src/main/drafts.js';
import { runScenariosInThread } from '../../../src/main/scenario-thread.js';
import { BlueprintService } from '../../../src/services/blueprints.js';
import type { SaveDraft } from '../../../src/services/draft-saving.js';
import type { DraftService } from '../../../src/services/drafts.js';
import { freshDatabase, type TestDatabase } from '../../support/database.js';
import { caller } from '../../support/node.js';

let database: TestDatabase;
let dir: string;
let access: CatalogAccess;
let drafts: DraftService;
let blueprints: BlueprintService;

beforeAll(async () => {
  database = await freshDatabase();
  dir = await mkdtemp(path.join(tmpdir(), 'xyn-drafts-'));
  const store = await LocalArtifactStore.open({ dir });
  access = catalogAccess(database.catalog);
  drafts = createDrafts({ access, store, envId: 'local' });
  blueprints = new BlueprintService({ catalog: access, clock: Date.now, envId: 'local', compile: createCompiler() });
});

afterAll(async () => {
  await database.drop();
  await rm(dir, { recursive: true });
});

/** A blueprint of its own for each test; `text` makes versions differ. */
const blueprint = (id: string, text = 'Go on?', more = ''): string =>
  `api: xyn/v1\nid: ${id}\n${more}triggers: [{event: ${id}.wanted}]\nplan:\n  - {kind: gate, id: ask, mode: manual, message: ${text}}\n`;
const nameOf = (): string => `bp.t${randomUUID().slice(0, 8)}`;
const save = (
  name: string,
  definition: SaveDraft['definition'],
  more: Partial<SaveDraft> = {},
): Promise<SavedDraftDto> => drafts.save(caller(), { draft: { kind: 'blueprint', name }, definition, ...more });
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => String((error as { code?: unknown }).code ?? error),
  );
async function valid(name: string, definition: string): Promise<SavedDraftDto> {
  const draft = await save(name, definition);
  expect((await drafts.validate(caller(), draft.draft_id)).issues).toEqual([]);
  return draft;
}
const namesOf = async (resource: string): Promise<string[]> => {
  const { prisma } = database.catalog;
  const rows = await prisma.$queryRaw<{ event_name: string }[]>`
    SELECT event_name FROM events WHERE resource->>'id' = ${resource} ORDER BY seq`;
  return rows.map((row) => row.event_name);
};
const auditOf = async (resource: string): Promise<string[]> => {
  const rows = await database.catalog.prisma.$queryRaw<{ action: string }[]>`
    SELECT action FROM audit_log WHERE resource_id = ${resource} ORDER BY audit_id`;
  return rows.map((row) => row.action);
};

describe('saving', () => {
  it('makes a draft, then revisions, and none for the same definition', async () => {
    const name = nameOf();
    const first = await save(name, blueprint(name), { trigger_event_type: 'a.b', notes: 'first' });
    expect(first).toMatchObject({
      name,
      kind: 'blueprint',
      status: 'draft',
      revision: 1,
      blueprint_id: name,
      created: true,
    });
    expect(await save(name, blueprint(name))).toMatchObject({ draft_id: first.draft_id, revision: 1, created: false });
    expect(await save(name, blueprint(name, 'Sure?'))).toMatchObject({ revision: 2, created: true });
    expect(await drafts.get(first.draft_id)).toMatchObject({
      content: { definition: blueprint(name, 'Sure?'), trigger_event_type: 'a.b', notes: null },
      newest: { revision: 2 },
    });
    expect(await drafts.revision(first.draft_id, 1)).toMatchObject({ definition: blueprint(name), notes: 'first' });
    expect(await namesOf(first.draft_id)).toEqual(['xyn.draft.saved', 'xyn.draft.saved']);
    expect(await auditOf(first.draft_id)).toEqual(['draft.save', 'draft.save']);
  });

  it('keeps a map as JSON that compiles', async () => {
    const name = nameOf();
    const plan = [{ kind: 'gate', id: 'ask', mode: 'manual' }];
    const draft = await save(name, { api: 'xyn/v1', id: name, plan });
    expect(draft.blueprint_id).toBe(name);
    expect(await drafts.validate(caller(), draft.draft_id)).toMatchObject({ is_valid: true, status: 'validated' });
  });

  it('lets one of many parallel authors win each revision', async () => {
    const name = nameOf();
    const [one] = await Promise.all([1, 2, 3, 4].map((n) => save(name, blueprint(name, `n${n}`))));
    const { items } = await drafts.revisions(one?.draft_id ?? '', { limit: 10 });
    expect(items.map(({ revision }) => revision)).toEqual([4, 3, 2, 1]);
    const codes = await Promise.all(
      [5, 6, 7].map((n) => codeOf(save(name, blueprint(name, `n${n}`), { expected_revision: 4 }))),
    );
    expect(codes.sort()).toEqual(['draft_changed', 'draft_changed', 'none']);
    // What is there already loses nothing: the author whose answer was lost may ask again.
    const { content } = await drafts.get(one?.draft_id ?? '');
    expect(await codeOf(save(name, content.definition, { expected_revision: 4 }))).toBe('none');
  });

  it('gives the same answer for the same key, at one time and after other revisions', async () => {
    const name = nameOf();
    const idempotencyKey = randomUUID();
    const ask = (): Promise<SavedDraftDto> => save(name, blueprint(name), { idempotencyKey });
    const answers = await Promise.all([ask(), ask(), ask()]);
    await save(name, blueprint(name, 'Else?'));
    answers.push(await ask());
    expect(answers.map(({ revision, created }) => [revision, created])).toEqual(Array(4).fill([1, true]));
    expect(await codeOf(save(name, blueprint(name, 'More?'), { idempotencyKey }))).toBe('idempotency_mismatch');
  });

  it.each([
    ['nothing', ''],
    ['more than 512 KiB', 'x'.repeat(512 * 1024 + 1)],
    ['a list', [1] as unknown as string],
  ])('refuses %s', async (_what, definition) => {
    expect(await codeOf(save(nameOf(), definition))).toBe('invalid_definition');
  });

  it('refuses the run that nobody started and the draft that nobody made', async () => {
    const name = nameOf();
    expect(await codeOf(save(name, blueprint(name), { source_run_id: randomUUID() }))).toBe('run_not_found');
    expect(await codeOf(save('', blueprint(name), { draft: { id: randomUUID() } }))).toBe('draft_not_found');
    expect(await access.drafts.list({ q: name }, 10)).toEqual([]);
  });

  it('leaves nothing when the transaction ends half way', async () => {
    const name = nameOf();
    const store = await LocalArtifactStore.open({ dir });
    const broken = createDrafts({
      access: {
        ...access,
        transaction: (work) =>
          access.transaction(async (unit) => {
            await work(unit);
            throw new Error('the process dies before the commit');
          }),
      },
      store,
      envId: 'local',
    });
    const died = broken.save(caller(), { draft: { kind: 'blueprint', name }, definition: blueprint(name) });
    await expect(died).rejects.toThrow();
    expect(await access.drafts.list({ q: name }, 10)).toEqual([]);
    expect(await save(name, blueprint(name))).toMatchObject({ revision: 1, created: true });
  });
});

describe('hostile definitions', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]', 'id: *b'].join('\n');
  it.each([
    ['a YAML bomb', bomb],
    ['deep nesting', '['.repeat(100_000)],
    ['NUL', 'id: a\u0000b\n'],
    ['a prototype', '__proto__: {id: bp.x}\n'],
    ['no YAML', '{{{ \t%'],
    ['an id that is no text', 'id: {a: 1}\n'],
  ])('%s is kept as it is and reported, not carried out', async (_what, definition) => {
    const draft = await save(nameOf(), definition);
    expect(draft.blueprint_id).toBeNull();
    expect((await drafts.get(draft.draft_id)).content.definition).toBe(definition);
    const report = await drafts.validate(caller(), draft.draft_id);
    expect(report).toMatchObject({ is_valid: false, status: 'draft' });
    expect(report.issues.length).toBeGreaterThan(0);
    expect(await codeOf(drafts.promote(caller(), draft.draft_id))).toBe('validation_failed');
  });
});

describe('validating', () => {
  it('keeps the report once, as an artifact', async () => {
    const name = nameOf();
    const draft = await save(name, `${blueprint(name)}extra: 1\n`);
    const report = await drafts.validate(caller(), draft.draft_id);
    expect(report).toMatchObject({ revision: 1, is_valid: false, issues: [{ code: 'field_unknown', line: 6 }] });
    expect(await drafts.validate(caller(), draft.draft_id)).toEqual(report);
    expect(await access.artifacts.get(report.report_artifact_id)).toMatchObject({
      kind: 'report',
      name: 'validation.json',
    });
    expect(await auditOf(draft.draft_id)).toEqual(['draft.save', 'draft.validate']);
    expect((await drafts.revision(draft.draft_id, 1)).is_valid).toBe(false);
    await save(name, blueprint(name));
    expect(await drafts.get(draft.draft_id)).toMatchObject({ status: 'draft', is_valid: null });
  });

  it('takes no draft of a pack', async () => {
    const draft = await drafts.save(caller(), { draft: { kind: 'pack', name: nameOf() }, definition: 'name: x\n' });
    expect(await codeOf(drafts.validate(caller(), draft.draft_id))).toBe('invalid_schema');
    expect(await codeOf(drafts.promote(caller(), draft.draft_id))).toBe('validation_failed');
    expect(await codeOf(drafts.validate(caller(), randomUUID()))).toBe('draft_not_found');
  });
});

describe('promoting', () => {
  it('activates the version with its triggers, freezes the revision and tells of it', async () => {
    const name = nameOf();
    const { draft_id: id } = await save(name, blueprint(name));
    expect(await codeOf(drafts.promote(caller(), id))).toBe('validation_failed');
    await drafts.validate(caller(), id);
    const promoted = await drafts.promote(caller(), id, { expected_revision: 1, reason: 'looks good' });
    expect(promoted).toMatchObject({ blueprint_id: name, version: 1, revision: 1, status: 'active' });
    expect(await access.events.triggersOf([`${name}.wanted`])).toMatchObject([{ blueprint_id: name, version: 1 }]);
    expect(await drafts.promote(caller(), id)).toEqual(promoted);
    expect(await namesOf(id)).toEqual(['xyn.draft.saved', 'xyn.draft.promoted']);
    expect(await namesOf(name)).toEqual(['xyn.blueprint.promoted']);
    expect(await auditOf(id)).toEqual(['draft.save', 'draft.validate', 'draft.promote']);
    expect(await auditOf(name)).toEqual(['blueprint.activate']);
  });

  it('is told of when a document is applied too, once', async () => {
    const name = nameOf();
    const apply = (text: string) => blueprints.apply(caller(), Buffer.from(blueprint(name, text)));
    await apply('One?');
    await apply('One?');
    expect(await namesOf(name)).toEqual(['xyn.blueprint.promoted']);
    await apply('Two?');
    expect(await namesOf(name)).toEqual(['xyn.blueprint.promoted', 'xyn.blueprint.promoted']);
    expect(await auditOf(name)).toEqual(['blueprint.activate', 'blueprint.activate']);
  });

  it('freezes: neither validating nor saving changes a promoted revision', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    await drafts.promote(caller(), id);
    const frozen = await drafts.revision(id, 1);
    expect(await drafts.validate(caller(), id)).toMatchObject({ status: 'promoted', is_valid: true });
    expect(await save(name, blueprint(name))).toMatchObject({ revision: 1, status: 'promoted', created: false });
    expect(await save(name, blueprint(name, 'Next?'))).toMatchObject({ revision: 2, status: 'draft', base_version: 1 });
    expect(await drafts.revision(id, 1)).toEqual(frozen);
    await drafts.validate(caller(), id);
    expect(await drafts.promote(caller(), id)).toMatchObject({ revision: 2, version: 2 });
    expect(await drafts.revision(id, 1)).toEqual(frozen);
  });

  it('makes one version of two promotions at one time', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    const answers = await Promise.all(['ann', 'bob', 'eve'].map((by) => drafts.promote(caller(by), id)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await blueprints.get(name)).versions).toHaveLength(1);
    expect(await namesOf(name)).toEqual(['xyn.blueprint.promoted']);
  });

  it('refuses a revision that nobody looked at', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    await valid(name, blueprint(name, 'Sure?'));
    expect(await codeOf(drafts.promote(caller(), id, { expected_revision: 1 }))).toBe('draft_changed');
  });

  it('does not replace a version that the author has not seen, until it was compared', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    await blueprints.apply(caller('bob'), new TextEncoder().encode(blueprint(name, 'By bob?')));
    expect(await codeOf(drafts.promote(caller(), id))).toBe('conflict');
    expect((await blueprints.get(name)).active_version).toBe(1);
    expect(await codeOf(save(name, blueprint(name), { base_version: 7 }))).toBe('conflict');
    expect(await save(name, blueprint(name), { base_version: 1 })).toMatchObject({ created: false, base_version: 1 });
    expect(await drafts.promote(caller(), id)).toMatchObject({ version: 2 });
  });

  it('has no conflict with somebody who applied the same', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    await blueprints.apply(caller('bob'), new TextEncoder().encode(blueprint(name)));
    expect(await drafts.promote(caller(), id)).toMatchObject({ version: 1 });
  });
});

describe('comparing', () => {
  it('shows lines from the active version to the newest revision, or between two revisions', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    const first = await drafts.diff(id);
    expect(first).toMatchObject({ from: { version: null }, to: { revision: 1 }, added: 5, removed: 0, is_whole: true });
    await drafts.promote(caller(), id);
    expect(await drafts.diff(id)).toMatchObject({ from: { version: 1 }, lines: [], added: 0, removed: 0 });
    await save(name, blueprint(name, 'Two?'));
    const changed = await drafts.diff(id);
    expect(changed).toMatchObject({ from: { version: 1 }, to: { revision: 2 }, added: 1, removed: 1 });
    expect(changed.lines.filter(({ kind }) => kind === 'added')).toEqual([
      { kind: 'added', text: '  - {kind: gate, id: ask, mode: manual, message: Two?}' },
    ]);
    expect(await drafts.diff(id, { from: 2, to: 1 })).toMatchObject({
      from: { revision: 2 },
      to: { revision: 1 },
      added: 1,
    });
    expect(await codeOf(drafts.diff(id, { from: 3 }))).toBe('draft_not_found');
  });

  it('stays small, whatever the texts are', async () => {
    const name = nameOf();
    const { draft_id: id } = await save(name, 'a\n'.repeat(200_000));
    const { lines, is_whole: isWhole } = await drafts.diff(id);
    expect([lines.length, isWhole]).toEqual([5_000, false]);
  });
});

describe('testing', () => {
  const scenarios = (decide: string): string =>
    `blueprint: ./x.yaml\nscenarios:\n  - {name: asked, gates: {ask: {decide: ${decide}}}, expect: {status: completed}}\n`;

  it('runs scenarios of the newest revision; promotion wants them where the policy does', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name, 'Go?', 'policy: {tests_required: true}\n'));
    expect(await codeOf(drafts.promote(caller(), id))).toBe('tests_missing');
    const failing = await drafts.test(caller(), id, scenarios('reject'));
    expect(failing).toMatchObject({
      ok: false,
      passed: 0,
      failed: 1,
      scenarios: [{ name: 'asked', line: 3, ok: false }],
    });
    expect(failing.scenarios[0]?.mismatches[0]).toMatchObject({ what: 'status', got: ['failed', expect.any(String)] });
    expect(await codeOf(drafts.promote(caller(), id))).toBe('tests_missing');
    const passing = await drafts.test(caller(), id, scenarios('approve'));
    expect(passing).toMatchObject({ ok: true, passed: 1, failed: 0, problems: [] });
    const { tests } = await drafts.revision(id, 1);
    expect(tests).toMatchObject({ passed: 1, failed: 0, report_artifact_id: passing.report_artifact_id });
    expect(await drafts.promote(caller(), id)).toMatchObject({ version: 1 });
  });

  it('says in which text the problem is', async () => {
    const name = nameOf();
    const { draft_id: id } = await save(name, blueprint(name));
    expect(await drafts.test(caller(), id, 'scenarios: [')).toMatchObject({
      ok: false,
      problems: [{ file: 'scenarios' }],
    });
    const file = await drafts.test(caller(), id, `actions: /etc/passwd\n${scenarios('approve')}`);
    expect(file).toMatchObject({ ok: false, problems: [{ file: 'scenarios', code: 'file_missing' }] });
    await save(name, 'id: x\n');
    const broken = await drafts.test(caller(), id, scenarios('approve'));
    expect(broken.problems.map((problem) => problem.file)).toContain('definition');
    expect(broken).toMatchObject({ ok: false, failed: 1, scenarios: [] });
  });

  it('gives up scenarios that do not end', async () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    const given = await runScenariosInThread(bytes(blueprint('bp.x')), bytes(scenarios('approve')), 0);
    expect(given).toMatchObject({ ok: false, failed: 1, problems: [{ code: 'scenarios_timeout' }] });
  });
});

describe('rolling back', () => {
  it('activates the version before, once, and a draft of the later one conflicts', async () => {
    const name = nameOf();
    const { draft_id: id } = await valid(name, blueprint(name));
    await drafts.promote(caller(), id);
    await valid(name, blueprint(name, 'Two?', ''));
    await drafts.promote(caller(), id);
    const back = await blueprints.activate(caller('bob'), name, { version: 1, reason: 'worse than before' });
    expect(back).toMatchObject({ blueprint_id: name, version: 1, previous_version: 2 });
    expect(await blueprints.activate(caller(), name, { version: 1 })).toMatchObject({
      version: 1,
      previous_version: 1,
    });
    expect((await blueprints.get(name)).active_version).toBe(1);
    const { prisma } = database.catalog;
    const told = await prisma.$queryRaw`SELECT actor, data FROM events
      WHERE event_name = 'xyn.blueprint.promoted' AND resource->>'id' = ${name} ORDER BY seq DESC LIMIT 1`;
    expect(told).toMatchObject([{ actor: 'bob', data: { version: 1, previous_version: 2, rolled_back_from: 2 } }]);
    await valid(name, blueprint(name, 'Three?'));
    expect(await codeOf(drafts.promote(caller(), id))).toBe('conflict');
    expect(await codeOf(blueprints.activate(caller(), name, { version: 9 }))).toBe('blueprint_unknown');
    expect(await codeOf(blueprints.activate(caller(), nameOf(), { version: 1 }))).toBe('blueprint_unknown');
  });
});

describe('lists', () => {
  it('pages through drafts by their last change, with filters', async () => {
    const mark = randomUUID().slice(0, 8);
    for (const letter of ['a', 'b', 'c']) await save(`Draft ${mark} ${letter}`, blueprint(nameOf()));
    const { draft_id: id } = await valid(`Draft ${mark} d`, blueprint(nameOf()));
    const first = await drafts.list({ q: mark.toUpperCase(), limit: 3 });
    const rest = await drafts.list({ q: mark.toUpperCase(), limit: 3, ...(first.next && { cursor: first.next }) });
    expect([...first.items, ...rest.items].map(({ name }) => name.at(-1))).toEqual(['d', 'c', 'b', 'a']);
    expect(rest.next).toBeNull();
    const checked = await drafts.list({ q: mark, status: 'validated', kind: 'blueprint', limit: 10 });
    expect(checked.items.map(({ draft_id }) => draft_id)).toEqual([id]);
    expect((await drafts.list({ q: '%', limit: 10 })).items).toEqual([]);
    expect(await codeOf(drafts.get(randomUUID()))).toBe('draft_not_found');
    expect(await codeOf(drafts.revision(id, 2))).toBe('draft_not_found');
  });
});
