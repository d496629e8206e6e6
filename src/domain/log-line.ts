/** A line of what a step printed, as people read it. */
export interface LogLine {
  /** From 1. */
  number: number;
  at: string | null;
  stream: string;
  text: string;
  level: 'error' | 'warning' | null;
}

/** A longer line is shortened; it is whole in the file. */
const MOST_CHARACTERS = 4_000;

/** Sequences that colour or move on a terminal: CSI, OSC up to BEL or ST, and the two-character ones. */
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const ERROR_WORDS = /\b(?:error|fatal|panic|exception|traceback|failed|failure)\b/i;
const WARNING_WORDS = /\bwarn(?:ing)?\b/i;

/** A line of a log of JSON lines `{at, stream, text}`; one of another form is shown as it is. */
export function logLineOf(raw: string, number: number): LogLine {
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
