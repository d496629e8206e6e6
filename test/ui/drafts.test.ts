import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { caller } from '../support/node.js';
import { getPage, queriesOf, sendForm } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE } from './support/seed.js';

const GOOD = `api: xyn/v1
id: bp.shop.watch
triggers:
  - event: shop.slow
plan:
  - kind: gate
    id: approve
    mode: manual
  - kind: transform
    id: note
    set: {seen: true}
`;
const BAD = GOOD.replace('mode: manual', 'mod: manual');

let screens: Screens;
const begin = async (name: string, definition = GOOD): Promise<string> =>
  (await screens.drafts.save(caller(), { draft: { kind: 'blueprint', name }, definition })).draft_id;
const pageOf = (id: string): string => `/ui/drafts/${id}`;

/** Sends the editor's form as its script does, for pieces of the page. */
async function sendPart(
  path: string,
  action: string,
  fields: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const page = await fetch(screens.url + path);
  const markup = await page.text();
  const cookies = page.headers.getSetCookie().map((one) => one.split(';')[0]);
  const token = /name="_csrf" value="([^"]+)"/.exec(markup)?.[1] ?? '';
  const revision = /name="revision" value="([^"]+)"/.exec(markup)?.[1] ?? '';
  const answer = await fetch(screens.url + action, {
    method: 'POST',
    headers: { Cookie: cookies.join('; '), Origin: screens.url, 'X-Xyn-Part': 'main' },
    body: new URLSearchParams({ _csrf: token, revision, ...fields }),
  });
  return { status: answer.status, text: (await answer.text()).replace(/\s+/g, ' ') };
}

beforeAll(async () => {
  screens = await startScreens();
}, 60_000);

afterAll(async () => screens.close());

describe('drafts', () => {
  it('are begun by a name, and listed last changed first', async () => {
    expect((await getPage(screens, '/ui/drafts')).text).toContain('No draft is here.');
    const { status, location } = await sendForm(screens, '/ui/drafts', { name: 'bp.hello' });
    expect([status, location]).toEqual([303, expect.stringMatching(/^\/ui\/drafts\/[0-9a-f-]{36}$/)]);
    const { text } = await getPage(screens, location ?? '');
    expect(text).toContain('data-testid="page-editor"');
    expect(text).toContain('id: bp.hello');
    await begin('second');
    const list = (await getPage(screens, '/ui/drafts')).text;
    expect(list).toMatch(/data-testid="draft-list".*second.*bp\.hello/);
    for (const label of ['State', 'Revision', 'Blueprint', 'Changed', 'By'])
      expect(list.split(`data-label="${label}"`)).toHaveLength(3);
    expect(list).toContain('<h1>Two drafts, none ready to promote yet.</h1>');
    expect(gzipSync(list, { level: 5 }).length).toBeLessThan(8_000);
    expect(await queriesOf(screens, '/ui/drafts')).toBeLessThanOrEqual(3);
  });

  it('do not go on with a draft of the same name, and want a name', async () => {
    const first = await sendForm(screens, '/ui/drafts', { name: 'same' });
    const second = await sendForm(screens, '/ui/drafts', { name: 'same' });
    expect(second.location).not.toBe(first.location);
    expect((await getPage(screens, second.location ?? '')).text).toContain('<h1 class="wrap">same 2</h1>');
    const none = await sendForm(screens, '/ui/drafts', { name: ' ' });
    expect([none.status, none.text]).toEqual([422, expect.stringContaining('Give it a name')]);
  });

  it('show hostile text as text', async () => {
    const id = await begin(`name ${HOSTILE}`.slice(0, 90), `${GOOD}# ${HOSTILE}\n`);
    for (const path of [pageOf(id), '/ui/drafts', `${pageOf(id)}/diff`, `${pageOf(id)}/promote`])
      expect((await getPage(screens, path)).text).not.toContain('<img src=x');
    const { text } = await sendPart(pageOf(id), `${pageOf(id)}/_validate`, { source: `${GOOD}# ${HOSTILE}\n` });
    expect(text).toContain('hidden_character');
    expect(text).toContain('U+202E right-to-left override');
    expect(text).not.toContain('<img src=x');
  });
});

