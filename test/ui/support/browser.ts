import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Where Debian, Ubuntu and CI images put the browser. */
const EXECUTABLE = process.env['XYN_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Nothing that calls home, and nothing that needs a display or privileges. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

export interface ViewOptions {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  script?: boolean;
  /** Who looks; nothing proves it in open mode. */
  actor?: string;
}

/** A browser window of its own, with its own cookies. */
export function openView(browser: Browser, options: ViewOptions = {}): Promise<BrowserContext> {
  const { width = 1440, height = 900, theme = 'light', script = true, actor } = options;
  return browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    javaScriptEnabled: script,
    locale: 'en-GB',
    ...(actor === undefined ? {} : { extraHTTPHeaders: { 'X-Xyn-Actor': actor } }),
  });
}

/** What the page complained about: script errors, violated policies, files that are not there. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('requestfailed', (request) => {
    if (!request.url().includes('/ui/live')) complaints.push(`failed: ${request.url()}`);
  });
  return complaints;
}

/** Requests of a page that leave the host. */
export function strangersOf(page: Page, origin: string): string[] {
  const strangers: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) strangers.push(request.url());
  });
  return strangers;
}

/** What the function that runs in the page uses of it. */
declare const document: { documentElement: { scrollWidth: number } };
declare const innerWidth: number;

/** Whether a page is wider than its window. */
export function isWide(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}
