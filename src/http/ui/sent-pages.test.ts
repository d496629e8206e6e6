import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LiveFeed, LiveMessage } from '../../services/live-feed.js';
import { html } from '../../ui/html.js';
import { silentLog } from '../../../test/support/node.js';
import { mountUi } from './mount.js';
import type { UiServices } from './page.js';
import { page } from './page.js';
import { SentPages } from './sent-pages.js';

/** A page with two rows, which counts how often it is drawn. */
let drawn = 0;
let words = ['first', 'second'];
const rowsPage = page({
  path: '/rows',
  privilege: 'run.read',
  load: () => {
    drawn += 1;
    const rows = words.map((word, ix) => ({ id: `row-${ix}`, html: html`<li id="row-${ix}">${word}</li>` }));
    const list = html`<ul id="rows">
      ${rows.map((row) => row.html)}
    </ul>`;
    const base = { title: 'Rows', nav: 'runs', crumb: 'Rows', testId: 'page-rows' } as const;
    return Promise.resolve({
      ...base,
      main: list,
      live: { topics: ['runs'] as const, fragments: [{ id: 'rows', html: list, rows }] },
    });
  },
});

let tell: ((message: LiveMessage) => void) | undefined;
const feed: LiveFeed = {
  position: () => '7',
  subscribe(_, onMessage) {
    tell = onMessage;
    return () => (tell = undefined);
  },
};

let server: Server;
let origin: string;
beforeAll(async () => {
  const overview = { counts: () => Promise.resolve({ gates: 1, running: 1 }), needs: () => Promise.resolve(1) };
  const app = express();
  app.use((_request, response, next) => {
    response.locals['correlationId'] = 'c-1';
    next();
  });
  mountUi(app, {
    services: { overview, feed } as unknown as UiServices,
    env: { name: 'hel-1', stage: 'dev' },
    version: '1.2.3',
    log: silentLog,
    pages: [rowsPage],
    forms: [],
  });
  server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  drawn = 0;
  words = ['first', 'second'];
});

/** Opens the page, then its stream. */
async function followed(change: (address: string) => string = (address) => address) {
  const text = await (await fetch(`${origin}/ui/rows`)).text();
  const address = (/data-live="([^"]*)"/.exec(text)?.[1] ?? '').replaceAll('&amp;', '&');
  const position = /data-position="([^"]*)"/.exec(text)?.[1] ?? '';
  const stop = new AbortController();
  const stream = await fetch(change(`${origin}${address}&after=${encodeURIComponent(position)}`), {
    signal: stop.signal,
  });
  const events = (async function* () {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of stream.body ?? []) {
      const pieces = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n\n');
      rest = pieces.pop() ?? '';
      yield* pieces;
    }
  })();
  return { next: async () => (await events.next()).value ?? '', stop: () => stop.abort() };
}

describe('the stream of a page that was sent just now', () => {
  it('draws nothing before something changes, and then sends the row that did', async () => {
    const { next, stop } = await followed();
    expect(await next()).toContain('event: tick');
    expect(drawn).toBe(1);
    words = ['first', 'changed'];
    tell?.({ kind: 'change', position: '8', topics: ['runs'] });
    const patch = await next();
    expect(patch).toContain('event: patch');
    expect(JSON.parse(/^data: (.*)$/m.exec(patch)?.[1] ?? '')).toEqual(['<li id="row-1">changed</li>']);
    expect(drawn).toBe(2);
    stop();
  });

  it('draws a page that is not known, and sends all of it', async () => {
    const { next, stop } = await followed((address) => address.replace(/after=[0-9a-f]{16}/, 'after=0123456789abcdef'));
    expect(await next()).toContain('event: tick');
    const patch = await next();
    expect(patch).toContain('first');
    expect(patch).toContain('second');
    stop();
  });
});

describe('pages that were sent', () => {
  const sent = { topics: ['runs'] as const, state: new Map() };

  it('are found by their address and what they showed, and the oldest are forgotten', () => {
    const pages = new SentPages();
    for (let n = 0; n < 41; n += 1) pages.keep(`/ui/runs?q=${n}`, 'state', sent);
    expect(pages.find('/ui/runs?q=0', 'state')).toBeUndefined();
    expect(pages.find('/ui/runs?q=1', 'other')).toBeUndefined();
    expect(pages.find('/ui/runs?q=40', 'state')).toBe(sent);
  });
});