describe('the editor', () => {
  it('checks a text without keeping it: problems with their places, the graph when there are none', async () => {
    const id = await begin('checked');
    const bad = await sendPart(pageOf(id), `${pageOf(id)}/_validate`, { source: BAD });
    expect(bad.status).toBe(200);
    expect(bad.text).toMatch(/<li [^>]*data-line="8" data-column="5" data-severity="error"/);
    expect(bad.text).toMatch(/2 errors/);
    expect(bad.text).not.toContain('id="draft-graph"');
    expect(bad.text).not.toContain('<html');
    const good = await sendPart(pageOf(id), `${pageOf(id)}/_validate`, { source: GOOD });
    expect(good.text).toContain('No problems');
    expect(good.text).toMatch(/href="#L6"[^>]*data-testid="graph-node-approve"|data-testid="graph-node-approve"/);
    expect(good.text).toContain('href="#L9"');
    expect((await screens.drafts.get(id)).revision).toBe(1);
  });

  it('works without its script: the whole page comes back with what was typed', async () => {
    const id = await begin('plain');
    const { status, text } = await sendForm(
      screens,
      pageOf(id),
      { source: BAD.replaceAll('\n', '\r\n') },
      `${pageOf(id)}/_validate`,
    );
    expect(status).toBe(200);
    expect(text).toContain('mod: manual');
    expect(text).toContain('data-testid="problems"');
    expect(text).toMatch(/<noscript><ol class="code source".*id="L8" class="marked"/);
    const saved = await sendForm(screens, pageOf(id), { source: BAD.replaceAll('\n', '\r\n') }, pageOf(id));
    expect([saved.status, saved.location]).toEqual([303, pageOf(id)]);
    expect((await screens.drafts.get(id)).content.definition).toBe(BAD);
  });

  it('keeps what was typed when somebody else saved meanwhile, and saves over it only when told to', async () => {
    const id = await begin('two people');
    const mine = `${GOOD}# mine\n`;
    const theirs = `${GOOD}# theirs\n`;
    await screens.drafts.save({ ...caller(), actor: 'petra' }, { draft: { id }, definition: theirs });
    const { status, text } = await sendPart(pageOf(id), pageOf(id), { source: mine, revision: '1' });
    expect(status).toBe(409);
    expect(text).toMatch(/data-conflict.*Revision 2 was saved meanwhile by petra/);
    expect(text).toMatch(/<li class="removed"># theirs<\/li><li class="added"># mine<\/li>/);
    expect((await screens.drafts.get(id)).content.definition).toBe(theirs);
    const whole = await sendForm(screens, pageOf(id), { source: mine, revision: '1' }, pageOf(id));
    expect(whole.status).toBe(409);
    expect(whole.text).toContain('# mine');
    expect((await sendPart(pageOf(id), pageOf(id), { source: mine, revision: '1', over: '2' })).status).toBe(200);
    expect(await screens.drafts.get(id)).toMatchObject({ revision: 3, content: { definition: mine } });
  });

  it('says why a draft cannot be promoted, and promotes one that was validated', async () => {
    const id = await begin('promoted', BAD);
    const why = async (): Promise<string> =>
      /id="why-not">([^<]*)</.exec((await getPage(screens, pageOf(id))).text)?.[1] ?? '';
    expect(await why()).toBe('Validate revision 1 first.');
    await sendForm(screens, pageOf(id), { source: BAD }, `${pageOf(id)}/validate`);
    expect(await why()).toBe('Revision 1 has errors.');
    expect((await getPage(screens, `${pageOf(id)}/promote`)).text).toContain('This draft cannot be promoted now.');
    await sendForm(screens, pageOf(id), { source: GOOD }, `${pageOf(id)}/validate`);
    expect(await why()).toBe('');
    const question = await getPage(screens, `${pageOf(id)}/promote`);
    expect(question.text).toContain('It becomes the first version.');
    const { status, location } = await sendForm(screens, `${pageOf(id)}/promote`, { reason: 'ready' });
    expect([status, location]).toEqual([303, '/ui/blueprints/bp.shop.watch/versions']);
    expect((await screens.core.blueprints.get('bp.shop.watch')).source).toBe(GOOD);
    expect(await why()).toBe('Revision 2 is version 1 already.');
  });

  it('replaces a version that somebody else made active meanwhile only when told to', async () => {
    const draftOf = async (name: string): Promise<string> => {
      const id = await begin(
        name,
        GOOD.replace('bp.shop.watch', 'bp.shop.raced').replace('seen: true', `seen: "${name}"`),
      );
      await screens.drafts.validate(caller(), id);
      return id;
    };
    const [mine, theirs] = [await draftOf('mine'), await draftOf('theirs')];
    await screens.drafts.promote(caller(), theirs);
    const refused = await sendForm(screens, `${pageOf(mine)}/promote`);
    expect(refused.status).toBe(409);
    expect(refused.text).toContain('Version 1 became active since the work on this draft began.');
    expect((await screens.core.blueprints.get('bp.shop.raced')).active_version).toBe(1);
    const told = await sendForm(screens, `${pageOf(mine)}/promote`, { over: '1' });
    expect([told.status, told.location]).toEqual([303, '/ui/blueprints/bp.shop.raced/versions']);
    expect((await screens.core.blueprints.get('bp.shop.raced')).source).toContain('seen: "mine"');
  });

  it('runs scenarios on the saved text, and keeps how they went', async () => {
    const id = await begin('tested');
    const scenario = (status: string): string =>
      `blueprint: ./draft.yaml\nscenarios:\n  - name: nobody decides\n    start: {inputs: {}}\n    expect: {status: ${status}, error: {code: gate_expired}}\n`;
    expect((await getPage(screens, pageOf(id))).text).toContain('not run on revision 1');
    const good = await sendPart(pageOf(id), `${pageOf(id)}/_test`, {
      source: `${GOOD}# 2\n`,
      scenarios: scenario('failed'),
    });
    expect(good.status).toBe(200);
    expect(good.text).toMatch(/data-testid="test-result".*1 pass.*nobody decides/);
    expect((await screens.drafts.get(id)).newest).toMatchObject({ revision: 2, tests: { passed: 1, failed: 0 } });
    const again = (await getPage(screens, pageOf(id))).text;
    expect(again).toMatch(
      /1 pass.*nobody decides.*1 of 2 steps, cases and handlers reached.*never reached: <code>step note/,
    );
    expect(again).toContain('expect: {status: failed, error: {code: gate_expired}}');
    const bad = await sendForm(
      screens,
      pageOf(id),
      { source: `${GOOD}# 2\n`, scenarios: scenario('completed') },
      `${pageOf(id)}/_test`,
    );
    expect(bad.text).toMatch(/1 of 1 fail.*<li class="removed">completed<\/li> ?<li class="added">failed/);
    expect(bad.text).toContain('expect: {status: completed');
    const broken = await sendPart(pageOf(id), `${pageOf(id)}/_test`, {
      source: `${GOOD}# 2\n`,
      scenarios: 'blueprint: ./draft.yaml\nscenarios: [{nam: x}]',
    });
    expect(broken.text).toMatch(/Scenarios, line 2/);
    await begin('tested', `${GOOD}# 3\n`);
    expect((await getPage(screens, pageOf(id))).text).toMatch(/not run on revision 3; revision 2:/);
  });

  it('shows the scenarios of a version on its blueprint, where they can be tried and are not kept', async () => {
    const id = await begin('shown', GOOD.replace('bp.shop.watch', 'bp.shop.shown'));
    const scenarios = 'scenarios:\n  - name: nobody decides\n    expect: {status: failed}\n';
    await screens.drafts.validate(caller(), id);
    await screens.drafts.test(caller(), id, scenarios);
    const { version } = await screens.drafts.promote(caller(), id);
    const tab = '/ui/blueprints/bp.shop.shown/tests';
    const { text } = await getPage(screens, tab);
    expect(text).toMatch(new RegExp(`1 pass.*on version ${version}, .*nobody decides.*1 of 2 steps`));
    expect(await queriesOf(screens, tab)).toBeLessThanOrEqual(4);
    const tried = await sendForm(screens, tab, { scenarios: scenarios.replace('failed', 'completed') }, tab);
    expect([tried.status, tried.text]).toEqual([200, expect.stringMatching(/1 of 1 fail.*just now; not kept/)]);
    expect((await getPage(screens, tab)).text).toContain('1 pass');
    expect((await getPage(screens, '/ui/blueprints/bp.ci.build/tests')).text).toContain('No scenario ran yet.');
  });

  it('compares a draft with the active version, and with its own revisions', async () => {
    const id = await begin('compared', GOOD);
    const sent = await sendForm(screens, pageOf(id), { source: `${GOOD}# more\n` }, `${pageOf(id)}/compare`);
    expect(sent.location).toBe(`${pageOf(id)}/diff`);
    const { text } = await getPage(screens, `${pageOf(id)}/diff`);
    expect(text).toMatch(/version 1 of bp\.shop\.watch.*<li class="added"># more<\/li>/);
    expect((await getPage(screens, `${pageOf(id)}/diff?from=1`)).text).toContain('revision 1');
    expect((await getPage(screens, `${pageOf(id)}/diff?from=9`)).status).toBe(404);
    const first = await begin('first', GOOD.replace('bp.shop.watch', 'bp.shop.first'));
    const { text: all } = await getPage(screens, `${pageOf(first)}/diff`);
    expect(all).toContain('No version is active yet: all of revision 1 is new.');
  });

  it('fits its budget: 10 kB and three queries, also when its scenarios ran', async () => {
    const id = await begin('budget', GOOD);
    const scenarios = 'scenarios:\n  - name: nobody decides\n    expect: {status: failed}\n';
    await screens.drafts.test(caller(), id, scenarios);
    const { text } = await getPage(screens, pageOf(id));
    expect(text).toContain('nobody decides');
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(10_000);
    expect(await queriesOf(screens, pageOf(id))).toBeLessThanOrEqual(3);
  });

  it('refuses a form without the token, and a draft that is not there', async () => {
    const id = await begin('token');
    const body = new URLSearchParams({ source: BAD, revision: '1' });
    const answer = await fetch(screens.url + pageOf(id), { method: 'POST', headers: { Origin: screens.url }, body });
    expect(answer.status).toBe(403);
    expect((await getPage(screens, pageOf('00000000-0000-4000-8000-000000000000'))).status).toBe(404);
  });
});
