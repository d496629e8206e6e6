import { applyFragments } from './morph.js';
import { closest, ownTime, setServerTime, setText } from './page.js';

/** A hidden tab gives its connection back: a browser allows six to one host. */
const HIDDEN_MS = 30_000;
/** The server says something at least every 15 s. */
const SILENCE_MS = 32_000;
/** Then what is shown is said to be old, and fetched instead. */
const STALE_MS = 10_000;
const POLL_MS = 5_000;
const RETRY_MS = 3_000;

class LiveStream {
  #url: string;
  #position: string;
  #source: EventSource | undefined;
  #heardAt = Date.now();
  /** 0 while the stream tells what changes. */
  #lostAt = 0;
  /** While nothing comes by the stream: of when what is shown is. Later than when the stream broke, it was fetched. */
  #asOf = 0;
  #polledAt = 0;
  #retryAt = 0;
  #hiddenTimer: number | undefined;

  constructor(url: string, position: string) {
    this.#url = url;
    this.#position = position;
  }

  start(): void {
    this.#open();
    setInterval(() => this.#watch(), 1_000);
    document.addEventListener('visibilitychange', () => this.#onVisibility());
    document.addEventListener('click', (event) => {
      if (closest(event, '[data-try-now]')) this.#open();
    });
    // A filter changed the address: what is shown from now on is another list.
    document.body.addEventListener('htmx:pushedIntoHistory', () => {
      const here = encodeURIComponent(location.pathname + location.search);
      this.#url = this.#url.replace(/&of=[^&]*/, `&of=${here}`);
      this.#open();
    });
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', (event) => event.persisted && this.#open());
  }

  #open(): void {
    this.#close();
    const source = new EventSource(`${this.#url}&after=${encodeURIComponent(this.#position)}`);
    this.#source = source;
    this.#retryAt = Date.now() + RETRY_MS;
    source.addEventListener('patch', (event: MessageEvent<string>) => {
      this.#heard(event);
      applyFragments(JSON.parse(event.data) as string[]);
    });
    source.addEventListener('tick', (event: MessageEvent<string>) => {
      this.#heard(event);
      setServerTime(Number(event.data));
    });
    source.addEventListener('stale', (event: MessageEvent<string>) => {
      this.#heardAt = Date.now();
      this.#lose(ownTime(Date.parse(event.data)));
    });
    // The process stops; another one goes on, or this one when it is back.
    source.addEventListener('end', () => {
      this.#close();
      this.#lose(Date.now());
    });
    source.onerror = () => this.#lose(this.#heardAt);
  }

  #close(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #heard(event: MessageEvent<string>): void {
    this.#heardAt = Date.now();
    if (event.lastEventId !== '') this.#position = event.lastEventId;
    this.#lostAt = 0;
    this.#show('live', 'Live');
  }

  #lose(since: number): void {
    if (this.#lostAt !== 0) return;
    this.#lostAt = this.#asOf = since;
    this.#tell(Date.now());
  }

  #watch(): void {
    if (document.hidden) return;
    const now = Date.now();
    if (now - this.#heardAt > SILENCE_MS) this.#lose(this.#heardAt);
    if (this.#lostAt === 0) return;
    const { CLOSED } = EventSource;
    if ((this.#source?.readyState ?? CLOSED) === CLOSED && now > this.#retryAt) this.#open();
    this.#tell(now);
    if (now - this.#lostAt >= STALE_MS && now - this.#polledAt >= POLL_MS) void this.#poll(now);
  }

  /** Says how old is what is shown. */
  #tell(now: number): void {
    const isOld = now - this.#asOf >= STALE_MS;
    const asOf = new Date(this.#asOf).toTimeString().slice(0, 8);
    if (this.#asOf !== this.#lostAt && !isOld) this.#show('polling', 'Every 5 s');
    else this.#show('lost', `Reconnecting · as of ${asOf}`, isOld ? `What you see is from ${asOf}.` : '');
  }

  async #poll(now: number): Promise<void> {
    this.#polledAt = now;
    try {
      const answer = await fetch(`${this.#url}&poll=1`);
      if (!answer.ok) return;
      const markup = (await answer.json()) as string[];
      // What the stream brought meanwhile is newer.
      if (this.#lostAt === 0) return;
      applyFragments(markup);
      this.#asOf = Date.now();
      this.#tell(this.#asOf);
    } catch {
      // Still unreachable: the note says since when.
    }
  }

  #onVisibility(): void {
    clearTimeout(this.#hiddenTimer);
    if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#close(), HIDDEN_MS);
    else if (!this.#source) this.#open();
  }

  #show(state: string, text: string, note = ''): void {
    const place = document.querySelector<HTMLElement>('.stream');
    if (place) {
      place.dataset['state'] = state;
      setText(place, text);
    }
    const box = document.getElementById('live-note');
    const words = box?.querySelector('span');
    if (box == null || words == null) return;
    setText(words, note);
    box.hidden = note === '';
  }
}

/** Follows the page's stream, when it has one. */
export function startLive(): void {
  const { live, position } = document.body.dataset;
  if (live !== undefined) new LiveStream(live, position ?? '').start();
}
