import { XynFault } from '../domain/fault.js';

const MAX_NAME_BYTES = 255;
/** Separators of any system, what shells and Windows give a meaning, and what cannot be seen or turns text around. */
const UNSAFE = /[/\\:*?"<>|]|\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Surrogate}/u;
/** Windows opens a device for these, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Refuses names that are no plain file name on every system: the bytes lie under their digest, but people download them
 * under the name.
 * @throws XynFault `filename_invalid`
 */
export function requireFileName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const isPlain = bytes > 0 && bytes <= MAX_NAME_BYTES && !UNSAFE.test(name) && !DEVICE.test(name);
  if (isPlain && !/^[-~ .]|[ .]$/.test(name)) return;
  throw new XynFault(
    'filename_invalid',
    `A name is a plain file name of at most ${MAX_NAME_BYTES} bytes: no folders, no control characters, no \`-\` or \`.\` in front.`,
  );
}
