import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { sha256Base32 } from '../domain/hash.js';
import { canonicalJson } from '../domain/json.js';

/** Characters of the checksum: enough to notice a slip, no protection against forgery, which would gain nothing. */
const CHECK_LENGTH = 8;

const envelope = z.tuple([z.string(), z.unknown()]);

function checksum(listing: string, filter: object, position: unknown): string {
  return sha256Base32(canonicalJson([listing, filter, position]), CHECK_LENGTH);
}

/** The opaque text for a position in a listing; it is good for the same listing with the same filter only. */
export function encodeCursor(listing: string, filter: object, position: object | null): string | null {
  if (position === null) return null;
  return Buffer.from(JSON.stringify([checksum(listing, filter, position), position])).toString('base64url');
}

/**
 * The position that a cursor stands for.
 * @throws XynFault `cursor_invalid` for anything that `encodeCursor` did not give for this listing and filter.
 */
export function decodeCursor<T>(listing: string, filter: object, schema: z.ZodType<T>, cursor: string): T {
  try {
    const [check, position] = envelope.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (check === checksum(listing, filter, position)) return schema.parse(position);
  } catch {
    // Said below: whatever it was, it is no cursor of ours.
  }
  throw new XynFault('cursor_invalid', 'The cursor is not one that this listing gave for this filter.');
}
