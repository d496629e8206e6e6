import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { logLineOf, type LogLine } from '../domain/log-line.js';
import type { LogPage } from '../domain/run-page.js';

/** Which lines of a log. */
export interface LogRequest {
  /** Number of the first line, from 1; absent: a little before the first error, else from the beginning. */
  from?: number;
  /** Only lines that hold this text, upper or lower case. */
  find?: string;
}

/** Lines of one page. */
const CHUNK = 200;
/** Shown before the first error, so that what led to it can be read. */
const BEFORE_ERROR = 20;
/** Further than this a log is not read for a page; the whole of it can be downloaded. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Reads a log of JSON lines `{at, stream, text}`; lines of another form are shown as they are. Ends the stream. */
export async function readLogPage(bytes: Readable, { from, find }: LogRequest): Promise<Omit<LogPage, 'artifact_id'>> {
  const wanted = find?.toLowerCase();
  const page = { counted: 0, isWhole: true, first_error: null as number | null };
  let kept: LogLine[] = [];
  let recent: LogLine[] = [];
  let size = 0;
  try {
    for await (const raw of createInterface({ input: bytes, crlfDelay: Infinity })) {
      size += raw.length;
      page.counted += 1;
      const line = logLineOf(raw, page.counted);
      const isFirstError = line.level === 'error' && page.first_error === null;
      if (isFirstError) page.first_error = line.number;
      if (line.number >= (from ?? 1) && (wanted === undefined || line.text.toLowerCase().includes(wanted))) {
        recent = [...recent.slice(-BEFORE_ERROR), line];
        if (isFirstError && from === undefined && wanted === undefined) kept = recent;
        else if (kept.length < CHUNK) kept.push(line);
      }
      if (size > MOST_BYTES) {
        page.isWhole = false;
        break;
      }
    }
  } finally {
    bytes.destroy();
  }
  return { ...page, lines: kept, from: kept[0]?.number ?? from ?? 1 };
}
