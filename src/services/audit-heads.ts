import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { appendFile, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../domain/json.js';

const headSchema = z.strictObject({
  seq: z.int(),
  audit_id: z.string(),
  hash: z.string(),
  at: z.string(),
  signature: z.string(),
});

/** A signed statement about the newest link at a time. Kept outside of the database. */
export type AuditHead = z.output<typeof headSchema>;

/** The key that signs heads and the file that keeps them, in `<stateDir>/audit`. */
export class AuditHeads {
  readonly #file: string;
  readonly #private: KeyObject;
  readonly publicKey: KeyObject;

  private constructor(file: string, privateKey: KeyObject) {
    this.#file = file;
    this.#private = privateKey;
    this.publicKey = createPublicKey(privateKey);
  }

  /** Opens the folder; makes it and an Ed25519 key (0600) when they are missing. Safe in several processes at once. */
  static async open(dir: string): Promise<AuditHeads> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const keyFile = path.join(dir, 'key.pem');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFile(keyFile, pem, { mode: 0o600, flag: 'wx' }).then(
      () => writeFile(path.join(dir, 'key.pub.pem'), publicKey.export({ type: 'spki', format: 'pem' })),
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      },
    );
    return new AuditHeads(path.join(dir, 'heads.jsonl'), createPrivateKey(await readFile(keyFile)));
  }

  /** Appends a signed head; on disk when it resolves. */
  async append(head: Omit<AuditHead, 'signature'>): Promise<void> {
    const signature = sign(null, Buffer.from(canonicalJson(head)), this.#private).toString('base64');
    await appendFile(this.#file, `${JSON.stringify({ ...head, signature })}\n`, { mode: 0o600 });
    const handle = await open(this.#file, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  /** All heads, oldest first. A last line that was cut off by a crash is passed over; any other bad line counts. */
  async read(): Promise<{ heads: AuditHead[]; unreadable: number }> {
    const text = await readFile(this.#file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
      throw error;
    });
    const lines = text.split('\n');
    const torn = lines.pop();
    let unreadable = 0;
    const heads: AuditHead[] = [];
    for (const line of torn === '' ? lines : lines.filter((one) => one !== '')) {
      const parsed = headSchema.safeParse(jsonOf(line));
      if (parsed.success) heads.push(parsed.data);
      else unreadable += 1;
    }
    return { heads, unreadable };
  }

  /** Whether a head was signed with our key. */
  isGenuine({ signature, ...head }: AuditHead): boolean {
    return verify(null, Buffer.from(canonicalJson(head)), this.publicKey, Buffer.from(signature, 'base64'));
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
