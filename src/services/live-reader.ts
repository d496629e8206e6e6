import type { LivePage, LivePosition, LiveRange, LiveStore, PlacedEvent } from '../catalog/live-store.js';
import { matchesPattern } from '../domain/event-name.js';
import { XynFault } from '../domain/fault.js';
import { isAfter, parsePosition, positionText } from './live-position.js';
import type { Log } from './log.js';
import { startWakeLoop, type WakeLoop } from './wake-loop.js';

export interface LiveReaderDeps {
  store: Pick<LiveStore, 'adoptForeign' | 'horizon' | 'isKnown' | 'read'>;
  log: Log;
  clock: () => number;
  /** Followers at once, at most. */
  maxFollowers: number;
  /** Connects to what tells of new events; gives the way to end it. */
  listen: (onNotice: () => void) => { close(): Promise<void> };
}

/** Which events somebody wants; all that are set must fit. */
export interface LiveFilter extends LiveRange {
  /** A name, or a pattern as triggers have it. */
  event_name?: string;
  actor?: string;
}

/** Somebody who follows the event log. */
export interface Follower {
  filter: LiveFilter;
  /** A word of `position()` or of an event; absent: from now on. */
  after?: string;
  /** More events than this to catch up with are a gap; absent: all are read, however many. */
  maxCatchUp?: number;
  /**
   * New events that fit the filter, oldest first, each once. While the promise is pending no further call is made: what
   * comes meanwhile stays in the catalog and is read from there, so that a slow follower costs no memory. A rejection
   * ends the following.
   */
  onEvents(events: readonly PlacedEvent[], position: string): Promise<void> | undefined;
  /** What was between `after` and `position` is not told: too much, or `after` is no place that this server gave. */
  onGap(position: string): void;
  /** Whether the catalog can be read, when that changes; since when (ISO 8601). */
  onSource?(ok: boolean, since: string): void;
  /** The reader stopped, or `onEvents` rejected: nothing follows. */
  onEnd(): void;
}

/** A following that began. */
export interface Followed {
  /** How far the follower was told everything. */
  place: () => LivePosition;
  /** Ends it. Idempotent. */
  leave: () => void;
}

interface Following {
  follower: Follower;
  position: LivePosition;
  /** Reads from the catalog at its own pace, until it has what all others have. */
  isCatchingUp: boolean;
  ended: boolean;
}

const PAGE = 200;
/** Safety net for notices that were lost, and for the moment at which an older transaction ends. */
const POLL_MS = 1_000;
/** A notice right after a page waits that long, so that a stream of small commits makes few pages. */
const GATHER_MS = 10;
/** Events that an older transaction holds back are looked for again after this, doubled each time. */
const HELD_MS = 10;
const LONGEST_HELD_MS = 250;
/** Held back for longer than this is told as a source that cannot be followed. */
const HELD_PATIENCE_MS = 10_000;

/** Reads the event log once for all followers of this process, in an order in which no event is missed. */
export class LiveReader {
  readonly #deps: LiveReaderDeps;
  readonly #followings = new Set<Following>();
  #position: LivePosition = { txid: 0n, seq: 0n };
  #loop: WakeLoop | undefined;
  #listener: { close(): Promise<void> } | undefined;
  #gathering: NodeJS.Timeout | undefined;
  #lastPageAt = 0;
  #heldMs = HELD_MS;
  #heldSince: number | undefined;
  #brokenSince: number | undefined;
  #stopped = false;

  constructor(deps: LiveReaderDeps) {
    this.#deps = deps;
  }

