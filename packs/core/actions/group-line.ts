/** How a shell of ours names itself on its error output before anything else is written: its process group. */
const GROUP_LINE = /^xyn-group:(\d{1,10})\n/;
const MAX_GROUP_LINE = 32;

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
