import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** SHA-256 of a text's UTF-8 bytes, in lower-case hex. Pure, so that workflow code may call it. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** The first `length` characters of the RFC 4648 base32 (lower case, no padding) of SHA-256 of a text. At most 51. */
export function sha256Base32(text: string, length: number): string {
  let bits = 0;
  let held = 0;
  let out = '';
  for (const byte of sha256(utf8ToBytes(text))) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 5 && out.length < length) {
      out += BASE32.charAt((bits >> (held - 5)) & 31);
      held -= 5;
    }
    bits &= (1 << held) - 1;
  }
  return out;
}

/**
 * RFC 9562 version 5 (name-based) UUID.
 * @param namespace a UUID; its bytes are the name space.
 * @param name any text.
 */
export function uuidV5(namespace: string, name: string): string {
  const space = Uint8Array.from(namespace.replaceAll('-', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = utf8ToBytes(name);
  const input = new Uint8Array(space.length + text.length);
  input.set(space);
  input.set(text, space.length);
  const bytes = sha1(input).slice(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = bytesToHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
