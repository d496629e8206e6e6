import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '../support/until.js';
import { getPage } from './support/requests.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

let screens: Screens;
beforeAll(async () => {
  screens = await startScreens();
  // The blueprints of the other failed runs have completed since.
  await sql("UPDATE runs SET status = 'failed' WHERE run_id = $1", [seededId('drain')]);
}, 60_000);
afterAll(async () => screens.close());

const sql = (text: string, values: unknown[] = []) => screens.database.catalog.pool.query(text, values);
const home = async (): Promise<string> => (await getPage(screens, '/ui')).text;
/** Ids of what needs the viewer, in their order. */
const needs = (text: string): string[] =>
  [...text.matchAll(/<li class="attention" id="attention-([^"]+)"/g)].map(([, id]) => id ?? '');

describe('what needs the viewer', () => {
  it('is sorted by deadline: gates, unknown outcomes, failed runs that nobody took', async () => {
    const text = await home();
    expect(needs(text)).toEqual([
      ...['patch', 'triage', 'lost'].map((run) => seededId(`gate/${run}`)),
      seededId('drain'),
    ]);
    expect(text).toContain('<title>(4) Xyn</title>');
    expect(text).toContain('Four things need you.');
    // The event console says the same, although only three of them are gates.
    expect((await getPage(screens, '/ui/events')).text).toContain('<a href="/ui">Four things need you</a>');
  });

  it.each(['/ui', '/ui/gates'])(
    'says at %s what each gate lets run or asks about, and how grave that is',
    async (path) => {
      // What the gate asks about is in the record of its step alone.
      const id = seededId('gate/lost');
      await sql(
        `WITH asked AS (UPDATE steps s SET inputs = '{"host": "lb-2"}' FROM gates g
         WHERE g.gate_id = $1 AND s.run_id = g.run_id AND s.path = 'apply' RETURNING s.step_id)
       UPDATE gates SET binds = '[]', step_id = (SELECT step_id FROM asked) WHERE gate_id = $1`,
        [id],
      );
      const { text } = await getPage(screens, path);
      expect(text).toMatch(/Did [a-z._]+ on lb-2 happen\?/);
      expect(text).not.toMatch(/Did it happen|Did apply happen/);
      const row = text.slice(text.indexOf(seededId('gate/patch')), text.indexOf(id));
      expect(row).toContain('<span class="tag final">1 cannot be undone</span>');
      expect(row).toMatch(/<span class="tag write">1.write<\/span>/);
      expect(row).toContain('Patch the web tier');
    },
  );

  it('counts the gates that others must decide, and does not list them', async () => {
    await sql(`UPDATE gates SET approvers = '["petra"]' WHERE gate_id = $1`, [seededId('gate/triage')]);
    const text = await home();
    expect(needs(text)).not.toContain(seededId('gate/triage'));
    expect(text).toMatch(/1.gate waits for others\./);
    await sql(`UPDATE gates SET approvers = '[]' WHERE gate_id = $1`, [seededId('gate/triage')]);
  });

  it('is no failed run that somebody repeated, nor one whose blueprint has completed since', async () => {
    await sql(
      `INSERT INTO runs (run_id, name, blueprint_id, blueprint_version, digest, trigger, inputs, actor, correlation_id, env_id, env, rerun_of)
       SELECT gen_random_uuid(), 'Again', blueprint_id, blueprint_version, digest, 'manual', '{}', 'maria', 'c', 'env-1', '{}', run_id
       FROM runs WHERE run_id = $1`,
      [seededId('drain')],
    );
    expect(needs(await home())).not.toContain(seededId('drain'));
  });

  it('are starts that are held, with the time at which the first is given up', async () => {
    await sql(
      `INSERT INTO held_starts (event_id, blueprint_id, seq, expires_at)
       SELECT event_id, 'bp.ci.build', seq, now() + interval '5 minutes' FROM events WHERE event_name = 'git.push' LIMIT 3`,
    );
    // They are read again after two seconds.
    const text = await until('the held starts are shown', async () => {
      const now = await home();
      return needs(now)[0] === 'held-bp.ci.build' && now;
    });
    expect(text).toMatch(/3.starts of Build and test are held/);
    // That a start is given up decides nothing for anybody.
    expect(text).toMatch(
      /The next one decides itself in <b class="tabular"><time datetime="[^"]+" data-count="down">1[01]:/,
    );
  });

  it('is cut after 20, with a link to the rest', async () => {
    await sql(
      `INSERT INTO gates (gate_id, run_id, step_id, path, purpose, approvers, require, reject, reason, status, binds, seq, opened_at)
       SELECT gen_random_uuid(), run_id, gen_random_uuid(), 'more' || n, 'approval', '[]', 1, 1, 'optional', 'open', '[]', 1, now()
       FROM gates, generate_series(1, 30) n WHERE gate_id = $1`,
      [seededId('gate/patch')],
    );
    const text = await home();
    expect(needs(text)).toHaveLength(20);
    expect(text).toContain('More than 20 things need you.');
    expect(text).toContain('<title>(20+) Xyn</title>');
    expect(text).toMatch(/<a href="\/ui\/gates" data-testid="attention-more">/);
  });
});
