import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { complaintsOf, openView, startBrowser } from './support/browser.js';
import { sampleRun } from './support/run-samples.js';
import { startScreens, type Screens } from './support/screens.js';
import { seededId } from './support/seed.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const gate = (run: string): string => `/ui/gates/${seededId(`gate/${run}`)}`;

interface Shown {
  path: string;
  /** Of the page, and of what is to be seen without scrolling. */
  page: string;
  first: string;
  /** Bytes when compressed, at most. */
  bytes: number;
}

const shown = (path: string, page: string, first: string, bytes = 8_000): Shown => ({ path, page, first, bytes });
/** Every page, in a state that has something to show. */
const PAGES: readonly Shown[] = [
  shown('/ui', 'page-home', 'attention-headline'),
  shown('/ui/gates', 'page-gates', 'page-gates'),
  shown(gate('patch'), 'page-gate', 'gate-title', 10_000),
  // Beside the plain catalog, whose list `screens.test.ts` holds to 8 kB, stand samples of long runs.
  shown('/ui/runs', 'page-runs', 'run-list', 8_500),
  shown(`/ui/runs/${sampleRun('patch')}`, 'page-run', 'gate-banner', 12_000),
  shown(`/ui/runs/${seededId('patch')}/cancel`, 'page-cancel', 'confirm'),
  shown('/ui/audit', 'page-audit', 'audit-state'),
  shown('/ui/audit?entry=131', 'page-audit', 'audit-entry', 9_000),
  shown('/ui/artifacts', 'page-artifacts', 'artifact-list'),
  shown('/ui/artifacts/notes.txt', 'page-artifact', 'artifact-state'),
  shown('/ui/artifacts/screen.png', 'page-artifact', 'artifact-image'),
  shown('/ui/footprints?by=time', 'page-footprints', 'cost-total'),
  shown('/ui/health', 'page-health', 'health-state'),
];
const WIDTHS = [320, 390, 768, 1440, 1920];

/** What the functions that run in the page use of it. */
declare const document: {
  documentElement: { scrollWidth: number; style: { fontSize: string } };
  querySelectorAll(selector: string): Iterable<{ scrollWidth: number; getBoundingClientRect(): { right: number } }>;
};
declare const innerWidth: number;

let browser: Browser;
let screens: Screens;
let artifacts: Map<string, string>;

beforeAll(async () => {
  [browser, screens] = await Promise.all([startBrowser(), startScreens({ samples: true })]);
  const { items } = await screens.proof.artifacts.list({ limit: 50 });
  artifacts = new Map(items.map(({ name, artifact_id: id }) => [name, id]));
}, 60_000);

afterAll(async () => {
  await browser.close();
  await screens.close();
});

/** Artifacts are named in the table above, since their ids are made by chance. */
function addressOf(path: string): string {
  const name = /^\/ui\/artifacts\/([a-z]+\.[a-z]+)$/.exec(path)?.[1];
  return screens.url + (name === undefined ? path : `/ui/artifacts/${artifacts.get(name) ?? ''}`);
}

interface Watched {
  page: Page;
  complaints: string[];
  /** Requests that leave the host. */
  strangers: string[];
}

async function watch(context: BrowserContext): Promise<Watched> {
  const page = await context.newPage();
  const strangers: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(screens.url)) strangers.push(request.url());
  });
  return { page, complaints: complaintsOf(page), strangers };
}

/**
 * Findings of axe. An experimental rule wants the text that is drawn inside the name: boxes of a map draw the beginning of
 * a long name, and are called by the whole.
 */
