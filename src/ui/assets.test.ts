import { expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { asset } from './assets.js';

const sizeOf = (bytes: Buffer | string): number => gzipSync(bytes, { level: 9 }).length;

it('keeps the script of our own within 5 kB, all scripts within 27 kB and the styles within 12 kB', () => {
  const script = asset('script').bytes.toString();
  // The libraries come first, as they are published.
  const own = script.slice(script.lastIndexOf(';\n(()=>{') + 2);
  expect(own).toMatch(/^\(\(\)=>\{/);
  expect(sizeOf(own)).toBeLessThanOrEqual(5_000);
  expect(sizeOf(script)).toBeLessThanOrEqual(27_000);
  expect(sizeOf(asset('style').bytes)).toBeLessThanOrEqual(12_000);
});
