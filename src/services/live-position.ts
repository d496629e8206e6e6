import type { LivePosition } from '../catalog/live-store.js';

const FORM = /^(\d{1,19})-(\d{1,19})$/;
const LARGEST = 2n ** 63n - 1n;

/** A place in the event log as one word, for `Last-Event-ID`. */
export function positionText({ txid, seq }: LivePosition): string {
  return `${txid}-${seq}`;
}

/** The place that a word stands for; undefined when it is none. */
export function parsePosition(text: string): LivePosition | undefined {
  const [, txid, seq] = FORM.exec(text) ?? [];
  if (txid === undefined || seq === undefined) return undefined;
  const position = { txid: BigInt(txid), seq: BigInt(seq) };
  return position.txid > LARGEST || position.seq > LARGEST ? undefined : position;
}

/** Whether the first place lies behind the second one. */
export function isAfter(one: LivePosition, other: LivePosition): boolean {
  return one.txid === other.txid ? one.seq > other.seq : one.txid > other.txid;
}