async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const rules = {
      'label-content-name-mismatch': {
        enabled: document.querySelectorAll('#run-map')[Symbol.iterator]().next().done === true,
      },
    };
    const { axe: loaded } = globalThis as unknown as {
      axe: { run(on: unknown, how: unknown): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    return (await loaded.run(document, { runOnly: { type: 'tag', values: tags }, rules })).violations;
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

const isWide = (page: Page): Promise<boolean> => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);

describe.each(PAGES)('$path', ({ path, page: testId, first, bytes }) => {
  it('shows first things first, pleases axe in both themes and sizes, and is never wider than its screen', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const context = await openView(browser, { theme });
      try {
        const { page, complaints, strangers } = await watch(context);
        await page.goto(addressOf(path));
        for (const [width, height] of [
          [1440, 900],
          [390, 844],
        ] as const) {
          await page.setViewportSize({ width, height });
          const box = await page.getByTestId(first).first().boundingBox();
          expect(box?.y ?? Infinity).toBeLessThan(height - 60);
          expect([theme, width, await axe(page)]).toEqual([theme, width, []]);
        }
        for (const width of theme === 'light' ? WIDTHS : []) {
          await page.setViewportSize({ width, height: 900 });
          expect([width, await isWide(page)]).toEqual([width, false]);
        }
        await page.setViewportSize({ width: 640, height: 900 });
        await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
        expect(['text 200 %', await isWide(page)]).toEqual(['text 200 %', false]);
        expect([complaints, strangers]).toEqual([[], []]);
      } finally {
        await context.close();
      }
    }
  });

  it('needs no script, stands in forced colours and without motion', async () => {
    const context = await openView(browser, { script: false });
    try {
      const { page, complaints, strangers } = await watch(context);
      await page.emulateMedia({ forcedColors: 'active', reducedMotion: 'reduce' });
      await page.goto(addressOf(path));
      await page.getByTestId(testId).waitFor();
      expect(await page.getByTestId(first).first().isVisible()).toBe(true);
      expect(await page.locator('.script-only:visible').count()).toBe(0);
      expect([complaints, strangers]).toEqual([[], []]);
    } finally {
      await context.close();
    }
  });

  it('is small, with one title of its own and no style or script inside', async () => {
    const answer = await fetch(addressOf(path));
    const text = await answer.text();
    expect(gzipSync(text, { level: 5 }).length).toBeLessThan(bytes);
    expect(text.match(/<h1/g)).toHaveLength(1);
    expect(text).not.toMatch(/<style|\sstyle=|<script(?! src=)|\son[a-z]+="/);
    expect((await fetch(addressOf(path), { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a link that decides', () => {
  it('changes nothing by GET, HEAD or a prefetch', async () => {
    const address = `${screens.url}${gate('triage')}`;
    const state = async (): Promise<unknown> =>
      (
        await screens.database.catalog.pool.query(
          'SELECT status, (SELECT count(*) FROM gate_decisions d WHERE d.gate_id = g.gate_id) AS n FROM gates g WHERE gate_id = $1',
          [seededId('gate/triage')],
        )
      ).rows;
    const before = await state();
    for (const method of ['GET', 'HEAD']) {
      for (const path of ['', '/decide', '/decide?decision=approve&reason=x']) {
        await fetch(address + path, { method, headers: { 'Sec-Purpose': 'prefetch', Purpose: 'prefetch' } });
      }
    }
    expect(await state()).toEqual(before);
  });
});

describe('hostile text', () => {
  /** Each would show itself in its own way. */
  const MARKERS = [
    '<script>window.__ran=1</script>',
    '<img src=x onerror="window.__ran=2">',
    '<svg onload="window.__ran=3">',
    '"><script>window.__ran=4</script>',
    "'><img src=x onerror=window.__ran=5>",
    '</title><script>window.__ran=6</script>',
    '</textarea><script>window.__ran=7</script>',
    '</pre></code><script>window.__ran=8</script>',
    '<iframe srcdoc="<script>parent.__ran=9</script>">',
    '<a href="javascript:window.__ran=10">x</a>',
    'javascript:window.__ran=11',
    '<details open ontoggle="window.__ran=12">',
    '<body onload=window.__ran=13>',
    '<math><mtext></mtext><script>window.__ran=14</script></math>',
    '" onmouseover="window.__ran=15" x="',
    "' onfocus='window.__ran=16' autofocus='",
    '<input autofocus onfocus="window.__ran=17">',
    '<style>@import "http://evil.invalid/18"</style>',
    '<link rel=stylesheet href=http://evil.invalid/19>',
    '<base href="http://evil.invalid/">',
    '<form action="http://evil.invalid/"><button>21</button></form>',
    '<meta http-equiv="refresh" content="0;url=http://evil.invalid/22">',
    '<object data="data:text/html,<script>parent.__ran=23</script>">',
    '<embed src="javascript:window.__ran=24">',
    '<template><script>window.__ran=25</script></template>',
    '<% window.__ran=26 %>',
    '<%~ "<script>window.__ran=27</script>" %>',
    '${window.__ran=28}',
    '{{constructor.constructor("window.__ran=29")()}}',
    '#{window.__ran=30}',
    '<div hx-get="/ui" hx-trigger="load" hx-on::load="window.__ran=31">',
    '<div data-hx-on:click="window.__ran=32" hx-trigger="load">',
    '<img src="http://evil.invalid/33.png">',
    '&lt;script&gt;window.__ran=34&lt;/script&gt;',
    '\u003cscript\u003ewindow.__ran=35\u003c/script\u003e',
    '<scr\u0001ipt>window.__ran=36</scr\u0001ipt>',
    '\u202e<script>window.__ran=37</script>\u202c',
    '<!--><script>window.__ran=38</script>-->',
    ']]><script>window.__ran=39</script>',
    `${'A'.repeat(10_000)}<script>window.__ran=40</script>`,
  ];

  it('runs nowhere, whatever stored field it stands in, and nothing leaves the host', async () => {
    expect(MARKERS).toHaveLength(40);
    const all = MARKERS.join('\n');
    const { pool } = screens.database.catalog;
    await pool.query(
      `UPDATE runs SET name = $1, actor = $1, trigger = $1, inputs = jsonb_build_object($2::text, $1::text),
      error = CASE WHEN error IS NULL THEN NULL ELSE jsonb_build_object('code', 'x', 'message', $1::text, 'path', $1::text) END`,
      [all, '<script>window.__ran=41</script>'],
    );
    await pool.query(`UPDATE steps SET name = $1, outputs = jsonb_build_object('v', $1::text)`, [all]);
    await pool.query(`UPDATE gates SET message = $1, approvers = jsonb_build_array($1::text, 'local')`, [all]);
    await pool.query(`UPDATE gate_decisions SET actor = $1, reason = $1`, [all]);
    await pool.query(
      `UPDATE artifacts SET kind = $1, created_by = $1, name = $1 WHERE content_type NOT LIKE 'image/png%'`,
      [all],
    );
    await pool.query(`UPDATE blueprints SET name = $1`, [all]);
    const context = await openView(browser);
    try {
      const { page, complaints, strangers } = await watch(context);
      for (const { path } of PAGES) {
        await page.goto(addressOf(path));
        const ran = await page.evaluate(() => (globalThis as { __ran?: number }).__ran);
        expect([
          path,
          ran,
          await page.locator('main :is(script, iframe, object, embed, base, style, link)').count(),
        ]).toEqual([path, undefined, 0]);
        expect([path, await isWide(page)]).toEqual([path, false]);
      }
      expect([complaints, strangers]).toEqual([[], []]);
    } finally {
      await context.close();
    }
  });
});
