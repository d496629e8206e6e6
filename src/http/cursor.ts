import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { canonicalJson } from '../domain/json.js';

/** Bytes of the signature that are kept: what is signed is a place in a list, not a right. */
const SIGNATURE_BYTES = 12;

const envelope = z.tuple([z.string(), z.unknown()]);

/** The listing that a cursor belongs to: its name and filter. */
interface Listing {
  name: string;
  filter: object;
}

function signature(key: string, { name, filter }: Listing, position: unknown): Buffer {
  const text = canonicalJson([name, filter, position]);
  return createHmac('sha256', key).update(text).digest().subarray(0, SIGNATURE_BYTES);
}

/** The opaque text for a position in a listing; it is good for the same listing with the same filter only. */
export function encodeCursor(key: string, listing: Listing, position: object): string {
  const signed = signature(key, listing, position).toString('base64url');
  return Buffer.from(JSON.stringify([signed, position])).toString('base64url');
}

/**
 * The position that a cursor stands for. Cursors do not grow old: a position stays a position.
 * @throws XynFault `cursor_invalid` for anything that `encodeCursor` did not give for this key, listing and filter.
 */
export function decodeCursor<T>(key: string, listing: Listing, schema: z.ZodType<T>, cursor: string): T {
  try {
    const [signed, position] = envelope.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    const given = Buffer.from(signed, 'base64url');
    const wanted = signature(key, listing, position);
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) return schema.parse(position);
  } catch {
    // Said below: whatever it was, it is no cursor of ours.
  }
  throw new XynFault('cursor_invalid', 'The cursor is not one that this listing gave for this filter.');
}
