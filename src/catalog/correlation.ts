import type { Catalog } from './connect.js';

/** Runs that are remembered: more than a worker has open at once. */
const MAX_KNOWN = 5_000;

/** Tells the correlation id of a run; undefined when the run is not known. Each run is looked up once. */
export function correlationIds({ pool }: Pick<Catalog, 'pool'>): (runId: string) => Promise<string | undefined> {
  const known = new Map<string, Promise<string | undefined>>();
  const look = async (runId: string): Promise<string | undefined> => {
    const text = 'SELECT correlation_id FROM runs WHERE run_id = $1';
    const { rows } = await pool.query<{ correlation_id: string }>({
      name: 'correlation-of-run',
      text,
      values: [runId],
    });
    return rows[0]?.correlation_id;
  };
  return (runId) => {
    const before = known.get(runId);
    if (before !== undefined) return before;
    const [oldest] = known.keys();
    if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    const found = look(runId);
    known.set(runId, found);
    // What failed is asked again.
    found.catch(() => known.delete(runId));
    return found;
  };
}
