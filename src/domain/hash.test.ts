import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { sha256Base32, sha256Hex, uuidV5 } from './hash.js';

const DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
const texts = fc.string({ unit: 'binary', maxLength: 200 });

function platformUuidV5(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Base32 through a big integer, another way than the code's. */
function platformBase32(text: string, length: number): string {
  const bits = Array.from(createHash('sha256').update(text).digest(), (byte) => byte.toString(2).padStart(8, '0')).join(
    '',
  );
  const groups = bits.match(/.{5}/g) ?? [];
  return groups
    .slice(0, length)
    .map((group) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(Number.parseInt(group, 2)))
    .join('');
}

describe('hashes', () => {
  it('agree with the platform', () => {
    fc.assert(
      fc.property(texts, fc.uuid(), fc.integer({ min: 1, max: 51 }), (text, namespace, length) => {
        expect(sha256Hex(text)).toBe(createHash('sha256').update(text).digest('hex'));
        expect(sha256Base32(text, length)).toBe(platformBase32(text, length));
        expect(uuidV5(namespace, text)).toBe(platformUuidV5(namespace, text));
      }),
    );
  });

  it('give the known values', () => {
    expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    // RFC 9562, appendix A.4.
    expect(uuidV5(DNS, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
    expect(sha256Base32('abc', 26)).toBe(platformBase32('abc', 26));
  });

  it('are those of nothing for what is no namespace', () => {
    expect(uuidV5('', 'a')).toBe(platformUuidV5('', 'a'));
  });
});
