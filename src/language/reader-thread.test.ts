import { describe, expect, it } from '@jest/globals';
import { readInWorker } from './reader-thread.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('reading in a thread', () => {
  it('gives the same source: null prototypes and places', async () => {
    const result = await readInWorker(bytesOf('a:\n  - {b: "x\\ty"}\n'));
    if ('problems' in result) throw new Error('not read');
    const value = result.source.value as { a: [object] };
    expect(Object.getPrototypeOf(value.a[0])).toBeNull();
    expect(result.source.placeOf('/a/0/b', 'value', 2)).toEqual({ line: 2, column: 13 });
  });

  it('gives problems, to many who ask at once', async () => {
    const results = await Promise.all(['[', '', 'a: !x'].map((text) => readInWorker(bytesOf(text))));
    const codes = results.map((result) => ('problems' in result ? result.problems[0]?.code : undefined));
    expect(codes).toEqual(['yaml_syntax', 'yaml_empty', 'yaml_tag_forbidden']);
  });

  it('stops what takes too long, and goes on', async () => {
    const slow = bytesOf(`${'#\n'.repeat(250_000)}a: 1`);
    await expect(readInWorker(slow, 1)).resolves.toMatchObject({ problems: [{ code: 'yaml_timeout', line: 1 }] });
    await expect(readInWorker(bytesOf('a: 1'))).resolves.toHaveProperty('source');
  });
});
