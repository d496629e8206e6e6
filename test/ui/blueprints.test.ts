import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { caller } from '../support/node.js';
import { action, gate, planOf } from '../support/plans.js';
import { getPage, queriesOf, sendForm } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE } from './support/seed.js';

const SOURCE = `# Cleans a disk "up".
id: bp.disk.cleanup
name: Clean a disk
trigger:
  event_type: mon.disk
  filter: "{{ event.data.state == 'CRIT # not a comment' }}"
plan:
  - kind: action_task # the only one
    id: clean
`;
const PAGE = '/ui/blueprints/bp.disk.cleanup';

let screens: Screens;

beforeAll(async () => {
  screens = await startScreens();
  const triggers = [{ kind: 'event' as const, event: 'mon.disk' }];
  const save = (source: string, nodes: Parameters<typeof planOf>[0]) =>
    screens.core.blueprints.savePlan(caller(), {
      plan: planOf(nodes, { id: 'bp.disk.cleanup', triggers }),
      source,
      debug: {},
    });
  await save(SOURCE, [action('clean')]);
  await save(`${SOURCE}  - kind: gate\n    id: ask # ${HOSTILE}\n`, [action('clean'), gate('ask')]);
}, 60_000);

afterAll(async () => screens.close());

describe('blueprints', () => {
  it('are listed with what starts them, their version and how their runs went', async () => {
    const { status, text } = await getPage(screens, '/ui/blueprints');
    expect(status).toBe(200);
    expect(text).toContain('data-testid="page-blueprints"');
    expect(text).toMatch(/bp\.disk\.cleanup.*mon\.disk.*never/);
    expect(text).toMatch(/bp\.ci\.build.*data-testid="status-pill".*of <\/?[^>]*>|of 3\d/);
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(8_000);
    expect(await queriesOf(screens, '/ui/blueprints')).toBeLessThanOrEqual(3);
  });

  it('have a page with the graph of the active plan, triggers and inputs', async () => {
    const { status, text } = await getPage(screens, PAGE);
    expect(status).toBe(200);
    expect(text).toContain('data-testid="graph-node-clean"');
    expect(text).toContain('data-testid="graph-node-ask"');
    expect(text).toContain('href="/ui/events?q=name%3Amon.disk"');
    expect(text).toContain('href="/ui/runs/new?blueprint=bp.disk.cleanup"');
    expect((await getPage(screens, '/ui/blueprints/bp.ci.build')).text).toMatch(/How long the last \d+ took/);
    expect((await getPage(screens, '/ui/blueprints/bp.nothing')).status).toBe(404);
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(8_000);
  });

  it('show how many runs ended on each day, and on which of them some failed', async () => {
    expect((await getPage(screens, PAGE)).text).toContain('No run has ended in the last 26 weeks.');
    const { pool } = screens.database.catalog;
    const add = (table: string, daysAgo: number, status: string, runs: number): Promise<unknown> =>
      pool.query(
        `INSERT INTO ${table} (day, blueprint_id, source, name, metric, unit, quantity)
        VALUES ((now() AT TIME ZONE 'UTC')::date - $1::int, 'bp.disk.cleanup', 'run', $2, 'run.count', 'count', $3)`,
        [daysAgo, status, runs],
      );
    await add('footprint_days', 3, 'completed', 4);
    await add('footprint_days', 3, 'failed', 1);
    await add('footprint_days', 181, 'completed', 2);
    await add('footprint_days', 182, 'failed', 9);
    await add('footprint_deltas', 0, 'completed', 1);
    const { text } = await getPage(screens, PAGE);
    expect(text).toContain('aria-label="Runs per day over 26 weeks: 8 ended, failures on 1 day"');
    const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    expect(text).toContain(`<li>${day} <span class="meta">1 of 5</span></li>`);
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(8_000);
    expect(await queriesOf(screens, PAGE)).toBeLessThanOrEqual(8);
  });

  it('say when they start next by the clock', async () => {
    const at = (cron: string) => ({ kind: 'schedule', cron, timezone: 'UTC', catchup_ms: 600_000 }) as const;
    const plan = planOf([action('clean')], { id: 'bp.clocked', triggers: [at('0 3 * * *'), at('0 4 * * *')] });
    await screens.core.blueprints.savePlan(caller(), { plan, source: 'id: bp.clocked', debug: {} });
    const often = planOf([action('clean')], { id: 'bp.often', triggers: [at('* * * * *')] });
    await screens.core.blueprints.savePlan(caller(), { plan: often, source: 'id: bp.often', debug: {} });
    const page = '/ui/blueprints/bp.clocked';
    const said = async (): Promise<string | undefined> =>
      / id="h-starts">Starts<\/h2>(.*?)<\/header>/
        .exec((await getPage(screens, page)).text)?.[1]
        ?.replace(/<[^>]*>/g, '');
    await screens.core.schedules.pause(caller(), 'bp.clocked:1', 'not now');
    expect(await said()).toMatch(/^next by the clock (.* )?04:00, in /);
    await screens.core.schedules.pause(caller(), 'bp.clocked:2', 'not now');
    expect(await said()).toBe('no schedule fires now');
    expect(await queriesOf(screens, '/ui/blueprints/bp.clocked')).toBeLessThanOrEqual(9);
  });

  it('show which versions are in use: the active one, and those of open runs', async () => {
    /** Each version's row of the overview as it reads. */
    const shownRows = async (): Promise<string[]> => {
      const table = /data-testid="live-versions"(.*?)<\/table>/.exec((await getPage(screens, PAGE)).text)?.[1] ?? '';
      return [...table.matchAll(/<tr><td class="lead">(.*?)<\/tr>/g)].map(([, row = '']) =>
        row.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '),
      );
    };
    const [newest = '', first = ''] = await shownRows();
    expect(newest).toMatch(/^ ?Version 2 .*What changed.*Active ?$/);
    expect(first).toMatch(/^ ?Version 1 .*the first ?$/);
    const { pool } = screens.database.catalog;
    const lend = (id: string, to: string, version: number): Promise<unknown> =>
      pool.query('UPDATE runs SET blueprint_id = $2, blueprint_version = $3 WHERE run_id = $1', [id, to, version]);
    const { rows } = await pool.query<{ run_id: string; blueprint_id: string; blueprint_version: number }>(
      `SELECT run_id, blueprint_id, blueprint_version FROM runs WHERE status = 'running' ORDER BY run_id LIMIT 1`,
    );
    const [
      { run_id: id, blueprint_id: owner, blueprint_version: version } = {
        run_id: '',
        blueprint_id: '',
        blueprint_version: 0,
      },
    ] = rows;
    await lend(id, 'bp.disk.cleanup', 1);
    const lent = await shownRows();
    await lend(id, owner, version);
    expect(lent[1]).toMatch(/^ ?Version 1 .* 1.open run ?$/);
  });

  it('show their versions, the active one, and what changed', async () => {
    const { text } = await getPage(screens, `${PAGE}/versions`);
    expect(text).toContain('data-testid="versions"');
    expect(text).toMatch(/Active/);
    expect(text).toContain(`href="${PAGE}/diff?from=1&amp;to=2"`);
    const changed = await getPage(screens, `${PAGE}/diff?from=1&to=2`);
    expect(changed.text).toMatch(/<li class="added"> - kind: gate<\/li>/);
    expect(changed.text).not.toContain('<img src=x');
    expect(changed.text).toMatch(/unchanged lines/);
    expect((await getPage(screens, `${PAGE}/diff?from=1&to=9`)).status).toBe(404);
    expect((await getPage(screens, `${PAGE}/diff?from=x&to=2`)).status).toBe(422);
  });

  it('show how many runs began with each version, and how many of them failed', async () => {
    const { catalog } = screens.database;
    await catalog.pool
      .query(`UPDATE runs SET blueprint_version = (SELECT min(version) FROM blueprint_versions v WHERE v.blueprint_id = 'bp.ci.build')
       WHERE blueprint_id = 'bp.ci.build'`);
    const counted = await catalog.pool.query<{ runs: string; failed: string }>(
      `SELECT count(*) AS runs, count(*) FILTER (WHERE status = 'failed') AS failed
       FROM runs WHERE blueprint_id = 'bp.ci.build'`,
    );
    const { runs = '', failed = '' } = counted.rows[0] ?? {};
    expect(Number(failed)).toBeGreaterThan(0);
    const { text } = await getPage(screens, '/ui/blueprints/bp.ci.build/versions');
    const cells = [...text.matchAll(/data-label="(Runs|Failed)">(.*?)<\/td>/g)].slice(-2);
    expect(cells.map(([, , shown = '']) => shown.replace(/<[^>]*>/g, '').trim())).toEqual([runs, failed]);
    expect(text).not.toContain('of the newest');
    expect(await queriesOf(screens, '/ui/blueprints/bp.ci.build/versions')).toBeLessThanOrEqual(5);
  });

  it('say so where runs were counted of the newest thousand only', async () => {
    await screens.core.blueprints.savePlan(caller(), {
      plan: planOf([action('clean')], { id: 'bp.busy' }),
      source: 'id: bp.busy',
      debug: {},
    });
    const add = (count: number, status: string): Promise<unknown> =>
      screens.database.catalog.pool.query(
        `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, status, trigger, inputs, actor,
           correlation_id, env_id, env, started_at, completed_at)
         SELECT gen_random_uuid(), 'Busy', 'bp.busy', 1, '', $2, 'manual', '{}', 'a', 'c', 'e', '{}', now(), now()
         FROM generate_series(1, $1::int)`,
        [count, status],
      );
    const page = '/ui/blueprints/bp.busy/versions';
    await add(999, 'completed');
    expect((await getPage(screens, page)).text).not.toContain('of the newest');
    await add(3, 'failed');
    const { text } = await getPage(screens, page);
    expect(text).toContain('Runs and failures: of the newest 1 000');
    expect(text).toMatch(/data-label="Runs">1 000<.*data-label="Failed">.*3<\/span>/);
  });

  it('say so too where some of the newest thousand began with no version', async () => {
    const { pool } = screens.database.catalog;
    await pool.query(`UPDATE runs SET blueprint_version = NULL WHERE blueprint_id = 'bp.busy'`);
    const { text } = await getPage(screens, '/ui/blueprints/bp.busy/versions');
    expect(text).toContain('Runs and failures: of the newest 1 000');
    expect(text).toContain('data-label="Runs">0<');
  });

  it('show how the scenarios of the draft behind a version went, and what was said of it', async () => {
    const { drafts } = screens;
    const definition = 'api: xyn/v1\nid: bp.noted\nplan:\n  - {kind: transform, id: a, set: {x: 1}}\n';
    const draft = { kind: 'blueprint' as const, name: 'Noted' };
    const { draft_id: id } = await drafts.save(caller(), { draft, definition, notes: `Soaks longer ${HOSTILE}` });
    await drafts.validate(caller(), id);
    await drafts.test(caller(), id, 'scenarios:\n  - {name: it ends, expect: {status: completed}}\n');
    await drafts.promote(caller(), id);
    const { text } = await getPage(screens, '/ui/blueprints/bp.noted/versions');
    expect(text).toMatch(/“Soaks longer .*data-label="Tests">.*1 pass/);
    expect(text).not.toContain('<img src=x');
    expect((await getPage(screens, '/ui/blueprints/bp.ci.build/versions')).text).toContain('none kept');
  });

  it('go back to an earlier version, and forward again, once a person has confirmed it', async () => {
    const { text } = await getPage(screens, `${PAGE}/versions`);
    expect(text).toMatch(/href="[^"]*\/activate\?version=1" data-confirm[^>]*>Roll back</);
    expect(text.match(/data-testid="roll-back"/g)).toHaveLength(1);
    const question = await getPage(screens, `${PAGE}/activate?version=1`);
    expect(question.text).toContain('Make version 1 the active one?');
    expect((await screens.core.blueprints.get('bp.disk.cleanup')).active_version).toBe(2);
    const back = await sendForm(screens, `${PAGE}/activate?version=1`, { reason: 'too eager' });
    expect([back.status, back.location]).toEqual([303, `${PAGE}/versions`]);
    expect((await screens.core.blueprints.get('bp.disk.cleanup')).active_version).toBe(1);
    expect((await getPage(screens, `${PAGE}/activate?version=1`)).text).toContain('Version 1 is the active one.');
    expect((await getPage(screens, `${PAGE}/versions`)).text).toContain('>Activate<');
    await sendForm(screens, `${PAGE}/activate?version=2`);
    expect((await screens.core.blueprints.get('bp.disk.cleanup')).active_version).toBe(2);
    expect((await getPage(screens, `${PAGE}/activate?version=9`)).status).toBe(404);
  });

  it('begin a draft from any version', async () => {
    const { status, location } = await sendForm(screens, `${PAGE}/versions`, { version: '1' }, '/ui/drafts');
    expect(status).toBe(303);
    const draft = await screens.drafts.get(location?.split('/').at(-1) ?? '');
    expect([draft.name, draft.content.definition]).toEqual(['bp.disk.cleanup', SOURCE]);
  });

  it('show their source in two inks with numbered lines', async () => {
    const { text } = await getPage(screens, `${PAGE}/source`);
    expect(text).toContain('<i># Cleans a disk &quot;up&quot;.</i>');
    expect(text).toContain('<b>event_type</b>: mon.disk');
    expect(text).toContain('<mark>{{ event.data.state == &#39;CRIT # not a comment&#39; }}</mark>');
    expect(text).toMatch(/id="L8" class=""> - <b>kind<\/b>: action_task<i> # the only one<\/i>/);
    expect(text).not.toContain('<img src=x');
    expect(text).toContain('U+202E');
  });

  it('show their runs', async () => {
    expect((await getPage(screens, `${PAGE}/runs`)).text).toContain('It has not run yet.');
    const { text } = await getPage(screens, '/ui/blueprints/bp.ci.build/runs');
    expect(text).toContain('data-testid="run-list"');
    expect(text).toContain('All its runs');
  });

  it('lead a first start on', async () => {
    const empty = await startScreens({ empty: true });
    try {
      expect((await getPage(empty, '/ui/blueprints')).text).toContain('No blueprint is here yet.');
      expect((await getPage(empty, '/ui/runs/new')).text).toContain('No blueprint is here yet.');
    } finally {
      await empty.close();
    }
  });
});
