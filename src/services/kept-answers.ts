import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import { XynFault } from '../domain/fault.js';
import type { Json } from '../domain/json.js';

/** A request with an Idempotency-Key, for operations whose result has no row that could hold the key. */
export interface KeyedRequest {
  /** Name under which the answers are kept. */
  operation: string;
  /** Absent: the request is carried out every time. */
  key: string | undefined;
  /** Digest of what is asked: the same key takes nothing else. */
  bodySha256: string;
}

type Answers = Pick<CatalogAccess, 'answers' | 'transaction'>;

function keyTaken(): XynFault {
  return new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, with another body.');
}

/**
 * The answer that an earlier request with the key got.
 * @throws XynFault `idempotency_mismatch`
 */
export async function earlierAnswer<T>(
  { answers }: Answers,
  { operation, key, bodySha256 }: KeyedRequest,
): Promise<T | undefined> {
  const kept = key === undefined ? undefined : await answers.get(operation, key);
  if (kept !== undefined && kept.bodySha256 !== bodySha256) throw keyTaken();
  return kept?.answer as T | undefined;
}

/**
 * Does a change and keeps its answer in one transaction. When a request with the same key was faster, the change is taken
 * back and that one's answer counts.
 * @throws XynFault `idempotency_mismatch`, and what `work` throws.
 */
export async function answerOnce<T extends object>(
  catalog: Answers,
  request: KeyedRequest,
  work: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  const { operation, key, bodySha256 } = request;
  if (key === undefined) return catalog.transaction(work);
  const made = await catalog
    .transaction(async (unit) => {
      const answer = await work(unit);
      const kept = { bodySha256, answer: answer as unknown as Json };
      if (!(await unit.answers.keep(operation, key, kept))) throw new KeyTaken();
      return answer;
    })
    .catch((error: unknown) => {
      if (error instanceof KeyTaken) return undefined;
      throw error;
    });
  const answer = made ?? (await earlierAnswer<T>(catalog, request));
  if (answer === undefined) throw new XynFault('internal', 'The answer of that key is gone.');
  return answer;
}

/** Ends a transaction whose key was used meanwhile. */
class KeyTaken extends XynFault {
  constructor() {
    super('idempotency_mismatch', 'The Idempotency-Key was used meanwhile.');
  }
}