  /**
   * Finds the end of the log and goes on from there.
   * @throws XynFault `db_unavailable`
   */
  async start(): Promise<void> {
    const { store, log, listen } = this.#deps;
    const adopted = await store.adoptForeign();
    if (adopted > 0) log.info({ events: adopted }, 'events of a restored database were put before all others');
    this.#position = (await store.horizon()).position;
    this.#loop = startWakeLoop({
      work: () => this.#work(),
      onError: (error) => this.#onError(error),
      errorPauseMs: POLL_MS,
    });
    this.#listener = listen(() => this.#onNotice());
  }

  /** Ends every following at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#gathering);
    for (const following of this.#followings) this.#end(following);
    await this.#listener?.close();
    await this.#loop?.stop();
  }

  /** The newest place before which nothing is missing. */
  position(): string {
    return positionText(this.#position);
  }

  /** Reads on at once, also when nothing told of something new. */
  refresh(): void {
    this.#loop?.wake();
  }

  /** How many follow now. */
  get followers(): number {
    return this.#followings.size;
  }

  /**
   * Begins to follow; nothing is told before this returns.
   * @throws XynFault `streams_exhausted`, `not_running` after `stop`.
   */
  follow(follower: Follower): Followed {
    if (this.#stopped) throw new XynFault('not_running', 'This process is stopping; connect again.');
    if (this.#followings.size >= this.#deps.maxFollowers) {
      throw new XynFault('streams_exhausted', 'As many streams are open as XYN_MAX_STREAMS allows. Close one.');
    }
    const after = follower.after === undefined ? this.#position : parsePosition(follower.after);
    const following: Following = {
      follower,
      position: after ?? this.#position,
      isCatchingUp: true,
      ended: false,
    };
    this.#followings.add(following);
    void this.#begin(following, after !== undefined);
    return {
      place: () => following.position,
      leave: () => {
        following.ended = true;
        this.#followings.delete(following);
      },
    };
  }

  #onNotice(): void {
    if (this.#followings.size === 0) return;
    const sinceMs = performance.now() - this.#lastPageAt;
    if (sinceMs >= GATHER_MS) return this.#loop?.wake();
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined;
      this.#loop?.wake();
    }, GATHER_MS - sinceMs);
  }

  async #work(): Promise<number> {
    const { store } = this.#deps;
    this.#lastPageAt = performance.now();
    if (this.#followings.size === 0) {
      const { position } = await store.horizon();
      // Who began to follow meanwhile has not been told what lies before that place.
      if (this.followers > 0) return 0;
      this.#position = position;
      return POLL_MS;
    }
    const page = await store.read({ after: this.#position, limit: PAGE });
    this.#tell(page);
    return page.hasMore ? 0 : this.#pauseOf(page);
  }

  #pauseOf({ isHeldBack }: LivePage): number {
    const now = this.#deps.clock();
    this.#heldSince = isHeldBack ? (this.#heldSince ?? now) : undefined;
    this.#heldMs = isHeldBack ? Math.min(this.#heldMs * 2, LONGEST_HELD_MS) : HELD_MS;
    const isStuck = this.#heldSince !== undefined && now - this.#heldSince > HELD_PATIENCE_MS;
    this.#toldSource(isStuck ? this.#heldSince : undefined);
    return isHeldBack ? this.#heldMs : POLL_MS;
  }

  #onError(error: unknown): void {
    this.#deps.log.warn({ err: error }, 'the event log could not be read for live streams; it is tried again');
    this.#toldSource(this.#brokenSince ?? this.#deps.clock());
  }

  /** Tells all when the source begins or ceases to be readable. */
  #toldSource(brokenSince: number | undefined): void {
    if ((brokenSince === undefined) === (this.#brokenSince === undefined)) return;
    this.#brokenSince = brokenSince;
    const since = new Date(brokenSince ?? this.#deps.clock()).toISOString();
    for (const { follower } of this.#followings) follower.onSource?.(brokenSince === undefined, since);
  }

  /** Gives a page to all who have what came before it. */
  #tell(page: LivePage): void {
    this.#position = page.position;
    for (const following of this.#followings) {
      if (following.isCatchingUp) continue;
      const events = page.events.filter(
        ({ event, position }) =>
          isAfter(position, following.position) && matchesFilter(event, following.follower.filter),
      );
      if (isAfter(page.position, following.position)) following.position = page.position;
      const pending = events.length === 0 ? undefined : this.#give(following, events);
      if (pending !== undefined) void this.#catchUpAfter(following, pending);
    }
  }

  #give({ follower, position }: Following, events: readonly PlacedEvent[]): Promise<void> | undefined {
    return follower.onEvents(events, positionText(position));
  }

  async #begin(following: Following, isPosition: boolean): Promise<void> {
    // The caller of `follow` has to have its answer first.
    await Promise.resolve();
    const { follower, position } = following;
    const isAhead = isAfter(position, this.#position);
    const isKnown = isPosition && (!isAhead || (await this.#isKnown(position)));
    if (!isKnown) {
      following.position = this.#position;
      if (!following.ended) follower.onGap(this.position());
    }
    if (this.#brokenSince !== undefined) follower.onSource?.(false, new Date(this.#brokenSince).toISOString());
    this.#loop?.wake();
    await this.#catchUp(following, follower.maxCatchUp);
  }

  async #isKnown(position: LivePosition): Promise<boolean> {
    // Another process may have read further than this one; only the server can tell. Unknown is the safe answer.
    return this.#deps.store.isKnown(position).catch(() => false);
  }

  async #catchUpAfter(following: Following, pending: Promise<void>): Promise<void> {
    following.isCatchingUp = true;
    try {
      await pending;
    } catch {
      this.#end(following);
      return;
    }
    await this.#catchUp(following);
  }

  /** Reads what the follower lacks, until it has what the others have; then it is told with them. */
  async #catchUp(following: Following, most = Infinity): Promise<void> {
    const { follower } = following;
    let told = 0;
    try {
      while (!following.ended && isAfter(this.#position, following.position)) {
        const page = await this.#readFor(following);
        if (page === undefined || hasEnded(following)) continue;
        const events = page.events.filter(({ event }) => matchesFilter(event, follower.filter));
        told += events.length;
        if (told > most) {
          following.position = this.#position;
          follower.onGap(this.position());
          break;
        }
        following.position = page.position;
        if (events.length > 0) await this.#give(following, events);
      }
    } catch {
      this.#end(following);
    }
    following.isCatchingUp = false;
  }

  /** A page for one follower; undefined, after a pause, while the catalog cannot be read. */
  async #readFor({ follower, position }: Following): Promise<LivePage | undefined> {
    try {
      const query = { after: position, upTo: this.#position, range: follower.filter, limit: PAGE };
      return await this.#deps.store.read(query);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS).unref());
      return undefined;
    }
  }

  #end(following: Following): void {
    if (following.ended) return;
    following.ended = true;
    this.#followings.delete(following);
    following.follower.onEnd();
  }
}

/** Read anew after a pause: others end it meanwhile. */
function hasEnded({ ended }: Following): boolean {
  return ended;
}

function matchesFilter(event: PlacedEvent['event'], filter: LiveFilter): boolean {
  const { event_name: name, run_id: runId, correlation_id: correlation, actor } = filter;
  return (
    (runId === undefined || event.run_id === runId) &&
    (correlation === undefined || event.correlation_id === correlation) &&
    (actor === undefined || event.actor === actor) &&
    (name === undefined || matchesPattern(name, event.event_name))
  );
}
