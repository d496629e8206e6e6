import type { Json } from '../domain/json.js';
import type { Database } from './database.js';

/** What a request with an Idempotency-Key was answered. */
export interface KeptAnswer {
  bodySha256: string;
  answer: Json;
}

/** Answers to requests with an Idempotency-Key, for operations whose result has no row that could hold the key. */
export class AnswerStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async get(operation: string, key: string): Promise<KeptAnswer | undefined> {
    const where = { operation_idempotency_key: { operation, idempotency_key: key } };
    const row = await this.#db.idempotent_answer.findUnique({ where });
    return row === null ? undefined : { bodySha256: row.body_sha256, answer: row.answer as Json };
  }

  /**
   * Keeps an answer with the change that it tells of; waits for a call with the same key that is under way.
   * @returns false when the key was used before, so that the change must not be committed.
   */
  async keep(operation: string, key: string, { bodySha256, answer }: KeptAnswer): Promise<boolean> {
    const added = await this.#db.$executeRaw`
      INSERT INTO idempotent_answers (operation, idempotency_key, body_sha256, answer)
      VALUES (${operation}, ${key}, ${bodySha256}, ${JSON.stringify(answer)}::jsonb) ON CONFLICT DO NOTHING`;
    return added > 0;
  }

  /**
   * Forgets answers that are older than that.
   * @returns how many they were, at most `limit`.
   */
  async prune(olderThanMs: number, limit: number): Promise<number> {
    return this.#db.$executeRaw`
      DELETE FROM idempotent_answers WHERE (operation, idempotency_key) IN (
        SELECT operation, idempotency_key FROM idempotent_answers
        WHERE created_at < now() - ${olderThanMs} * interval '1 ms'
        ORDER BY created_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
  }
}
