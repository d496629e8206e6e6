import { StringDecoder } from 'node:string_decoder';
import type { ArtifactDraft, ArtifactStore, StoredContent } from '../artifacts/store.js';
import type { OutputStream } from '../domain/action.js';
import type { StepLog } from '../domain/artifacts.js';
import type { LiveTail } from './step-tail.js';

/** A line that is longer is split. */
const MAX_LINE = 64 * 1024;
/** Output that waits for the disk; more than this is left out. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Kept free for the line that says where the log stops. */
const RESERVE_BYTES = 1_024;

export interface StepLogParts {
  store: ArtifactStore;
  clock: () => number;
  onError: (error: unknown) => void;
  /** Shows the newest lines while they come; absent: nobody can watch. */
  tail?: Pick<LiveTail, 'add' | 'close'>;
  /** Attaches what was written to the step. @returns the artifact's id. */
  attach: (content: StoredContent) => Promise<string>;
}

interface OpenLine {
  decoder: StringDecoder;
  text: string;
}

/** Writes JSON lines `{at, stream, text}` to the disk as they come; a step without output has no log. */
export class FileStepLog implements StepLog {
  readonly #parts: StepLogParts;
  readonly #open = new Map<OutputStream, OpenLine>();
  #draft: ArtifactDraft | undefined;
  #work: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #takenBytes = 0;
  #state: 'open' | 'full' | 'broken' = 'open';
  #closing: ReturnType<StepLog['close']> | undefined;

  constructor(parts: StepLogParts) {
    this.#parts = parts;
  }

  write(stream: OutputStream, chunk: Uint8Array): void {
    if (this.#state !== 'open' || this.#closing !== undefined) return;
    const line = this.#open.get(stream) ?? { decoder: new StringDecoder('utf8'), text: '' };
    this.#open.set(stream, line);
    const lines = (line.text + line.decoder.write(Buffer.from(chunk))).split('\n');
    line.text = lines.pop() ?? '';
    if (line.text.length >= MAX_LINE) {
      lines.push(line.text);
      line.text = '';
    }
    this.#take(stream, lines);
  }

  close(): ReturnType<StepLog['close']> {
    this.#closing ??= this.#finish().finally(() => this.#parts.tail?.close());
    return this.#closing;
  }

  #take(stream: string, texts: readonly string[]): void {
    if (texts.length === 0 || this.#state !== 'open') return;
    const at = new Date(this.#parts.clock()).toISOString();
    this.#parts.tail?.add(texts.map((text) => ({ at, stream, text })));
    const bytes = Buffer.from(texts.map((text) => `${JSON.stringify({ at, stream, text })}\n`).join(''));
    const tooMuch = this.#takenBytes + bytes.length > this.#parts.store.maxBytes - RESERVE_BYTES;
    if (tooMuch || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      const why = tooMuch ? 'it is as long as an artifact may be' : 'it came faster than the disk could take it';
      this.#append(Buffer.from(`${JSON.stringify({ at, stream: 'xyn', text: `The log stops here: ${why}.` })}\n`));
      this.#state = 'full';
      return;
    }
    this.#append(bytes);
  }

  #append(bytes: Buffer): void {
    this.#takenBytes += bytes.length;
    this.#waitingBytes += bytes.length;
    this.#work = this.#work.then(async () => {
      if (this.#state === 'broken') return;
      try {
        this.#draft ??= await this.#parts.store.draft();
        await this.#draft.append(bytes);
      } catch (error) {
        this.#state = 'broken';
        this.#parts.onError(error);
      } finally {
        this.#waitingBytes -= bytes.length;
      }
    });
  }

  async #finish(): ReturnType<StepLog['close']> {
    for (const [stream, { decoder, text }] of this.#open) {
      const rest = text + decoder.end();
      if (rest !== '') this.#take(stream, [rest]);
    }
    await this.#work;
    const draft = this.#draft;
    if (draft === undefined) return undefined;
    try {
      if (this.#state === 'broken') return undefined;
      const content = await draft.commit();
      return { artifact_id: await this.#parts.attach(content), bytes: content.bytes };
    } catch (error) {
      this.#parts.onError(error);
      return undefined;
    } finally {
      await draft.discard();
    }
  }
}
