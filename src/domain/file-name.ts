import { utf8ToBytes } from '@noble/hashes/utils.js';

/** UTF-8 bytes of a file name, at most. */
export const MAX_FILE_NAME_BYTES = 255;
/** Separators of any system, what shells and Windows give a meaning, and what cannot be seen or turns text around. */
const UNSAFE = /[/\\:*?"<>|]|\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Surrogate}/u;
/** Windows opens a device for these, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Whether a text is a plain file name on every system: no folders, no control characters, no `-` or `.` in front. */
export function isFileName(name: string): boolean {
  if (UNSAFE.test(name) || DEVICE.test(name) || /^[-~ .]|[ .]$/.test(name)) return false;
  const { length } = utf8ToBytes(name);
  return length > 0 && length <= MAX_FILE_NAME_BYTES;
}
