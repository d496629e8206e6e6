import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { LogLine, LogPage } from '../domain/run-page.js';

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
/** A longer line is shortened; it is whole in the file. */
const MOST_CHARACTERS = 4_000;

/** Sequences that colour or move on a terminal: CSI, OSC up to BEL or ST, and the two-character ones. */
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const ERROR_WORDS = /\b(?:error|fatal|panic|exception|traceback|failed|failure)\b/i;
const WARNING_WORDS = /\bwarn(?:ing)?\b/i;

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
      const line = lineOf(raw, page.counted);
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

function lineOf(raw: string, number: number): LogLine {
  return shownLine(parsed(raw), number);
}

/** A line as people read it: without what moves a terminal, and not too long. */
export function shownLine({ at, stream, text }: Pick<LogLine, 'at' | 'stream' | 'text'>, number: number): LogLine {
  const plain = text.replace(ANSI, '');
  const shown = plain.length > MOST_CHARACTERS ? `${plain.slice(0, MOST_CHARACTERS)}…` : plain;
  return { number, at, stream, text: shown, level: levelOf(shown) };
}

function parsed(raw: string): Pick<LogLine, 'at' | 'stream' | 'text'> {
  try {
    const value: unknown = JSON.parse(raw);
    if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string') {
      const at = 'at' in value && typeof value.at === 'string' && !Number.isNaN(Date.parse(value.at)) ? value.at : null;
      return {
        at,
        stream: 'stream' in value && typeof value.stream === 'string' ? value.stream : '',
        text: value.text,
      };
    }
  } catch {
    // Not one of our lines.
  }
  return { at: null, stream: '', text: raw };
}

function levelOf(text: string): LogLine['level'] {
  if (ERROR_WORDS.test(text)) return 'error';
  return WARNING_WORDS.test(text) ? 'warning' : null;
}
