import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { queriesOf } from './support/requests.js';
import { sampleRun } from './support/run-samples.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE, seededId } from './support/seed.js';

let screens: Screens;
beforeAll(async () => {
  screens = await startScreens({ samples: true });
}, 60_000);
afterAll(async () => screens.close());

async function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${screens.url}/ui/runs/${path}`, { headers });
  return { status: answer.status, text: (await answer.text()).replace(/\s+/g, ' ') };
}

const size = (text: string): number => gzipSync(text, { level: 5 }).length;
const ids = (text: string, prefix: string): string[] =>
  [...text.matchAll(new RegExp(`data-testid="${prefix}([^"]*)"`, 'g'))].map(([, id]) => id ?? '');

describe('the page of a run', () => {
  it('shows gate, evidence, map, steps and the panel', async () => {
    const { status, text } = await get(sampleRun('patch'));
    expect(status).toBe(200);
    for (const id of [
      'page-run',
      'run-actions',
      'cancel',
      'gate-banner',
      'gate-review',
      'evidence-chain',
      'run-graph',
      'steps',
      'step-panel',
    ]) {
      expect(text).toContain(`data-testid="${id}"`);
    }
    expect(text).toContain('jonas approved at');
    expect(text).toContain('one more approval is needed');
    expect(text).toContain('44 writes, 1 undone');
  });

  it('draws the same steps in the map and in the track', async () => {
    const { text } = await get(sampleRun('patch'));
    const inMap = ids(text, 'graph-node-');
    expect(inMap).toHaveLength(13);
    expect(ids(text, 'step-')).toEqual(expect.arrayContaining(inMap));
  });

  it('shows the selected step, with one box and one row current, and one tab stop in the map', async () => {
    const path = 'canary_healthy:healthy.patch_hosts';
    const { text } = await get(`${sampleRun('patch')}?step=${encodeURIComponent(path)}`);
    expect(text).toMatch(new RegExp(`data-testid="graph-node-${path}" aria-current="true"`));
    expect(text).toMatch(new RegExp(`data-testid="step-${path}" aria-current="true"`));
    expect(text).toContain('40 items: 39 completed, 1 undone');
    const map = /<svg id="run-map"[^]*?data-testid="run-graph"[^]*?<\/svg>/.exec(text)?.[0] ?? '';
    expect(map.match(/<a /g)).toHaveLength(13);
    expect(map.match(/tabindex="-1"/g)).toHaveLength(12);
  });

  it('shows the beginning of an artifact of the step, and of no other', async () => {
    const { items } = await screens.proof.artifacts.list({ run_id: seededId('patch'), limit: 50 });
    const notes = items.find(({ name }) => name === 'notes.txt');
    const { rows } = await screens.database.catalog.pool.query<{ path: string }>(
      'SELECT path FROM steps WHERE step_id = $1',
      [notes?.step_id],
    );
    const query = `step=${encodeURIComponent(rows[0]?.path ?? '')}&tab=artifacts`;
    const { text } = await get(`${seededId('patch')}?${query}&artifact=${notes?.artifact_id}`);
    expect(/data-testid="artifact-preview"[^]*?<\/section>/.exec(text)?.[0]).toContain('First line');
    expect((await get(`${seededId('patch')}?${query}&artifact=${randomUUID()}`)).text).not.toContain(
      'artifact-preview',
    );
  });

  it('folds a long run, and shows all of it when asked', async () => {
    const folded = await get(sampleRun('long'));
    expect(ids(folded.text, 'graph-node-').length).toBeLessThan(60);
    expect(folded.text).toMatch(/aria-label="[\d\u202f]+ steps [^"]*, Completed, show all"/);
    const all = await get(`${sampleRun('long')}?steps=all`);
    expect(ids(all.text, 'graph-node-').length).toBeGreaterThanOrEqual(200);
  });

  it('says what a failed run failed with, and escapes what was written outside', async () => {
    const { text } = await get(`${sampleRun('hostile')}?tab=outputs`);
    expect(text).toContain('data-testid="failure-banner"');
    expect(text).not.toContain('<script>alert');
    expect(text).not.toContain('<img src=x');
    expect(text).toContain('U+202E');
    expect(HOSTILE).toContain('<script>');
    expect(text).not.toMatch(/data-testid="cancel"/);
    expect(text).not.toMatch(/ style=/);
  });

  it.each([
    ['_status', 'run-head'],
    ['_map', 'run-map'],
    ['_steps', 'run-rows'],
  ])('gives its piece %s without the shell', async (piece, id) => {
    const { status, text } = await get(`${sampleRun('patch')}/${piece}`);
    expect(status).toBe(200);
    expect(text).toContain(`id="${id}"`);
    expect(text).not.toContain('<html');
  });

  it('shows a step by its id, and its log alone', async () => {
    const step = seededId('sample-patch/canary');
    const { text } = await get(`${sampleRun('patch')}/steps/${step}`);
    expect(text).toContain('data-testid="graph-node-canary" aria-current="true"');
    const log = await get(`${sampleRun('patch')}/steps/${step}/_log`);
    expect(log.text).toContain('It wrote nothing.');
    expect(log.text).not.toContain('<html');
    expect((await get(`${sampleRun('patch')}/steps/${randomUUID()}`)).status).toBe(404);
  });

  it('refuses what is not there or not meant', async () => {
    expect((await get(randomUUID())).status).toBe(404);
    expect((await get(`${sampleRun('patch')}?tab=secrets`)).status).toBe(422);
    expect((await get(`${sampleRun('patch')}?step=${'x'.repeat(3_000)}`)).status).toBe(422);
    expect((await get(`${sampleRun('patch')}?step=nowhere`)).status).toBe(200);
  });

  it('keeps to its budgets of bytes and queries', async () => {
    expect(size((await get(sampleRun('patch'))).text)).toBeLessThan(12_000);
    expect(size((await get(sampleRun('long'))).text)).toBeLessThan(24_000);
    expect(await queriesOf(screens, `/ui/runs/${sampleRun('patch')}`)).toBeLessThanOrEqual(6);
    expect(await queriesOf(screens, `/ui/runs/${sampleRun('long')}`)).toBeLessThanOrEqual(6);
  });
});
