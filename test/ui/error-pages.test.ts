import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { forms } from '../../src/http/ui/pages.js';
import { caller } from '../support/node.js';
import { getPage, type Answer } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

let screens: Screens;
let draft: string;
beforeAll(async () => {
  screens = await startScreens({ samples: true });
  const request = { draft: { kind: 'blueprint', name: 'One' } as const, definition: 'api: xyn/v1' };
  draft = (await screens.drafts.save(caller(), request)).draft_id;
}, 60_000);
afterAll(() => screens.close());

/** What an error page offers beside the way home. */
const offered = ({ text }: Answer): string | undefined =>
  /<a class="button" href="([^"]+)">(?:Try|Open)/.exec(text)?.[1];

/** A form without the token of its page. */
async function refused(path: string): Promise<Answer> {
  const headers = { Origin: screens.url };
  const answer = await fetch(screens.url + path, { method: 'POST', headers, body: new URLSearchParams({ a: 'b' }) });
  return { status: answer.status, text: (await answer.text()).replace(/\s+/g, ' '), location: null };
}

describe('an error page', () => {
  it('offers no repeat where the same would come', async () => {
    for (const path of ['/ui/nothing', `/ui/runs/${seededId('none')}`, '/ui/runs?cursor=none']) {
      const answer = await getPage(screens, path);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.text).toContain('data-testid="page-error"');
      expect(offered(answer)).toBeUndefined();
    }
  });

  const ids: Readonly<Record<string, string>> = {
    event_id: seededId('alert-web'),
    blueprint_id: 'bp.ci.build',
    gate_id: seededId('gate/patch'),
    run_id: seededId('past-12'),
    schedule: 'bp.checks.nightly%3A1',
  };
  it.each(forms.map(({ path }) => path))('leads from the refused form %s to a page that is there', async (path) => {
    const answer = await refused(`/ui${path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? draft)}`);
    expect([answer.status, answer.text]).toEqual([403, expect.stringContaining('csrf_invalid')]);
    expect((await getPage(screens, offered(answer) ?? '/ui/none')).status).toBe(200);
  });
});
