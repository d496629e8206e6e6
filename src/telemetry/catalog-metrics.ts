import { Gauge, type Registry } from 'prom-client';
import type { Backlog } from '../catalog/backlog.js';

/** Several gauges are collected at once, and several servers may scrape: they share one look at the database. */
const FRESH_MS = 2_000;

/** The pool of connections to Postgres, as `pg` counts. */
export interface PoolCounts {
  totalCount: number;
  idleCount: number;
  waitingCount: number;
}

/** Shows the pool of connections. */
export function poolMetrics(registry: Registry, pool: PoolCounts): void {
  new Gauge({
    name: 'xyn_postgres_connections',
    help: 'Connections of this process to Postgres, by state (used, idle).',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      this.set({ state: 'used' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'idle' }, pool.idleCount);
    },
  });
  new Gauge({
    name: 'xyn_postgres_waiting',
    help: 'Statements of this process that wait for a connection to Postgres.',
    registers: [registry],
    collect() {
      this.set(pool.waitingCount);
    },
  });
}

/** The newest look, at most 2 s old; undefined when Postgres does not answer. */
function sharedLook(read: () => Promise<Backlog>): () => Promise<Backlog | undefined> {
  let look: Promise<Backlog | undefined> | undefined;
  let at = -Infinity;
  return () => {
    if (look === undefined || performance.now() - at > FRESH_MS) {
      at = performance.now();
      look = read().catch(() => undefined);
    }
    return look;
  };
}

type Value = readonly [value: number, labels?: Record<string, string>];

const GAUGES: readonly (readonly [name: string, help: string, labels: string[], (backlog: Backlog) => Value[]])[] = [
  ['xyn_outbox_events', 'Events that the dispatcher has not dealt with.', [], ({ outbox }) => [[outbox.events]]],
  [
    'xyn_outbox_oldest_age_seconds',
    'Age of the oldest event that the dispatcher has not dealt with; 0 when there is none.',
    [],
    ({ outbox }) => [[outbox.oldestAgeSeconds]],
  ],
  [
    'xyn_runs_open',
    'Runs that have not ended, by status (created, running).',
    ['status'],
    ({ runs }) => [
      [runs.created, { status: 'created' }],
      [runs.running, { status: 'running' }],
    ],
  ],
  [
    'xyn_runs_needing_repair',
    'Runs whose records the reconciler has yet to repair.',
    [],
    ({ runs }) => [[runs.needingRepair]],
  ],
  [
    'xyn_gates_open',
    'Gates that wait for people, by purpose (approval, recovery).',
    ['purpose'],
    ({ gates }) => [
      [gates.approval, { purpose: 'approval' }],
      [gates.recovery, { purpose: 'recovery' }],
    ],
  ],
  [
    'xyn_gates_oldest_age_seconds',
    'Age of the oldest gate that waits for people; 0 when there is none.',
    [],
    ({ gates }) => [[gates.oldestAgeSeconds]],
  ],
  [
    'xyn_decisions_unanswered',
    'Decisions that their run has not answered.',
    [],
    ({ decisions }) => [[decisions.unanswered]],
  ],
  [
    'xyn_decisions_oldest_age_seconds',
    'Age of the oldest decision that its run has not answered; 0 when there is none.',
    [],
    ({ decisions }) => [[decisions.oldestAgeSeconds]],
  ],
  [
    'xyn_audit_unlinked_entries',
    'Audit entries that are not in the chain of hashes yet.',
    [],
    ({ audit }) => [[audit.unlinked]],
  ],
  [
    'xyn_audit_unlinked_age_seconds',
    'Age of the oldest audit entry that is not in the chain of hashes yet; 0 when there is none.',
    [],
    ({ audit }) => [[audit.oldestAgeSeconds]],
  ],
];

/** Shows what waits in the catalog. Every API process shows the same: take `max`, not `sum`. */
export function catalogMetrics(registry: Registry, read: () => Promise<Backlog>): void {
  const look = sharedLook(read);
  new Gauge({
    name: 'xyn_postgres_up',
    help: '1 when Postgres answered at this look; 0 when not, and gauges about the catalog are left out.',
    registers: [registry],
    async collect() {
      this.set((await look()) === undefined ? 0 : 1);
    },
  });
  for (const [name, help, labelNames, valuesOf] of GAUGES) {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        const backlog = await look();
        // An old value would look like a healthy one.
        this.reset();
        if (backlog === undefined) {
          if (labelNames.length === 0) this.remove();
          return;
        }
        for (const [value, labels = {}] of valuesOf(backlog)) this.set(labels, value);
      },
    });
  }
}
