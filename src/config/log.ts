import { pino, type Logger } from 'pino';
import { humanLine } from './human-log.js';

/** Members that hold secrets wherever they occur, two levels deep. */
const SECRET_KEYS = [
  'authorization',
  'cookie',
  'password',
  'passphrase',
  'private_key',
  'privateKey',
  'secret',
  'token',
  'api_key',
  'apiKey',
  'databaseUrl',
  'databaseOwnerUrl',
  'ownerUrl',
  'appUrl',
];
const MASK = '[redacted]';
/** Shorter values would mask ordinary words. */
const MIN_SECRET_LENGTH = 6;
/** Also passwords in URLs that no setting told us about. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#"\\@]*:)[^\s/?#"\\@]+@/gi;

export interface LogOptions {
  /** Least important level that is written, one of pino's or `silent`. */
  level: string;
  /** Part of the program, e.g. `api` or `worker`. */
  name: string;
  /** Values to mask wherever they occur in a line; asked for every line, so that the list may grow. */
  secrets?: () => Iterable<string>;
  /** Form of lines; `auto` is human when standard output is a terminal. Default `json`. */
  format?: 'auto' | 'json' | 'human';
  /** Facts for every line, asked for when it is written: what the code that logs works on. */
  context?: () => object;
  /** Takes finished lines; default: standard output. */
  write?: (line: string) => void;
}

/** Replaces the values, also in their JSON-escaped form, and passwords in URLs. */
function scrub(line: string, secrets: Iterable<string>): string {
  let clean = line.replace(URL_PASSWORD, `$1${MASK}@`);
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_LENGTH) continue;
    clean = clean.replaceAll(secret, MASK).replaceAll(JSON.stringify(secret).slice(1, -1), MASK);
  }
  return clean;
}

function shapeOf({ format = 'json' }: LogOptions): (line: string) => string {
  const { isTTY } = process.stdout;
  if (format === 'json' || (format === 'auto' && !isTTY)) return (line) => line;
  const colours = isTTY && (process.env['NO_COLOR'] ?? '') === '';
  return (line) => humanLine(line, { colours });
}

/** A structured logger: one JSON object per line, `level` as a word, `time` as RFC 3339 UTC, secrets masked. */
export function createLogger(options: LogOptions): Logger {
  const { level, name, secrets = () => [], write = (line: string) => void process.stdout.write(line) } = options;
  const shape = shapeOf(options);
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  return pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: MASK },
      ...(options.context === undefined ? {} : { mixin: options.context }),
    },
    { write: (line) => write(shape(scrub(line, secrets()))) },
  );
}
