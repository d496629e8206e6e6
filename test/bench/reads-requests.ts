import { createHash } from 'node:crypto';

/** A read that is measured: a list from its beginning, and the same far from it. */
export interface Read {
  name: string;
  /** The path with its query. */
  path: string;
  /** Set for lists: their name and filter as cursors are signed for them. */
  listing: { name: string; filter: Record<string, string> } | null;
}

/** The id that `test/support/big-catalog.ts` gives to a thing. */
export function bigCatalogId(kind: string, key: number | string): string {
  const hex = createHash('md5').update(`${kind}${key}`).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const DAY = 86_400_000;

function query(parameters: Record<string, string>): string {
  const text = new URLSearchParams(parameters).toString();
  return text === '' ? '' : `?${text}`;
}

/** Each list with each of its filters, by values that many rows have and by values that only the oldest ones have. */
function listReads(runs: number, now: number): Read[] {
  const middle = Math.floor(runs / 2);
  const run = bigCatalogId('run', middle);
  const ago = (days: number): string => new Date(now - days * DAY).toISOString();
  const lists: Record<string, Record<string, string>[]> = {
    '/runs': [
      {},
      { status: 'completed' },
      { status: 'failed' },
      { status: 'running' },
      { blueprint_id: 'bench.b0' },
      { blueprint_id: 'bench.rare' },
      { trigger: 'bench.alert' },
      { trigger: 'rare.event' },
      { actor: 'person-1' },
      { actor: 'rare' },
      { correlation_id: `correlation-${middle}` },
      { event_id: bigCatalogId('event', middle) },
      { created_from: ago(15), created_to: ago(14) },
      { created_to: ago(27) },
      { run_id_prefix: run.slice(0, 8) },
      { status: 'failed', blueprint_id: 'bench.b7' },
      { status: 'cancelled', actor: 'person-1' },
      { blueprint_id: 'bench.b0', actor: 'rare' },
      { trigger: 'manual', created_to: ago(27) },
    ],
    '/events': [
      {},
      { event_name: 'bench.alert' },
      { event_name: 'rare.event' },
      { event_name: 'xyn.run.*' },
      { event_name: 'rare.**' },
      { run_id: run },
      { correlation_id: `correlation-${middle}` },
      { actor: 'person-1' },
      { actor: 'rare' },
      { from: ago(1) },
      { from: ago(15), to: ago(14) },
      { to: ago(27) },
      { event_name: 'bench.alert', to: ago(27) },
      { actor: 'rare', event_name: 'bench.alert' },
    ],
    '/gates': [{}, { status: 'open' }, { status: 'approved' }, { status: 'expired' }, { run_id: run }],
    '/artifacts': [{}, { kind: 'log' }, { kind: 'rare' }, { run_id: run }],
    '/audit': [
      {},
      { run_id: run },
      { actor: 'person-1' },
      { actor: 'rare' },
      { action: 'step.execute' },
      { action: 'rare.action' },
      { resource_type: 'step' },
      { resource_type: 'run', resource_id: run },
      { actor: 'rare', action: 'step.execute' },
    ],
    [`/runs/${run}/steps`]: [{}],
    [`/runs/${bigCatalogId('run', 'long')}/steps`]: [{}],
    [`/runs/${run}/footprints`]: [{}],
    '/blueprints': [{}],
    '/blueprints/bench.b0/versions': [{}],
  };
  const shown = (path: string): string =>
    path.replace(run, '{run}').replace(bigCatalogId('run', 'long'), '{run of 10 000 steps}');
  return Object.entries(lists).flatMap(([path, filters]) =>
    filters.map((filter) => ({
      name: [shown(path), ...Object.entries(filter).map(([name, value]) => label(name, value))].join(' '),
      path: `/api/v1${path}${query(filter)}`,
      listing: filter['run_id_prefix'] === undefined ? listingOf(path, filter) : null,
    })),
  );
}

/** The names under which `src/http/routes` signs cursors. */
function listingOf(path: string, filter: Record<string, string>): NonNullable<Read['listing']> {
  const [, list = '', id = '', part] = path.split('/');
  return { name: part === undefined ? list : `${part}/${id}`, filter };
}

/** Ids and times say nothing in a table. */
function label(name: string, value: string): string {
  return /^(?:correlation-|[0-9a-f]{8})/.test(value) || value.includes('T') ? name : `${name}=${value}`;
}

function singleReads(runs: number): Read[] {
  const middle = Math.floor(runs / 2 / 10) * 10;
  const one = bigCatalogId('run', middle);
  const open = bigCatalogId('run', runs - 10);
  return Object.entries({
    '/runs/{run}': `/api/v1/runs/${one}`,
    '/runs/{open run}': `/api/v1/runs/${open}`,
    '/runs/{run}/steps/{step}': `/api/v1/runs/${one}/steps/${bigCatalogId('step', `${middle}/1`)}`,
    '/events/{event}': `/api/v1/events/${bigCatalogId('event', middle)}`,
    '/gates/{gate}': `/api/v1/gates/${bigCatalogId('gate', middle)}`,
    '/artifacts/{artifact}': `/api/v1/artifacts/${bigCatalogId('artifact', middle)}`,
    '/blueprints/{blueprint}': '/api/v1/blueprints/bench.b0',
  }).map(([name, path]) => ({ name, path, listing: null }));
}

/** Every read that is measured. `now` is the time at which the catalog was filled. */
export function readsOf(runs: number, now: number): Read[] {
  return [...listReads(runs, now), ...singleReads(runs)];
}
