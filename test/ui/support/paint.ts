import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';

/** First paint on loopback with a warm cache, ms, on the machine of the screens' design (§11). */
export const PAINT_MS = 100;
/** On any machine: how many times as long as a page with one word, for which the browser took 34 ms on that one. */
export const PAINT_RATIO = PAINT_MS / 34;

/** What the functions that run in the page use of it. */
interface PaintEntry {
  startTime: number;
}
declare const performance: { getEntriesByName(name: string): PaintEntry[] };
declare const PerformanceObserver: new (seen: (list: { getEntries(): PaintEntry[] }) => void) => {
  observe(options: { type: string; buffered: boolean }): void;
};

/** First content, and the largest piece, ms from the start of the navigation. */
export interface Paint {
  first: number;
  largest: number;
}

/** Opens an address and waits until it is painted. */
export async function paintOf(page: Page, url: string): Promise<Paint> {
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0);
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const first = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN;
        new PerformanceObserver((list) => {
          resolve({ first, largest: list.getEntries().at(-1)?.startTime ?? NaN });
        }).observe({ type: 'largest-contentful-paint', buffered: true });
        setTimeout(() => resolve({ first, largest: NaN }), 2_000);
      }),
  );
}

/** A server of a page with one word: what the browser itself takes for it, nothing can be faster than here and now. */
export async function serveOneWord(): Promise<{ url: string; close: () => void }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<p>Nothing</p>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
