import type { KnownValueField } from '../domain/known-values.js';
import type { Catalog } from './connect.js';
import { poolRows } from './pool-rows.js';

const COLUMNS: Readonly<Record<KnownValueField, readonly [table: string, column: string]>> = {
  'run.blueprint': ['runs', 'blueprint_id'],
  'run.actor': ['runs', 'actor'],
  'run.trigger': ['runs', 'trigger'],
  'event.name': ['events', 'event_name'],
  'event.actor': ['events', 'actor'],
  'audit.actor': ['audit_log', 'actor'],
  'audit.action': ['audit_log', 'action'],
  'audit.type': ['audit_log', 'resource_type'],
  'artifact.kind': ['artifacts', 'kind'],
};
/** Distinct values looked at, each one probe of an index: some milliseconds where there are that many. */
const MOST_PROBES = 300;

/** The different values of a column, found by going from each to the next in its index: a million rows are not read. */
export class KnownValueStore {
  readonly #catalog: Pick<Catalog, 'pool'>;

  constructor(catalog: Pick<Catalog, 'pool'>) {
    this.#catalog = catalog;
  }

  /**
   * Values that begin so, in the order of the index, among the first 300 of the field.
   * @throws XynFault `db_unavailable`
   */
  async beginningWith(field: KnownValueField, prefix: string, limit: number): Promise<string[]> {
    const [table, column] = COLUMNS[field];
    const text = `
      WITH RECURSIVE known AS (
        (SELECT ${column} AS value, 1 AS nth FROM ${table} ORDER BY ${column} LIMIT 1)
        UNION ALL
        SELECT (SELECT ${column} FROM ${table} WHERE ${column} > k.value ORDER BY ${column} LIMIT 1), k.nth + 1
        FROM known k WHERE k.value IS NOT NULL AND k.nth < ${MOST_PROBES})
      SELECT value FROM known WHERE starts_with(value, $1) LIMIT $2`;
    const rows = await poolRows<{ value: string }>(this.#catalog, { text, values: [prefix, limit] }, `known-${field}`);
    return rows.map(({ value }) => value);
  }
}
