import type { AuditChain, Link } from '../catalog/audit-chain.js';
import { GENESIS, linkHash } from '../domain/audit-chain.js';
import { isoUtc } from '../domain/time.js';
import type { AuditHeads } from './audit-heads.js';
import type { Log } from './log.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface AuditChainerDeps {
  chain: AuditChain;
  heads: AuditHeads;
  log: Log;
  clock: () => number;
  /** Connects to what tells of new entries; gives the way to end it. */
  listen: (onNotice: () => void) => { close(): Promise<void> };
}

const BATCH = 1_000;
/** Safety net for notices that were lost; entries are linked within a second of their commit. */
const POLL_MS = 500;
/** New entries gather this long, so that a stream of small commits makes few batches. */
const GATHER_MS = 100;
/** At most one head a second. */
const HEAD_INTERVAL_MS = 1_000;

/**
 * Links the entries of the audit trail by hash, behind the writers, so that these never wait for each other. Any number of
 * chainers may run: a lock lets one work at a time.
 */
export class AuditChainer {
  readonly #deps: AuditChainerDeps;
  #loop: WakeLoop | undefined;
  #listener: { close(): Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unsigned: Link | undefined;
  #signedAt = 0;

  constructor(deps: AuditChainerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop = startWakeLoop({
      work: () => this.#pass(),
      onError: (error) => this.#deps.log.warn({ err: error }, 'audit entries could not be linked; it is tried again'),
      errorPauseMs: POLL_MS,
    });
    this.#listener = this.#deps.listen(() => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#loop?.wake();
      }, GATHER_MS);
    });
  }

  /** Links what is pending, signs the last head and ends. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#listener?.close();
    await this.#loop?.stop();
    try {
      await this.#link();
      await this.#sign();
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the last audit entries stay unlinked until the next start');
    }
  }

  async #pass(): Promise<number> {
    const made = await this.#link();
    if (this.#unsigned && this.#deps.clock() - this.#signedAt >= HEAD_INTERVAL_MS) await this.#sign();
    return made === BATCH ? 0 : POLL_MS;
  }

  async #link(): Promise<number> {
    const linked = await this.#deps.chain.linkPending(BATCH, { genesis: GENESIS, hash: linkHash });
    if (linked && linked.made > 0) this.#unsigned = linked.head;
    return linked?.made ?? 0;
  }

  async #sign(): Promise<void> {
    const head = this.#unsigned;
    if (!head) return;
    this.#unsigned = undefined;
    this.#signedAt = this.#deps.clock();
    await this.#deps.heads.append({
      seq: head.seq,
      audit_id: head.audit_id,
      hash: head.hash,
      at: isoUtc(this.#signedAt),
    });
  }
}
