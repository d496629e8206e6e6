/** How the remote shell names itself on its error output before anything else is written: its process group. */
const GROUP_LINE = /^xyn-group:(\d{1,10})\n/;
const MAX_GROUP_LINE = 32;

/** A word as a POSIX shell takes it literally. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_/:.,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What is sent: the shell says who it is, gets the variables, then runs the command. sshd makes it leader of its group. */
export function remoteCommand(command: string, env: Readonly<Record<string, string>>): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}; `);
  return `printf 'xyn-group:%s\\n' "$$" >&2; ${exports.join('')}${command}`;
}

/** Takes the first line, which names the process group, out of the error output. */
export class GroupLine {
  /** The process group, once known. */
  group: number | undefined;
  #held: Buffer | undefined = Buffer.alloc(0);

  /** What belongs to the command of the next piece. */
  push(chunk: Buffer): Buffer {
    if (this.#held === undefined) return chunk;
    this.#held = Buffer.concat([this.#held, chunk]);
    const end = this.#held.indexOf('\n');
    if (end === -1 && this.#held.length < MAX_GROUP_LINE) return Buffer.alloc(0);
    const found = GROUP_LINE.exec(this.#held.subarray(0, MAX_GROUP_LINE).toString('latin1'));
    if (found) this.group = Number(found[1]);
    return this.#release(found ? end + 1 : 0);
  }

  /** What is left when the output has ended. */
  end(): Buffer {
    return this.#held === undefined ? Buffer.alloc(0) : this.#release(0);
  }

  #release(from: number): Buffer {
    const rest = this.#held?.subarray(from) ?? Buffer.alloc(0);
    this.#held = undefined;
    return rest;
  }
}

/** The beginning of an output, up to a number of bytes, never half a character. */
export class CappedText {
  truncated = false;
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    const part = chunk.subarray(0, this.#maxBytes - this.#bytes);
    if (part.length < chunk.length) this.truncated = true;
    if (part.length > 0) this.#chunks.push(part);
    this.#bytes += part.length;
  }

  toString(): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    // In stream mode the decoder keeps an unfinished character at the end to itself.
    return decoder.decode(Buffer.concat(this.#chunks), { stream: this.truncated });
  }
}
