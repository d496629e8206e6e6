import type { AuditChain } from '../catalog/audit-chain.js';
import type { Link } from '../catalog/audit-row.js';
import { GENESIS } from '../domain/audit-chain.js';
import { isoUtc } from '../domain/time.js';
import { linkHash } from './audit-hash.js';
import type { AuditHead, AuditHeads } from './audit-heads.js';
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
/** How long the end of the process waits for the last entries to be linked. */
const DRAIN_MS = 3_000;

/**
 * Links the entries of the audit trail by hash, behind the writers, so that these never wait for each other. Any number of
 * chainers may run: a lock lets one work at a time. Each signs what it sees as the newest link, also at its start, so
 * that a chainer that died between linking and signing leaves no gap.
 */
export class AuditChainer {
  readonly #deps: AuditChainerDeps;
  #loop: WakeLoop | undefined;
  #listener: { close(): Promise<void> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #head: Link | undefined;
  /** `undefined` before the file was read. */
  #signed: Pick<AuditHead, 'seq' | 'hash'> | undefined;
  /** Steady, unlike the clock that heads show. */
  #nextHeadAt = 0;

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

  /** Links what is pending, for at most 3 s, signs the last head and ends. End those who write entries first. */
  async stop(): Promise<void> {
    await this.#listener?.close();
    clearTimeout(this.#timer);
    await this.#loop?.stop();
    const deadline = performance.now() + DRAIN_MS;
    try {
      while ((await this.#link()) && performance.now() < deadline);
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'the last audit entries stay unlinked until the next start');
    }
    await this.#sign();
  }

  async #pass(): Promise<number> {
    const more = await this.#link();
    if (performance.now() >= this.#nextHeadAt) await this.#sign();
    return more ? 0 : POLL_MS;
  }

  async #link(): Promise<boolean> {
    const linked = await this.#deps.chain.linkPending(BATCH, { genesis: GENESIS, hash: linkHash });
    if (linked) this.#head = linked.head;
    return linked?.more ?? false;
  }

  /** A head that cannot be written does not stop the linking; it is tried again in a second. */
  async #sign(): Promise<void> {
    try {
      this.#signed ??= await this.#lastSigned();
      const head = this.#head;
      if (!head || (head.seq === this.#signed.seq && head.hash === this.#signed.hash)) return;
      this.#nextHeadAt = performance.now() + HEAD_INTERVAL_MS;
      const { seq, audit_id, hash } = head;
      await this.#deps.heads.append({ seq, audit_id, hash, at: isoUtc(this.#deps.clock()) });
      this.#signed = { seq, hash };
    } catch (error) {
      this.#deps.log.error({ err: error }, 'the newest link of the audit trail could not be signed; it is tried again');
    }
  }

  /** Where the signed heads end. Says at once when the chain no longer has that link; verification finds it, too. */
  async #lastSigned(): Promise<Pick<AuditHead, 'seq' | 'hash'>> {
    const last = (await this.#deps.heads.read()).heads.at(-1);
    if (!last) return { seq: 0, hash: GENESIS };
    if ((await this.#deps.chain.hashOf(last.seq)) !== last.hash) {
      const facts = { seq: last.seq, signed_at: last.at };
      this.#deps.log.error(
        facts,
        'the audit chain was cut or rewritten since its last head; run `xynctl audit verify`',
      );
    }
    return last;
  }
}
