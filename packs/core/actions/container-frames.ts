import type { OutputStream } from '../../../src/domain/action.js';

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes apart the one stream in which an engine sends both outputs of a command: frames of a kind, a length and bytes.
 * Bytes are passed on as they come, so a frame of any length costs no memory.
 */
export class OutputFrames {
  #header = Buffer.alloc(0);
  #stream: OutputStream = 'stdout';
  #left = 0;
  readonly #onOutput: (stream: OutputStream, chunk: Buffer) => void;

  constructor(onOutput: (stream: OutputStream, chunk: Buffer) => void) {
    this.#onOutput = onOutput;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        this.#left -= part.length;
        at += part.length;
        this.#onOutput(this.#stream, part);
        continue;
      }
      const part = chunk.subarray(at, at + HEADER_BYTES - this.#header.length);
      this.#header = Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#header.length === HEADER_BYTES) this.#begin();
    }
  }

  #begin(): void {
    this.#stream = this.#header.readUInt8(0) === STDERR ? 'stderr' : 'stdout';
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
  }
}
