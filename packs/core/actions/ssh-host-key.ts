import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';

/** A pinned host key: how to ask the server for a key of that kind, and whether a key is the pinned one. */
export interface PinnedKey {
  /** Absent where only a fingerprint is known. */
  algorithms?: ServerHostKeyAlgorithm[];
  matches(key: Buffer): boolean;
}

/** Reads `SHA256:…` or `ssh-ed25519 AAAA…`, whose form the inventory has checked. */
export function pinnedKey(pinned: string): PinnedKey {
  if (pinned.startsWith('SHA256:')) {
    const wanted = Buffer.from(pinned.slice('SHA256:'.length), 'base64');
    return { matches: (key) => equal(createHash('sha256').update(key).digest(), wanted) };
  }
  const [kind = '', encoded = ''] = pinned.split(' ');
  const wanted = Buffer.from(encoded, 'base64');
  // An RSA key signs in several ways; with SHA-1 is not one of them any more.
  const algorithms = kind === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [kind];
  return { algorithms: algorithms as ServerHostKeyAlgorithm[], matches: (key) => equal(key, wanted) };
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
