import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { XynFault } from '../domain/fault.js';
import { VerifiedFiles } from './verified-files.js';
import type { ArtifactDraft, ArtifactStore, StoredContent, WriteOptions } from './store.js';

/** One artifact at most. */
const MAX_ARTIFACT_BYTES = 250 * 1024 * 1024;
/** All of the store. */
const MAX_STORE_BYTES = 20 * 1024 * 1024 * 1024;
/** Other processes write to the same folder: how long a count of its bytes is believed. */
const COUNT_TRUSTED_MS = 60_000;
/** A temporary file of another machine is left over when it was not touched for this long. */
const ABANDONED_MS = 6 * 3_600_000;
const READ_BYTES = 256 * 1024;
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const DIGEST = /^[0-9a-f]{64}$/;

export interface LocalStoreOptions {
  /** Folder of the store; made when it is missing. */
  dir: string;
  /** Bytes of one artifact at most; default 250 MiB. */
  maxBytes?: number;
  /** Bytes of all artifacts at most; default 20 GiB. Approximate while several processes write. */
  maxStoreBytes?: number;
}

/**
 * Artifacts as files `ab/cd/<sha256>`. Bytes go to a temporary file first and are renamed when they are complete and on
 * the disk, so that a file under a digest is always whole.
 */
export class LocalArtifactStore implements ArtifactStore {
  readonly #dir: string;
  readonly maxBytes: number;
  readonly #maxStoreBytes: number;
  #used = { bytes: 0, countedAt: -Infinity };
  #counting: Promise<void> | undefined;
  readonly #verified = new VerifiedFiles();

  private constructor({ dir, maxBytes, maxStoreBytes }: LocalStoreOptions) {
    this.#dir = dir;
    this.maxBytes = maxBytes ?? MAX_ARTIFACT_BYTES;
    this.#maxStoreBytes = maxStoreBytes ?? MAX_STORE_BYTES;
  }

  /** Opens the store and removes the temporary files of processes that are gone. */
  static async open(options: LocalStoreOptions): Promise<LocalArtifactStore> {
    const store = new LocalArtifactStore(options);
    await mkdir(store.#temporary, { recursive: true, mode: 0o700 });
    await store.#removeAbandoned();
    return store;
  }

  async draft(): Promise<ArtifactDraft> {
    await this.#requireRoom(1);
    const file = path.join(this.#temporary, `${hostname()}~${process.pid}~${randomUUID()}`);
    const handle = await open(file, 'wx', 0o600).catch(faultOfWrite);
    return new Draft(file, handle, {
      maxBytes: this.maxBytes,
      requireRoom: (bytes) => this.#requireRoom(bytes),
      publish: (content) => this.#publish(file, content),
    });
  }

  async write(source: AsyncIterable<Uint8Array>, { expected, signal }: WriteOptions = {}): Promise<StoredContent> {
    const draft = await this.draft();
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        await draft.append(chunk);
      }
      signal?.throwIfAborted();
      return await draft.commit(expected);
    } finally {
      await draft.discard();
    }
  }

