import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { link, mkdir, open, readFile, rm, writeFile, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { XynFault } from '../domain/fault.js';
import { canonicalJson } from '../domain/json.js';

/** A signed statement about the newest link at a time. Kept outside of the database. */
export interface AuditHead {
  seq: number;
  audit_id: string;
  hash: string;
  /** When it was signed, by the clock of the process. */
  at: string;
  /** Ed25519 over the RFC 8785 form of the other members, base64. */
  signature: string;
}

/** What the file of heads holds. */
export interface HeadsRead {
  /** In the order of the file. */
  heads: AuditHead[];
  /** Whole lines that are no head. A line that a crash cut off is not counted. */
  unreadable: number;
}

/** The heads as they are read, for those who need not sign. */
export type HeadsReader = Pick<AuditHeads, 'read' | 'newest' | 'isGenuine'>;

/** Every line ends like that; one that does not was cut off by a crash. */
const LINE_END = '"}';
const NEWLINE = 0x0a;
/** A head has 300 bytes at most. */
const MOST_LINE_BYTES = 320;

/** The key that signs heads and the file that keeps them, in `<stateDir>/audit`. */
export class AuditHeads {
  readonly #file: string;
  readonly #private: KeyObject | undefined;
  readonly publicKey: KeyObject;

  private constructor(dir: string, keys: { private?: KeyObject; public: KeyObject }) {
    this.#file = filesIn(dir).heads;
    this.#private = keys.private;
    this.publicKey = keys.public;
  }

  /**
   * Opens the folder; makes it and an Ed25519 key (0600) when there is neither a key nor a head. Safe in several
   * processes at once.
   * @throws XynFault `data_dir_unusable` when the key is gone or another one, while what it signed is there.
   */
  static async open(dir: string): Promise<AuditHeads> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const files = filesIn(dir);
    const privateKey = createPrivateKey((await textOf(files.key)) ?? (await makeKey(dir)));
    const publicKey = createPublicKey(privateKey);
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const known = (await textOf(files.publicKey)) ?? (await createWhole(files.publicKey, pem, 0o644));
    if (known.trim() !== pem.trim()) throw keyMissing(dir, 'is not the one of key.pub.pem');
    return new AuditHeads(dir, { private: privateKey, public: publicKey });
  }

  /**
   * The heads for those who verify: needs `key.pub.pem` and `heads.jsonl` only, or copies of them, and writes nothing.
   * @throws XynFault `data_dir_unusable` when there is no public key.
   */
  static async openForReading(dir: string): Promise<HeadsReader> {
    const { publicKey } = filesIn(dir);
    const pem = await textOf(publicKey);
    if (pem !== undefined) return new AuditHeads(dir, { public: createPublicKey(pem) });
    throw new XynFault('data_dir_unusable', `${publicKey} is missing: without it nothing proves who signed the heads.`);
  }

  /** Appends a signed head; on disk when it resolves. */
  async append(head: Omit<AuditHead, 'signature'>): Promise<void> {
    if (!this.#private) throw new TypeError('these heads are open for reading');
    const signature = sign(null, Buffer.from(canonicalJson(head)), this.#private).toString('base64');
    const handle = await open(this.#file, 'a+', 0o600);
    try {
      // After a line that a crash cut off, a new line begins: one loss must not make two.
      const start = (await endsInsideLine(handle)) ? '\n' : '';
      const line = Buffer.from(`${start}${JSON.stringify({ ...head, signature })}\n`);
      const { bytesWritten } = await handle.write(line);
      if (bytesWritten !== line.length) throw new Error(`a head was cut off: ${bytesWritten} of ${line.length} bytes`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** All heads, in the order of the file. */
  async read(): Promise<HeadsRead> {
    const lines = ((await textOf(this.#file)) ?? '').split('\n').filter((line) => line.endsWith(LINE_END));
    const heads = lines.map(headOf).filter((head) => head !== undefined);
    return { heads, unreadable: lines.length - heads.length };
  }

  /** The newest heads whose signature is ours, oldest first, at most `limit`: reads the end of the file only. */
  async newest(limit: number): Promise<AuditHead[]> {
    const lines = (await endOf(this.#file, limit * MOST_LINE_BYTES)).split('\n').slice(-limit - 1);
    const heads = lines.map(headOf).filter((head) => head !== undefined);
    return heads.slice(-limit).filter((head) => this.isGenuine(head));
  }

  /** Whether a head was signed with our key. */
  isGenuine({ signature, ...head }: AuditHead): boolean {
    return verify(null, Buffer.from(canonicalJson(head)), this.publicKey, Buffer.from(signature, 'base64'));
  }
}

const filesIn = (dir: string): { key: string; publicKey: string; heads: string } => ({
  key: path.join(dir, 'key.pem'),
  publicKey: path.join(dir, 'key.pub.pem'),
  heads: path.join(dir, 'heads.jsonl'),
});

const keyMissing = (dir: string, what: string): XynFault =>
  new XynFault(
    'data_dir_unusable',
    `The key in ${path.join(dir, 'key.pem')} ${what}. Put the right one back, or move the folder aside to begin with a new key; the heads signed so far then have to be checked with the old public key.`,
  );

async function makeKey(dir: string): Promise<string> {
  const files = filesIn(dir);
  const isUsed = [await textOf(files.publicKey), await textOf(files.heads)].some((text) => text !== undefined);
  // Another process may have made it, and used it, since we looked.
  const theirs = await textOf(files.key);
  if (theirs !== undefined) return theirs;
  if (isUsed) throw keyMissing(dir, 'is gone');
  const { privateKey } = generateKeyPairSync('ed25519');
  return createWhole(files.key, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
}

/** Creates a file with its whole content, or gives the content of the one that is there. */
async function createWhole(file: string, text: string, mode: number): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode, flag: 'wx', flush: true });
    await link(draft, file);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return await readFile(file, 'utf8');
  } finally {
    await rm(draft, { force: true });
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The last bytes of a file; nothing where there is none. The first line may be cut. */
async function endOf(file: string, bytes: number): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const length = Math.min(size, bytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function endsInsideLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== NEWLINE;
}

const MEMBERS = ['at', 'audit_id', 'hash', 'seq', 'signature'];

function headOf(line: string): AuditHead | undefined {
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof head !== 'object' || head === null || Object.keys(head).sort().join() !== MEMBERS.join()) return undefined;
  const { seq, ...texts } = head as Record<string, unknown>;
  const isHead = Number.isSafeInteger(seq) && Object.values(texts).every((text) => typeof text === 'string');
  return isHead ? (head as AuditHead) : undefined;
}
