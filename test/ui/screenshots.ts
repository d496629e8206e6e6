import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { caller } from '../support/node.js';
import { openView, startBrowser, type ViewOptions } from './support/browser.js';
import { sampleRun } from './support/run-samples.js';
import { startScreens, type Screens } from './support/screens.js';
import { HOSTILE, seededId } from './support/seed.js';

// Makes the pictures of docs/ui.md anew: `node dist/test/ui/screenshots.js [folder]`, from the root of the project.

/** Of WebP, in percent: text stays sharp, and a picture below 120 kB. */
const QUALITY = 82;
const WIDE = { width: 1280, height: 800 } as const;
const PHONE = { width: 390, height: 844 } as const;

const ALERTS = `api: xyn/v1
id: bp.disk.cleanup
name: Clean a full disk
triggers:
  - event: checkmk.alert
    filter: event.data.service.startsWith("Disk") && event.data.state == "CRIT"
plan:
  - kind: transform
    id: note
    set: {host: "{{ event.data.host }}"}
`;

/** Alerts with verdicts, a draft whose scenarios ran, and no hostile text where a reader would wonder about it. */
async function prepare({ core, drafts, database: { catalog } }: Screens): Promise<{ event: string; draft: string }> {
  await core.blueprints.apply(caller(), new TextEncoder().encode(ALERTS));
  const emit = async (service: string, state: string): Promise<string> => {
    const data = { host: 'web-22', service, state, output: '82 % used' };
    return (await core.events.emit(caller(), { event_name: 'checkmk.alert', data })).event_id;
  };
  await emit('Disk /srv', 'CRIT');
  const event = await emit('Disk /var', 'WARN');
  const error = { code: 'target_unreachable', message: 'crm-db does not answer.', path: 'dump' };
  await catalog.pool.query(
    `UPDATE runs SET name = 'Nightly backup of crm-db', error = CASE WHEN error IS NULL THEN NULL ELSE $2::jsonb END
     WHERE name = $1 OR error->>'message' = $1`,
    [HOSTILE, JSON.stringify(error)],
  );
  const [definition, scenarios] = await Promise.all(
    ['alert-remediation.yaml', 'alert-remediation.test.yaml'].map((name) => readFile(join('blueprints', name), 'utf8')),
  );
  const request = { draft: { kind: 'blueprint', name: 'Alert remediation' } as const, definition: definition ?? '' };
  const { draft_id: draft } = await drafts.save(caller(), request);
  await drafts.validate(caller(), draft);
  await drafts.test(caller(), draft, scenarios ?? '');
  return { event, draft };
}

async function shoot(browser: Browser, url: string, file: string, view: ViewOptions): Promise<number> {
  const context = await openView(browser, view);
  const page = await context.newPage();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto(url);
  if (await page.locator('.stream').first().isVisible()) await page.locator('.stream[data-state=live]').waitFor();
  const session = await context.newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  const bytes = Buffer.from(data, 'base64');
  await writeFile(file, bytes);
  await context.close();
  return bytes.length;
}

const [folder = join('docs', 'screens')] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
const screens = await startScreens({ samples: true });
const browser = await startBrowser();
try {
  const { event, draft } = await prepare(screens);
  const pictures: [name: string, path: string, view: ViewOptions][] = [
    ['home', '', { ...WIDE, theme: 'light' }],
    ['event', `/events/${event}`, { ...WIDE, theme: 'dark' }],
    ['gate-phone', `/gates/${seededId('gate/patch')}`, { ...PHONE, theme: 'light' }],
    ['gate-phone-dark', `/gates/${seededId('gate/patch')}#gate-form`, { ...PHONE, theme: 'dark' }],
    ['run', `/runs/${sampleRun('patch')}`, { width: 1_440, height: 1_080, theme: 'light' }],
    ['editor', `/drafts/${draft}`, { ...WIDE, theme: 'dark' }],
  ];
  for (const [name, path, view] of pictures) {
    const bytes = await shoot(browser, `${screens.url}/ui${path}`, join(folder, `${name}.webp`), view);
    process.stdout.write(`${name}.webp ${Math.round(bytes / 1_000)} kB\n`);
  }
} finally {
  await browser.close();
  await screens.close();
}