  async open(content: StoredContent, range?: { first: number; last: number }): Promise<Readable> {
    const handle = await this.#handleOf(content);
    try {
      const check = (): Promise<void> => verify(handle, content);
      await (range === undefined ? check() : this.#verified.unlessKnown(await handle.stat({ bigint: true }), check));
      const { first = 0, last = Infinity } = range ?? {};
      return handle.createReadStream({ start: first, end: last, highWaterMark: READ_BYTES });
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(content: StoredContent): Promise<Buffer> {
    const handle = await this.#handleOf(content);
    try {
      const bytes = await handle.readFile();
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      if (sha256 !== content.sha256) throw damaged(content);
      return bytes;
    } finally {
      await handle.close();
    }
  }

  get #temporary(): string {
    return path.join(this.#dir, 'tmp');
  }

  #fileOf(sha256: string): string {
    if (!DIGEST.test(sha256)) throw new XynFault('artifact_not_found', 'The artifact has no content.');
    return path.join(this.#dir, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  }

  async #handleOf({ sha256, bytes }: StoredContent): Promise<FileHandle> {
    const handle = await open(this.#fileOf(sha256), 'r').catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
      throw new XynFault('artifact_not_found', 'The bytes of the artifact are not in the store of this machine.');
    });
    try {
      if ((await handle.stat()).size !== bytes) throw damaged({ sha256, bytes });
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #publish(temporary: string, { sha256, bytes }: StoredContent): Promise<void> {
    const file = this.#fileOf(sha256);
    const known = await stat(file).catch(() => undefined);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    // Also over a file that is there: if that one was damaged, it is whole again.
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    this.#used.bytes += bytes - (known?.size ?? 0);
  }

  async #requireRoom(bytes: number): Promise<void> {
    if (Date.now() - this.#used.countedAt > COUNT_TRUSTED_MS) {
      this.#counting ??= this.#count().finally(() => (this.#counting = undefined));
      await this.#counting;
    }
    if (this.#used.bytes + bytes > this.#maxStoreBytes)
      throw storageFull('The store of artifacts has reached its quota.');
  }

  async #count(): Promise<void> {
    let bytes = 0;
    for (const entry of await readdir(this.#dir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !DIGEST.test(entry.name)) continue;
      const found = await stat(path.join(entry.parentPath, entry.name)).catch(() => undefined);
      bytes += found?.size ?? 0;
    }
    this.#used = { bytes, countedAt: Date.now() };
  }

  async #removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.#temporary)) {
      const file = path.join(this.#temporary, name);
      if (await isAbandoned(name, file)) await rm(file, { force: true });
    }
  }
}

interface DraftHost {
  maxBytes: number;
  requireRoom(bytes: number): Promise<void>;
  publish(content: StoredContent): Promise<void>;
}

class Draft implements ArtifactDraft {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #host: DraftHost;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #done = false;

  constructor(file: string, handle: FileHandle, host: DraftHost) {
    this.#file = file;
    this.#handle = handle;
    this.#host = host;
  }

  async append(chunk: Uint8Array): Promise<void> {
    if (this.#bytes + chunk.byteLength > this.#host.maxBytes) {
      throw new XynFault('limit_artifact', `An artifact has at most ${this.#host.maxBytes} bytes.`);
    }
    await this.#host.requireRoom(this.#bytes + chunk.byteLength);
    this.#bytes += chunk.byteLength;
    this.#hash.update(chunk);
    await this.#handle.appendFile(chunk).catch(faultOfWrite);
  }

  async commit(expected: Partial<StoredContent> = {}): Promise<StoredContent> {
    const content = { sha256: this.#hash.digest('hex'), bytes: this.#bytes };
    if ((expected.sha256 ?? content.sha256) !== content.sha256 || (expected.bytes ?? content.bytes) !== content.bytes) {
      throw new XynFault('digest_mismatch', 'The bytes that came are not those that were announced.', {
        details: { expected, actual: content },
      });
    }
    await this.#handle.sync().catch(faultOfWrite);
    await this.#handle.close();
    await this.#host.publish(content).catch(faultOfWrite);
    this.#done = true;
    return content;
  }

  async discard(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await this.#handle.close();
    await unlink(this.#file).catch(() => undefined);
  }
}

async function verify(handle: FileHandle, content: StoredContent): Promise<void> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, position);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  if (hash.digest('hex') !== content.sha256) throw damaged(content);
}

/** Whether the process that began a temporary file is gone. */
async function isAbandoned(name: string, file: string): Promise<boolean> {
  const [host, pid] = name.split('~');
  // A process that only starts has none: those with its number are of one before it.
  if (host === hostname() && Number(pid) === process.pid) return true;
  if (host === hostname()) return !isAlive(Number(pid));
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS;
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** A name survives a loss of power only when its folder was written, too. */
async function syncFolder(dir: string): Promise<void> {
  // Windows opens no folders, and needs no such thing.
  const handle = await open(dir, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function damaged({ sha256 }: StoredContent): XynFault {
  return new XynFault('artifact_damaged', 'The stored bytes of the artifact are damaged: they do not fit its digest.', {
    details: { sha256 },
  });
}

function storageFull(message: string, cause?: unknown): XynFault {
  return new XynFault('artifact_storage_full', message, { cause });
}

function faultOfWrite(error: unknown): never {
  if (FULL_CODES.has(codeOf(error))) throw storageFull('The disk of the store of artifacts is full.', error);
  throw error;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
