import { XynFault } from '../domain/fault.js';
import { isFileName, MAX_FILE_NAME_BYTES } from '../domain/file-name.js';

/**
 * Refuses names that are no plain file name on every system: the bytes lie under their digest, but people download them
 * under the name.
 * @throws XynFault `filename_invalid`
 */
export function requireFileName(name: string): void {
  if (isFileName(name)) return;
  throw new XynFault(
    'filename_invalid',
    `A name is a plain file name of at most ${MAX_FILE_NAME_BYTES} bytes: no folders, no control characters, no \`-\` or \`.\` in front.`,
  );
}
