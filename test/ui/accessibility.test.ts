import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { Inspection } from './support/axe.js';
import { openView, startBrowser } from './support/browser.js';

let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  page = await (await openView(browser)).newPage();
}, 60_000);

afterAll(() => browser.close());

const STYLE = `
  button, a { display: inline-block; width: 50px; height: 30px }
  body { color: #111; background: #fff }
  @media (prefers-color-scheme: dark) { body { color: #eee; background: #111 } .faint-dark { color: #333 } }
  @media (prefers-color-scheme: light) { .faint-light { color: #ddd } }
  @media (width > 600px) { .phone { display: none } }
  @media (width <= 600px) { .desk { display: none } .crowd button { width: 10px; height: 10px; padding: 0; border: 0 } }`;

const rows = (count: number, more: string): string => `${'<li><b>row</b></li>'.repeat(count)}${more}`;

async function inspect(inspection: Inspection, main: string, shell = ''): Promise<string[]> {
  await page.setContent(
    `<!doctype html><html lang="en"><title>x</title><style>${STYLE}</style><body><nav aria-label="Main"><a href="/">x</a>${shell}</nav><main><h1>x</h1>${main}</main></body></html>`,
  );
  const found = await inspection.of(page);
  return found.map((text) => /^.*?\]/.exec(text)?.[0] ?? '').sort();
}

describe('an inspection', () => {
  it('finds what is wrong in one theme or width only', async () => {
    const main = `<p class="faint-light" id="a">words</p> <p class="faint-dark" id="b">words</p> <button id="c"></button>
      <p class="desk faint-light" id="d">words</p> <p class="desk faint-dark" id="e">words</p>
      <p class="phone faint-light" id="f">words</p> <p class="phone faint-dark" id="g">words</p> <img class="phone" id="h" src="data:,">
      <p class="crowd"><button id="i">x</button><button id="j">x</button></p> <nav class="phone" id="k" aria-label="Main">x</nav>
      <ul>${rows(60, '<li><b class="faint-light" id="l">words</b></li>')}</ul>`;
    expect(await inspect(new Inspection(), main)).toEqual([
      'dark, desk: color-contrast: ["#b"]',
      'dark, desk: color-contrast: ["#e"]',
      'dark, phone: color-contrast: ["#g"]',
      'dark, phone: image-alt: ["#h"]',
      'dark, phone: landmark-unique: ["body > nav"]',
      'dark, phone: target-size: ["#i"]',
      'dark, phone: target-size: ["#j"]',
      'light, desk: button-name: ["#c"]',
      'light, desk: color-contrast: ["#a"]',
      'light, desk: color-contrast: ["#d"]',
      'light, desk: color-contrast: ["#l"]',
      'light, phone: color-contrast: ["#f"]',
    ]);
  });

  it('looks at a shell again when some of it is new, and at what is inside each time', async () => {
    const inspection = new Inspection();
    const main = '<button id="m"></button>';
    const [shell, other] = ['<button id="s"></button>', '<button id="s" aria-pressed="true"></button>'];
    const inside = 'light, desk: button-name: ["#m"]';
    const around = 'light, desk: button-name: ["#s"]';
    expect(await inspect(inspection, main, shell)).toEqual([inside, around]);
    expect(await inspect(inspection, main, shell)).toEqual([inside]);
    expect(await inspect(inspection, main, other)).toEqual([inside, around]);
  });
});
