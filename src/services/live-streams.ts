import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { RunDetailDto } from '../domain/dtos.js';
import type { Json } from '../domain/json.js';
import { openEventStream, type EventMessage, type OpenStream } from './live-events.js';
import type { LiveFeed } from './live-feed.js';
import { SharedProbe } from './live-probe.js';
import type { LiveFilter, LiveReader } from './live-reader.js';
import { openRunStream, type RunMessage } from './live-run.js';
import { LiveTopics, type Probe } from './live-topics.js';

export interface LiveStreamsDeps {
  reader: LiveReader;
  catalog: Pick<CatalogAccess, 'live' | 'gates' | 'artifacts' | 'tails'>;
  /** A run with the reasons why it does not move. @throws XynFault `run_not_found` */
  explain: (runId: string) => Promise<RunDetailDto>;
  /** Whether the parts of the installation work. */
  health: () => Promise<object>;
}

/** Why a run does not move is looked at that often while somebody follows it. */
const RUN_PAUSE_MS = 2_000;
/** What its steps print. */
const PRINTED_PAUSE_MS = 1_000;
const HEALTH_PAUSE_MS = 5_000;

/** Everything that can be followed: the event log, one run, and the topics of pages. */
export class LiveStreams {
  /** For pages. */
  readonly feed: LiveFeed;
  readonly #deps: LiveStreamsDeps;
  readonly #probes = new Map<string, SharedProbe<RunDetailDto>>();

  constructor(deps: LiveStreamsDeps) {
    this.#deps = deps;
    const health = new SharedProbe({
      look: deps.health,
      facts: (report) => report as Json,
      pauseMs: HEALTH_PAUSE_MS,
    });
    this.feed = new LiveTopics({ reader: deps.reader, health, run: (runId) => this.#pageProbe(runId) });
  }

  /**
   * Every event that fits, once, in the order of commits, after a place or from now on.
   * @throws XynFault `streams_exhausted`, `not_running`
   */
  events(query: LiveFilter & { after?: string }): OpenStream<EventMessage> {
    return openEventStream(this.#deps.reader, query);
  }

  /**
   * A run as it is, and how it goes on until its end.
   * @throws XynFault `run_not_found`, `streams_exhausted`, `not_running`, `db_unavailable`
   */
  run(runId: string, after?: string): Promise<OpenStream<RunMessage>> {
    const { reader, catalog, explain } = this.#deps;
    return openRunStream({ reader, catalog, explain, probe: (id) => this.#probe(id) }, runId, after);
  }

  /** Runs that are looked at for changes that have no event. */
  get probes(): number {
    return this.#probes.size;
  }

  /** Pages show what steps print, too. */
  #pageProbe(runId: string): Probe {
    const reasons = this.#probe(runId);
    const printed = new SharedProbe({
      look: () => this.#deps.catalog.tails.progress(runId),
      facts: ({ printed: at }) => at,
      pauseMs: PRINTED_PAUSE_MS,
      isFinal: ({ is_over: isOver }) => isOver,
    });
    return {
      watch(onChange) {
        const ends = [reasons.watch(onChange), printed.watch(onChange)];
        return () => ends.forEach((end) => end());
      },
    };
  }

  /** One probe per run, however many follow it. */
  #probe(runId: string): Probe {
    const known = this.#probes.get(runId);
    if (known !== undefined) return known;
    const probe = new SharedProbe({
      look: () => this.#deps.explain(runId),
      facts: factsOf,
      pauseMs: RUN_PAUSE_MS,
      isFinal: ({ status }) => status !== 'created' && status !== 'running',
      onIdle: () => this.#probes.delete(runId),
    });
    this.#probes.set(runId, probe);
    return probe;
  }
}

/** What of a run counts as a change: not that a worker gave another sign of life. */
function factsOf({ status, phase, cancel_requested_at: cancelled, waiting_on: waits }: RunDetailDto): Json {
  const reasons = waits.map((wait) => ({ ...wait, last_heartbeat_at: null }));
  return { status, phase, cancelled, reasons };
}
