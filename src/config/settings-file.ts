import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { XynFault } from '../domain/fault.js';
import { SETTINGS } from './settings.js';

/** Variables that hold secrets of actions, by path. */
export const SECRET_PREFIX = 'XYN_SECRET_';
/** Larger is no file of settings. */
const MAX_BYTES = 1_048_576;

const VARIABLES: ReadonlySet<string> = new Set(Object.values(SETTINGS).map(({ variable }) => variable));

/** Whether a file may set it. Anything else, such as NODE_OPTIONS, is none of Xyn's business. */
function isOurs(variable: string): boolean {
  return VARIABLES.has(variable) || variable.startsWith('XYN_');
}

/**
 * The variables of a file of `NAME=value` lines that the environment does not have already, an empty one included.
 * @param file from XYN_SETTINGS_FILE, or a usual place that may be empty.
 * @throws XynFault `config_invalid` when a file that was asked for cannot be read, or one is not such a file.
 */
export function readSettingsFile(
  file: string,
  env: NodeJS.ProcessEnv,
  { required }: { required: boolean },
): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    const why = error instanceof Error ? error.message : String(error);
    throw new XynFault('config_invalid', `The file of settings cannot be read: ${why}`, { cause: error });
  }
  if (text.length > MAX_BYTES || text.includes('\0')) {
    throw new XynFault('config_invalid', `${file} is not a file of settings: it must be text of NAME=value lines.`);
  }
  const entries = Object.entries(parseEnv(text)).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isOurs(entry[0]) && !(entry[0] in env),
  );
  return Object.fromEntries(entries);
}
