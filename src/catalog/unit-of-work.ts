import { XynFault } from '../domain/fault.js';
import { AnswerStore } from './answer-store.js';
import { ArtifactRecords } from './artifact-records.js';
import { appendAudit, type AuditEntry } from './audit.js';
import { BlueprintStore } from './blueprint-store.js';
import { ChunkStore } from './chunk-store.js';
import type { Catalog } from './connect.js';
import type { Database } from './database.js';
import { DraftStore } from './draft-store.js';
import { EventStore } from './event-store.js';
import { catalogFault, classifyCatalogError } from './faults.js';
import { FootprintStore } from './footprint-store.js';
import { GateStore } from './gate-store.js';
import { HoldStore } from './hold-store.js';
import { PlaceStore } from './place-store.js';
import { LiveStore } from './live-store.js';
import { RepairStore } from './repair-store.js';
import { RerunStore } from './rerun-store.js';
import { RunLogQueue } from './run-log-rows.js';
import { RunStore } from './run-store.js';
import { ScheduleStore } from './schedule-store.js';
import { StartStore } from './start-store.js';
import { StuckRuns } from './stuck-runs.js';
import { TailStore } from './tail-store.js';
import { Turnstile } from './turnstile.js';

/** Everything that can be read and written; one instance works either by itself or inside one transaction. */
export interface Stores {
  events: EventStore;
  runs: RunStore;
  starts: StartStore;
  gates: GateStore;
  blueprints: BlueprintStore;
  drafts: DraftStore;
  repairs: RepairStore;
  reruns: RerunStore;
  artifacts: ArtifactRecords;
  runLogs: RunLogQueue;
  footprints: FootprintStore;
  answers: AnswerStore;
  holds: HoldStore;
  places: PlaceStore;
  live: LiveStore;
  stuck: StuckRuns;
  tails: TailStore;
  chunks: ChunkStore;
  schedules: ScheduleStore;
}

/** The stores inside a transaction. */
export interface UnitOfWork extends Stores {
  /**
   * Adds entries to the audit trail; a known key changes nothing.
   * @throws XynFault `audit_unavailable`: the transaction then ends without any change.
   */
  audit(entries: readonly AuditEntry[]): Promise<void>;
}

/** Access to the catalog for services. Every method throws `db_unavailable` when Postgres does not answer. */
export interface CatalogAccess extends Stores {
  /** Runs `work` in one transaction: all of it is committed, or nothing. Bounded to 5 s, after a wait of at most 15 s. */
  transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  /** The same, for what must not wait behind a rush of requests: it takes a connection that they leave free. */
  urgentTransaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T>;
  /** Resolves when Postgres answers. */
  ping(): Promise<void>;
}

/** How long a transaction may wait for a connection, which may have to be opened first, and how long it may last. */
const BOUNDS = { maxWait: 6_000, timeout: 5_000 };

/** Connections that a rush of writes leaves to reads and to the dispatcher. */
const FREE_CONNECTIONS = 3;
/** How long a write may wait for its turn in a rush. */
const QUEUE_MS = 15_000;

/** The stores over a catalog's connections. */
export function catalogAccess(catalog: Catalog): CatalogAccess {
  const turnstile = new Turnstile(catalog.pool.options.max - FREE_CONNECTIONS, QUEUE_MS);
  const run = async <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => {
    try {
      return await catalog.prisma.$transaction((tx) => work(unitOver(tx)), BOUNDS);
    } catch (error) {
      throw catalogFault(error);
    }
  };
  return {
    ...storesOver(catalog.prisma),
    async ping() {
      try {
        await catalog.pool.query('SELECT 1');
      } catch (error) {
        throw catalogFault(error);
      }
    },
    transaction: (work) => turnstile.pass(() => run(work)),
    urgentTransaction: run,
  };
}

function unitOver(db: Database): UnitOfWork {
  return {
    ...storesOver(db),
    async audit(entries) {
      if (entries.length === 0) return;
      try {
        await appendAudit(db, [...entries]);
      } catch (error) {
        if (classifyCatalogError(error) === 'unavailable') throw catalogFault(error);
        throw new XynFault(
          'audit_unavailable',
          'The audit trail cannot be written, so nothing was changed. Try again.',
          {
            cause: error,
          },
        );
      }
    },
  };
}

function storesOver(db: Database): Stores {
  return {
    events: typed(new EventStore(db)),
    runs: typed(new RunStore(db)),
    starts: typed(new StartStore(db)),
    gates: typed(new GateStore(db)),
    blueprints: typed(new BlueprintStore(db)),
    drafts: typed(new DraftStore(db)),
    repairs: typed(new RepairStore(db)),
    reruns: typed(new RerunStore(db)),
    artifacts: typed(new ArtifactRecords(db)),
    runLogs: typed(new RunLogQueue(db)),
    footprints: typed(new FootprintStore(db)),
    answers: typed(new AnswerStore(db)),
    holds: typed(new HoldStore(db)),
    places: typed(new PlaceStore(db)),
    live: typed(new LiveStore(db)),
    stuck: typed(new StuckRuns(db)),
    chunks: typed(new ChunkStore(db)),
    tails: typed(new TailStore(db)),
    schedules: typed(new ScheduleStore(db)),
  };
}

/** The same store, whose methods reject with typed faults. */
function typed<T extends object>(store: T): T {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (member as (...given: unknown[]) => Promise<unknown>).apply(target, args);
        } catch (error) {
          throw catalogFault(error);
        }
      };
    },
  });
}
