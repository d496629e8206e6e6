import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asAdmin } from '../support/database.js';
import { startScreens, type Screens } from './support/screens.js';

let screens: Screens;
beforeAll(async () => {
  screens = await startScreens({ proof: true });
}, 60_000);
afterAll(async () => screens.close());

interface Answer {
  status: number;
  text: string;
  location: string | null;
  cookie: string;
}

async function send(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(screens.url + path, { redirect: 'manual', ...init });
  const text = (await answer.text()).replace(/\s+/g, ' ');
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return { status: answer.status, text, location: answer.headers.get('location'), cookie };
}

/** Presses the button of the page, as a browser without script does. */
async function verify(): Promise<Answer> {
  const { text, cookie } = await send('/ui/audit');
  const token = /action="\/ui\/audit\/verify"[^]*?name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  const body = new URLSearchParams({ _csrf: token });
  return send('/ui/audit/verify', { method: 'POST', body, headers: { cookie, origin: screens.url } });
}

const headline = (text: string): string =>
  (/data-testid="audit-state"[^>]*>(.*?)<\/h1>/.exec(text)?.[1] ?? '').replace(/<[^>]*>/g, '').trim();
const chain = (text: string): string => /data-testid="audit-chain".*?<\/section>/.exec(text)?.[0] ?? '';
const entries = (text: string): string[] => [...text.matchAll(/<tr id="entry-(\d+)"/g)].map(([, id]) => id ?? '');

describe('the audit page', () => {
  it('does not say that the chain is whole before it was checked, and says it after', async () => {
    expect(headline((await send('/ui/audit')).text)).toBe('The chain was not checked yet.');
    expect(await verify()).toMatchObject({ status: 303, location: '/ui/audit' });
    const { text } = await send('/ui/audit');
    expect(headline(text)).toBe('The chain is whole.');
    expect(text).toMatch(/132 checked at .* with 1 signed head/);
  });

  it('draws the newest links, and says which of them was signed when', async () => {
    const drawing = chain((await send('/ui/audit')).text);
    expect(drawing).toContain('aria-label="Links 109 to 132, 1 signed head"');
    expect(drawing.match(/<i[ >]/g)).toHaveLength(24);
    expect(drawing).toMatch(/<i class="newest"><b>signed <time[^>]*>[^<]*<\/time><\/b><\/i><\/div>/);
    expect(drawing).toMatch(/It was signed at <time/);
  });

  it('refuses a check that no page of ours asked for', async () => {
    const { status } = await send('/ui/audit/verify', {
      method: 'POST',
      body: new URLSearchParams({}),
      headers: { origin: screens.url },
    });
    expect(status).toBe(403);
  });

  it('lists newest first, filters, and pages without gap or double', async () => {
    const first = (await send('/ui/audit')).text;
    const older = /href="([^"]+)" data-testid="older"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = (await send(older)).text;
    const ids = [...entries(first), ...entries(second)].map(Number);
    expect(ids).toEqual(Array.from({ length: 72 }, (_, at) => 132 - at));
    const decided = (await send('/ui/audit?q=action:gate.decide%20actor:petra')).text;
    expect(entries(decided).length).toBeGreaterThan(0);
    expect(decided).toContain('/api/v1/audit?actor=petra&amp;action=gate.decide');
    expect((await send('/ui/audit?q=nonsense')).text).toContain('“nonsense” is no term of this filter');
    expect((await send('/ui/audit?q=actor:nobody')).text).toContain('data-testid="empty-filter"');
  });

  it('names a run once where it is what something was done to', async () => {
    const { text } = await send('/ui/audit?q=action:run.create');
    expect(text).toMatch(/<td class="cut"><a href="\/ui\/runs\/([0-9a-f]{8})[^"]*">run \1<\/a><\/td>/);
    expect(text).not.toMatch(/run ([0-9a-f]{8})<\/span> · <a[^>]*>run \1</);
  });

  it('opens an entry with before, after, reason and hash, also one of another page', async () => {
    const { text } = await send('/ui/audit?entry=132');
    const opened = /data-testid="audit-entry">(.*?)<tr id="entry/.exec(text)?.[1] ?? '';
    expect(opened).toMatch(/<th scope="row"><code>version<\/code><\/th>.*>2<.*>3</);
    expect(opened).toContain('“The new mirror is up”');
    expect(opened).toMatch(/<code class="wrap small">[0-9a-f]{64}<\/code>/);
    expect(entries((await send('/ui/audit?entry=3')).text).at(0)).toBe('3');
  });

  it('turns red when an entry was changed in the tables: headline, both hashes, what to do', async () => {
    await asAdmin(screens.database.ownerUrl, [
      'SET session_replication_role = replica',
      `UPDATE audit_log SET actor = 'eve' WHERE audit_id = 47`,
    ]);
    await verify();
    const { text } = await send('/ui/audit');
    expect(headline(text)).toBe('The chain breaks at entry 47.');
    expect(text).toContain('class="chain-state is-broken"');
    expect(text).toContain('Entry 47 was changed after it was linked.');
    const { rows } = await screens.database.catalog.pool.query<{ hash: string }>(
      'SELECT hash FROM audit_chain WHERE audit_id = 47',
    );
    const hashes =
      /Must be<\/dt>.*?<code class="wrap">([0-9a-f]{64})<.*?Is<\/dt>.*?<code class="wrap">([0-9a-f]{64})</.exec(text);
    expect(hashes?.[1]).toBe(rows[0]?.hash);
    expect(hashes?.[2]).not.toBe(rows[0]?.hash);
    expect(text).toContain('What to do');
    expect(chain(text)).toContain('aria-label="Links 30 to 53, link 47 does not fit"');
    expect(chain(text).match(/<i class="bad">/g)).toHaveLength(1);
    expect(text).not.toContain('The chain is whole.');
  });
});
