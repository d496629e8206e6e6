import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { healthPage, type HealthView } from '../../src/ui/health/health.js';
import { Parts } from '../../src/ui/parts/parts.js';
import { startScreens, type Screens } from './support/screens.js';

let screens: Screens;
beforeAll(async () => {
  screens = await startScreens();
}, 60_000);
afterAll(async () => screens.close());

const at = '2026-11-21T12:00:00.000Z';
const view: HealthView = {
  parts: {
    postgres: { ok: true },
    temporal: { ok: true, address: '127.0.0.1:7233', ui_url: null },
    worker: { ok: true, pollers: 2 },
  },
  since: { postgres: at },
  backlog: { events: 0, audit: 0 },
  report: {
    checked_at: at,
    postgres_version: '15.18',
    temporal_version: '1.31.2',
    findings: [],
    open_runs: 3,
    is_complete: true,
    runs: [],
  },
  version: '0.1.0',
};
const shown = (over: Partial<HealthView>): string =>
  healthPage({ ...view, ...over }, new Parts({ now: Date.parse(at) + 60_000, zone: 'UTC' }))
    .main.toString()
    .replace(/\s+/g, ' ');

it('shows parts, versions and that nothing was found', async () => {
  const answer = await fetch(`${screens.url}/ui/health`);
  const text = await answer.text();
  expect(answer.status).toBe(200);
  expect(text).toContain('Everything works.');
  expect(text).toContain('version 15.18');
  expect(text).toContain('Nothing was found.');
});

it('says what is wrong first, and the next step for each finding and run', () => {
  const finding = { code: 'disk_low', severity: 'warning', message: 'Little room.', next_step: 'Free some.' } as const;
  const run = {
    run_id: '0dadff2f-c32c-547e-91c4-e182674a5005',
    name: 'Patch <b>',
    since: at,
    next_step: 'Start a worker.',
  };
  const text = shown({ report: { ...view.report, findings: [finding], runs: [run], is_complete: false } });
  expect(text).toContain('Two things need a look.');
  for (const part of [
    'Little room.',
    'Free some.',
    'disk_low',
    'Patch &lt;b&gt;',
    'Start a worker.',
    'xynctl doctor</code> goes on',
  ]) {
    expect(text).toContain(part);
  }
  const broken = shown({ parts: { ...view.parts, worker: { ok: false, pollers: 0 } }, backlog: null });
  expect(broken).toMatch(/<h1 class="chain-state is-broken".*One part does not work\./);
  expect(broken).toContain('>Since<');
  expect(shown({ since: {} })).not.toContain('>Since<');
  expect(broken).toContain('None polls');
});
