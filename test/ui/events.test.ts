import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Tree } from '../../src/domain/expression/tree.js';
import { caller } from '../support/node.js';
import { planOf, transform } from '../support/plans.js';
import { getPage, queriesOf, sendForm } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE, seededId } from './support/seed.js';

const field = (name: string): Tree => ['.', ['.', ['v', 'event'], 'data'], name];
const FILTER: Tree = [
  '&&',
  ['c', 'startsWith', field('service'), 'Disk'],
  ['==', field('state'), 'CRIT'],
  ['==', ['.', ['v', 'env'], 'stage'], 'prod'],
];

let screens: Screens;
let started: string;
let unmatched: string;

const emit = async (data: Record<string, string>, name = 'mon.disk'): Promise<string> =>
  (await screens.core.events.emit(caller(), { event_name: name, data })).event_id;

beforeAll(async () => {
  screens = await startScreens();
  const plan = planOf([transform('note', [['seen', true]])], {
    id: 'bp.disk.cleanup',
    triggers: [{ kind: 'event', event: 'mon.disk', filter: FILTER }],
  });
  await screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.disk.cleanup', debug: {} });
  started = await emit({ service: 'Disk /', state: 'CRIT' });
  unmatched = await emit({ service: 'Disk /var', state: 'WARN', output: HOSTILE });
}, 60_000);

afterAll(async () => screens.close());

