import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** Counts stop here: one more is read, so that the reader can say "10 000+". */
const COUNT_LIMIT = 10_001;

/** What the screens ask across all runs and gates; every query is bounded and starts from an index. */
export class OverviewStore {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  /** Open gates and open runs, each counted up to 10 001. */
  async counts(): Promise<{ gates: number; running: number }> {
    const rows = await this.#read(
      (db) => db.$queryRaw<{ gates: number; running: number }[]>`
        SELECT (SELECT count(*)::int FROM (SELECT 1 FROM gates WHERE status = 'open' LIMIT ${COUNT_LIMIT}) g) AS gates,
          (SELECT count(*)::int FROM (SELECT 1 FROM runs WHERE status IN ('created', 'running') LIMIT ${COUNT_LIMIT}) r) AS running`,
    );
    return rows[0] ?? { gates: 0, running: 0 };
  }

  async #read<T>(query: (db: Catalog['prisma']) => Promise<T>): Promise<T> {
    try {
      return await query(this.#catalog.prisma);
    } catch (error) {
      throw catalogFault(error);
    }
  }
}
