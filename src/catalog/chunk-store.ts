import type { LoopChunk, LoopChunks } from '../domain/artifacts.js';
import { XynFault } from '../domain/fault.js';
import type { Json } from '../domain/json.js';
import type { Database } from './database.js';

/** All results of one loop: they are sorted in memory when it ends. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Results of loops that are too many for the state of an open run. */
export class ChunkStore implements LoopChunks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async add({ runId, path, chunk }: LoopChunk, results: readonly Json[]): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO loop_chunks (run_id, path, chunk, results)
      VALUES (${runId}::uuid, ${path}, ${chunk}, ${JSON.stringify(results)})
      ON CONFLICT (run_id, path, chunk) DO NOTHING`;
  }

  async all({ runId, path }: Omit<LoopChunk, 'chunk'>, chunks: number): Promise<Json[]> {
    const [sum] = await this.#db.$queryRaw<{ bytes: bigint | null }[]>`
      SELECT sum(octet_length(results)) AS bytes FROM loop_chunks WHERE run_id = ${runId}::uuid AND path = ${path}`;
    if (Number(sum?.bytes ?? 0) > MAX_BYTES) {
      const message = 'The results of the loop have more than 64 MiB; give its body smaller `outputs`.';
      throw new XynFault('limit_artifact', message);
    }
    const rows = await this.#db.$queryRaw<{ results: string }[]>`
      SELECT results FROM loop_chunks WHERE run_id = ${runId}::uuid AND path = ${path} AND chunk < ${chunks}
      ORDER BY chunk`;
    return rows.flatMap(({ results }) => JSON.parse(results) as Json[]);
  }

  /** Forgets those of runs that have ended. @returns how many chunks, at most `limit`. */
  async prune(limit: number): Promise<number> {
    return this.#db.$executeRaw`
      DELETE FROM loop_chunks WHERE (run_id, path, chunk) IN (
        SELECT run_id, path, chunk FROM loop_chunks c
        WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.run_id = c.run_id AND r.completed_at IS NULL)
        LIMIT ${limit} FOR UPDATE SKIP LOCKED)`;
  }
}