describe('the event console', () => {
  it('lists events with what became of them, newest first', async () => {
    const { status, text } = await getPage(screens, '/ui/events');
    expect(status).toBe(200);
    for (const id of ['page-events', 'event-list', 'event-detail', 'new-events', 'filter-bar', 'needs-you']) {
      expect(text).toContain(`data-testid="${id}"`);
    }
    expect(text.indexOf(`event-${unmatched}`)).toBeLessThan(text.indexOf(`event-${started}`));
    expect(text).toMatch(/no match/);
    expect(text).toMatch(/1.run</);
  });

  it('says of each condition what it was, and the values that decided', async () => {
    const { text } = await getPage(screens, `/ui/events/${unmatched}`);
    expect(text).toContain('Why nothing started');
    expect(text).toContain('event.data.service.startsWith(&quot;Disk&quot;)');
    expect(text).toContain('event.data.state == &quot;CRIT&quot;');
    expect(text).toMatch(/event\.data\.state<\/code> was <b class="wrap"><code class="wrap">WARN/);
    expect(text).toMatch(/env\.stage == &quot;prod&quot;<\/code><span class="small meta">not reached/);
    expect(text).toContain('data-testid="re-emit"');
  });

  it('shows hostile text as text, with its hidden characters by name', async () => {
    for (const id of [unmatched, seededId('alert-hostile')]) {
      const { text } = await getPage(screens, `/ui/events/${id}`);
      expect(text).not.toContain('<img src=x');
      expect(text).toContain('U+202E');
      expect(text).toMatch(/hidden characters/);
    }
  });

  it('narrows the list by terms in the address, and names a term that says nothing', async () => {
    const shown = async (q: string): Promise<string> =>
      (await getPage(screens, `/ui/events?q=${encodeURIComponent(q)}`)).text;
    expect(await shown('became:started')).toContain(`event-${started}`);
    expect(await shown('became:started')).not.toContain(`event-${unmatched}`);
    expect(await shown('became:nomatch')).toContain(`event-${unmatched}`);
    expect(await shown('name:mon.* disk')).toContain(`event-${unmatched}`);
    expect(await shown('name:git.*')).not.toContain(`event-${unmatched}`);
    expect(await shown('is:important')).toContain('Nothing matches.');
    expect(await shown('state:x')).toContain('is no term of this filter');
  });

  it('keeps the list where it was when an event is selected, and counts what came since', async () => {
    const { text: list } = await getPage(screens, '/ui/events');
    const link = new RegExp(`/ui/events/${started}\\?before=\\d+`).exec(list)?.[0] ?? '';
    const fresh = await emit({ service: 'CPU', state: 'CRIT' });
    const { text } = await getPage(screens, link);
    expect(text).not.toContain(`id="event-${fresh}"`);
    expect(text).toMatch(/1 new event · show/);
    expect((await getPage(screens, '/ui/events')).text).toContain(`id="event-${fresh}"`);
  });

  it('asks before an event is emitted again; the new one names the old, and a form sent twice emits once', async () => {
    const question = `/ui/events/${started}/re-emit`;
    expect((await getPage(screens, question)).text).toContain('Emit this event again?');
    const count = async (): Promise<number> =>
      (await screens.core.events.list({ event_name: 'mon.disk', limit: 200 })).items.length;
    const before = await count();
    const key = { key: '4f0c2f3e-58ce-4b7e-9d5b-0d3c1d5d9a01' };
    const [first, second] = [await sendForm(screens, question, key), await sendForm(screens, question, key)];
    expect(first.status).toBe(303);
    expect(second.location).toBe(first.location);
    expect(await count()).toBe(before + 1);
    const { text } = await getPage(screens, first.location ?? '');
    expect(text).toContain(`It repeats <a href="/ui/events/${started}">an earlier event</a>`);
    expect(text).toMatch(/data-verdict="started"/);
    expect(text).toContain('data-testid="event-chain"');
  });

  it('says what an event would do today, beside what it did', async () => {
    const { text } = await getPage(screens, `/ui/events/${unmatched}`);
    expect(text).toContain(`href="/ui/events/${unmatched}/today"`);
    const before = await getPage(screens, `/ui/events/${unmatched}/today`);
    expect(before.text).toContain('Today it would start nothing.');
    expect(before.text).toMatch(/event\.data\.state<\/code> was <b class="wrap"><code class="wrap">WARN/);
    const runs = (await screens.core.runs.list({ blueprint_id: 'bp.disk.any', limit: 10 })).items.length;
    const plan = planOf([transform('note', [['seen', true]])], {
      id: 'bp.disk.any',
      inputs: { type: 'object', additionalProperties: false, properties: { service: { type: 'string' } } },
      triggers: [{ kind: 'event', event: 'mon.disk' }],
    });
    await screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.disk.any', debug: {} });
    const after = await getPage(screens, `/ui/events/${unmatched}/today`);
    expect(after.text).toMatch(/Today it would start 1.run\./);
    expect(after.text).toContain('Would start a run');
    expect(after.text).toContain('Then: it did not listen.');
    expect(after.text).toContain('href="/ui/runs/new?blueprint=bp.disk.any&amp;input.service=Disk%20%2Fvar"');
    expect((await screens.core.runs.list({ blueprint_id: 'bp.disk.any', limit: 10 })).items).toHaveLength(runs);
  });

  it('narrows to a minute by its bar, and moves on from there by links', async () => {
    const { text } = await getPage(screens, '/ui/events?q=name%3Amon.*');
    const bars = [
      ...text.matchAll(/<a href="(\/ui\/events\?q=from%3A[^"]+)"\s*(tabindex="-1")?\s*><title>\d\d:\d\d: \d+ events/g),
    ];
    expect(bars.length).toBeGreaterThan(0);
    expect(bars.filter(([, , isSkipped]) => isSkipped === undefined)).toHaveLength(1);
    const { occurred_at: at } = await screens.core.events.get(started);
    const link = bars.find(([, one = '']) => one.includes(encodeURIComponent(`from:${at.slice(0, 16)}Z`)))?.[1];
    const minute = await getPage(screens, link ?? '');
    expect(minute.text).toContain(`id="event-${started}"`);
    expect(minute.text).toContain('class="band"');
    const moves = /data-testid="event-span">(.*?)<\/nav>/.exec(minute.text)?.[1] ?? '';
    const [earlier = '', , wider = '', whole = ''] = [...moves.matchAll(/href="([^"]+)"/g)].map(([, one]) => one ?? '');
    expect((await getPage(screens, earlier)).text).not.toContain(`id="event-${started}"`);
    expect((await getPage(screens, wider)).text).toContain(`id="event-${started}"`);
    expect(whole).toBe('/ui/events?q=name%3Amon.*');
  });

  it('does not emit again what only Xyn emits', async () => {
    const { items } = await screens.core.events.list({ event_name: 'xyn.run.created', limit: 1 });
    const id = items[0]?.event_id ?? '';
    expect((await getPage(screens, `/ui/events/${id}`)).text).not.toContain('data-testid="re-emit"');
    expect((await sendForm(screens, `/ui/events/${id}/re-emit`)).status).toBe(422);
  });

  it('fits its budget: 8 kB and 3 queries', async () => {
    const { text } = await getPage(screens, '/ui/events');
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(8_000);
    expect(await queriesOf(screens, '/ui/events')).toBeLessThanOrEqual(3);
  });

  it('answers for what is not there', async () => {
    expect((await getPage(screens, `/ui/events/${seededId('nobody')}`)).status).toBe(404);
    expect((await getPage(screens, '/ui/events?before=x')).status).toBe(422);
  });
});

describe('a first start', () => {
  it('says what to do', async () => {
    const empty = await startScreens({ empty: true });
    try {
      const { text } = await getPage(empty, '/ui/events');
      expect(text).toContain('No event yet.');
      expect(text).toContain('href="/ui/runs/new"');
    } finally {
      await empty.close();
    }
  });
});
