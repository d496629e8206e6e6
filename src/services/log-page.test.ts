import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { readLogPage } from './log-page.js';

const log = (texts: string[]): Readable =>
  Readable.from(texts.map((text) => `${JSON.stringify({ at: '2026-11-21T14:00:00.000Z', stream: 'stdout', text })}\n`));
const plain = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index + 1}`);

describe('readLogPage', () => {
  it('begins with the first lines, and counts all', async () => {
    const page = await readLogPage(log(plain(450)), {});
    expect([page.lines.length, page.from, page.counted, page.isWhole, page.first_error]).toEqual([
      200,
      1,
      450,
      true,
      null,
    ]);
  });

  it('begins a little before the first error, wherever it is', async () => {
    const page = await readLogPage(log([...plain(999), 'health check failed: 502', ...plain(400)]), {});
    expect([page.from, page.lines.length, page.first_error, page.lines[20]?.level]).toEqual([980, 200, 1_000, 'error']);
    const early = await readLogPage(log([...plain(3), 'Error: no', ...plain(3)]), {});
    expect(early.lines.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('gives the lines from a number on, and those that hold a text', async () => {
    const page = await readLogPage(log([...plain(300), 'an error']), { from: 201 });
    expect([page.from, page.lines.length, page.lines.at(-1)?.number]).toEqual([201, 101, 301]);
    const found = await readLogPage(log(plain(450)), { find: 'LINE 44' });
    expect(found.lines.map(({ number }) => number)).toEqual([44, 440, 441, 442, 443, 444, 445, 446, 447, 448, 449]);
  });
});
