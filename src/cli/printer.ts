import { alignColumns, plain } from './format.js';

/** A stream that text goes to. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
}

export interface PrinterOptions {
  stdout: Output;
  stderr: Output;
  /** Print data as JSON and nothing else. */
  json: boolean;
  /** `NO_COLOR` and `TERM` are looked at. */
  env: Readonly<Record<string, string | undefined>>;
}

const CODES: Readonly<Record<string, number>> = { green: 32, red: 31, yellow: 33, cyan: 36, dim: 2, bold: 1 };
const STATUS_STYLES: Readonly<Record<string, string>> = {
  completed: 'green',
  approved: 'green',
  ok: 'green',
  failed: 'red',
  rejected: 'red',
  missing: 'red',
  expired: 'red',
  running: 'cyan',
  open: 'yellow',
  cancelled: 'yellow',
  skipped: 'dim',
};

/** Whether a stream is a terminal that wants colours. */
function wantsColour(output: Output, env: PrinterOptions['env']): boolean {
  return output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Where commands write: data to standard output, remarks to standard error. */
export class Printer {
  readonly json: boolean;
  readonly #options: PrinterOptions;
  readonly #colour: boolean;

  constructor(options: PrinterOptions) {
    this.#options = options;
    this.json = options.json;
    this.#colour = wantsColour(options.stdout, options.env);
  }

  /** A line of data for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.#options.stdout.write(`${text}\n`);
  }

  /** A remark: what is being done, or what to do next. */
  note(text: string): void {
    this.#options.stderr.write(`${text}\n`);
  }

  /** One JSON value on a line of its own, with `--json` only: the form of streams. */
  record(value: object): void {
    if (this.json) this.#options.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** The result of a command: with `--json` the value, else whatever `show` writes. */
  result(value: unknown, show: () => void): void {
    if (this.json) this.#options.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    else show();
  }

  /** Aligned columns; cells are cut at 80 characters and cleaned of what a terminal would obey. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const cells = rows.map((row) => row.map((cell) => plain(cell, 80)));
    const [headLine = '', ...lines] = alignColumns([head.map((text) => text.toUpperCase()), ...cells]);
    this.line(this.style('dim', headLine));
    for (const line of lines) this.line(this.#tint(line));
  }

  /** Names and values, one to a line. */
  fields(pairs: readonly (readonly [name: string, value: string])[]): void {
    const lines = alignColumns(pairs.map(([name, value]) => [`${name}:`, plain(value, 2_000)]));
    for (const line of lines) this.line(this.#tint(line));
  }

  /** A status word in its colour. */
  status(word: string): string {
    return this.style(STATUS_STYLES[word] ?? '', word);
  }

  /** Text in a colour of `CODES`; unchanged where there are no colours. */
  style(name: string, text: string): string {
    const code = CODES[name];
    return this.#colour && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  /** Colours the first status word of an aligned line, so that widths stay what they are. */
  #tint(line: string): string {
    if (!this.#colour) return line;
    const words = Object.keys(STATUS_STYLES).join('|');
    return line.replace(new RegExp(`(?<=^|\\s{2})(${words})(?=\\s{2}|$)`), (word) => this.status(word));
  }
}
