import type { Response } from 'express';
import type { LiveFeed, LiveTopic } from '../../services/live-feed.js';
import { changedMarkup, fragmentState, stateName, type Fragment, type FragmentState } from '../../ui/parts/fragment.js';
import { PAGE_HEADERS } from './send.js';

/** Patches come at most four times a second, and drawing them takes at most a fifth of the time. */
const PATCH_EVERY_MS = 250;
const REST_PER_WORK = 4;
/** A page that hears nothing for twice this long says that it is stale. */
const TICK_MS = 15_000;
/** Counts that all pages share may be two seconds old: after the last change, and after it opened, a page is drawn once more. */
const SETTLE_MS = 2_500;
/** A browser that does not read is let go; it comes back by itself and gets what it missed. */
const MAX_UNREAD_BYTES = 1_000_000;

export interface LiveStreamOptions {
  feed: LiveFeed;
  topics: readonly LiveTopic[];
  /** Where the page stands: the feed's position and the state of its fragments; empty: unknown. */
  after: { position: string; state: string };
  /** What the page shows, where that is known: then nothing is drawn before something changes. */
  shown?: FragmentState;
  /** Else the fragments as they were drawn after the page, for what the stream begins with. */
  first?: readonly Fragment[];
  /** Draws the fragments as they are now. */
  draw: () => Promise<readonly Fragment[]>;
}

/** Parts the position that a page or an event carries. */
export function parsePosition(text: string): LiveStreamOptions['after'] {
  const [state = '', ...position] = text.split('~');
  return { state, position: position.join('~') };
}

/** Where a page stands, as one text. */
export function positionText(position: string, state: string): string {
  return `${state}~${position}`;
}

/** One page's stream: draws the page's fragments again when something changed, and sends those that differ. */
class LiveStream {
  readonly #response: Response;
  readonly #options: LiveStreamOptions;
  #shown: FragmentState | undefined;
  /** What need not be drawn again, since nothing changed since. */
  #drawn: readonly Fragment[] | undefined;
  #position: string;
  #isDirty = false;
  #isDrawing = false;
  #nextAt = 0;
  #failedAt: string | undefined;
  /** Since when changes are not told, and whether the page has still to hear that they are again. */
  #brokenSince: string | undefined;
  #isBack = false;
  #timer: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  /**
   * The next drawing is the one after the last change. The first is not, since the page may be made with counts from before
   * it; but where it comes after they have settled.
   */
  #isLast: boolean;

  constructor(response: Response, options: LiveStreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#position = options.after.position || options.feed.position();
    this.#shown = options.shown;
    this.#isLast = options.shown !== undefined;
    // Where the page stands is not known, a change may have come between `first` and this.
    this.#drawn = options.after.position === '' ? undefined : options.first;
  }

  start(): void {
    const { feed, topics } = this.#options;
    this.#response.status(200).set({ ...PAGE_HEADERS, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
    const leave = feed.subscribe({ topics, after: this.#position }, (message) => {
      if (message.kind === 'end') this.#end();
      else if (message.kind === 'source') this.#onSource(message.ok, message.since);
      else {
        this.#position = message.position;
        this.#drawn = undefined;
        this.#isLast = false;
        this.#wake();
      }
    });
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#response.on('close', () => {
      leave();
      clearInterval(ticking);
      clearTimeout(this.#timer);
      clearTimeout(this.#settling);
      this.#timer = undefined;
      this.#isDirty = false;
    });
    this.#response.flushHeaders();
    this.#tick();
    // A page that was sent just now is drawn once more in any case, but not while the browser paints it.
    if (this.#shown !== undefined) this.#settle();
    else this.#wake();
  }

  #settle(): void {
    this.#settling = setTimeout(() => this.#wake(), SETTLE_MS);
  }

  #onSource(ok: boolean, since: string): void {
    this.#isBack = ok && this.#brokenSince !== undefined;
    this.#brokenSince = ok ? undefined : since;
    if (ok) this.#wake();
    else this.#tick();
  }

  #end(): void {
    this.#send('end', '');
    this.#response.end();
  }

  /** Whether the page is live, and the server's time or since when it is not. */
  #tick(): void {
    const since = this.#failedAt ?? this.#brokenSince;
    if (since === undefined) this.#send('tick', String(Date.now()));
    else this.#send('stale', since);
  }

  #wake(): void {
    this.#isDirty = true;
    clearTimeout(this.#settling);
    if (this.#isDrawing || this.#timer !== undefined || this.#response.destroyed) return;
    this.#timer = setTimeout(() => void this.#flush(), Math.max(0, this.#nextAt - performance.now()));
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    this.#isDirty = false;
    this.#isDrawing = true;
    const isLast = this.#isLast;
    this.#isLast = true;
    const began = performance.now();
    try {
      await this.#patch();
      this.#failedAt = undefined;
    } catch {
      // The page cannot be read just now: it says so, and this is tried again until it can or the page goes away.
      this.#failedAt ??= new Date().toISOString();
      this.#tick();
      this.#isDirty = true;
    }
    this.#isDrawing = false;
    const worked = performance.now() - began;
    const rest = this.#failedAt === undefined ? Math.max(PATCH_EVERY_MS, REST_PER_WORK * worked) : 2_000;
    this.#nextAt = performance.now() + rest;
    if (this.#isDirty) this.#wake();
    else if (!isLast && !this.#response.destroyed) this.#settle();
  }

  async #patch(): Promise<void> {
    const position = this.#position;
    const fragments = this.#drawn ?? (await this.#options.draw());
    this.#drawn = undefined;
    const state = fragmentState(fragments);
    const name = stateName(state);
    const isKnown = this.#shown === undefined && name === this.#options.after.state;
    const changed = isKnown ? [] : changedMarkup(this.#shown ?? new Map(), fragments, state);
    this.#shown = state;
    if (changed.length > 0 || this.#failedAt !== undefined || this.#isBack) {
      this.#isBack = false;
      this.#send('patch', JSON.stringify(changed), positionText(position, name));
      // What is told by other ways than the event log makes the page no younger.
      if (this.#brokenSince !== undefined) this.#send('stale', this.#brokenSince);
    }
  }

  #send(event: string, data: string, id?: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`);
    const head = id === undefined ? [] : [`id: ${id}`];
    this.#response.write(`${[...head, `event: ${event}`, ...lines].join('\n')}\n\n`);
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy();
  }
}

/**
 * Answers with a page's event stream until one side ends it.
 * @throws XynFault `streams_exhausted`
 */
export function startLiveStream(response: Response, options: LiveStreamOptions): void {
  new LiveStream(response, options).start();
}
