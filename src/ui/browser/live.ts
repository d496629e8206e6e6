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

let streamUrl = '';
let position = '';
let stream: EventSource | undefined;
let heardAt = Date.now();
/** 0 while the stream tells what changes. */
let lostAt = 0;
/** While nothing comes by the stream: of when what is shown is. Later than when the stream broke, it was fetched. */
let asOfMs = 0;
let polledAt = 0;
let retryAt = 0;
let hiddenTimer: number | undefined;

function openStream(): void {
  closeStream();
  const source = new EventSource(`${streamUrl}&after=${encodeURIComponent(position)}`);
  stream = source;
  retryAt = Date.now() + RETRY_MS;
  source.addEventListener('patch', (event: MessageEvent<string>) => {
    onHeard(event);
    applyFragments(JSON.parse(event.data) as string[]);
  });
  source.addEventListener('tick', (event: MessageEvent<string>) => {
    onHeard(event);
    setServerTime(Number(event.data));
  });
  source.addEventListener('stale', (event: MessageEvent<string>) => {
    heardAt = Date.now();
    lose(ownTime(Date.parse(event.data)));
  });
  // The process stops; another one goes on, or this one when it is back.
  source.addEventListener('end', () => {
    closeStream();
    lose(Date.now());
  });
  source.onerror = () => lose(heardAt);
}

function closeStream(): void {
  stream?.close();
  stream = undefined;
}

function onHeard(event: MessageEvent<string>): void {
  heardAt = Date.now();
  if (event.lastEventId !== '') position = event.lastEventId;
  lostAt = 0;
  showState('live', 'Live');
}

function lose(since: number): void {
  if (lostAt !== 0) return;
  lostAt = asOfMs = since;
  tellAge(Date.now());
}

function watch(): void {
  if (document.hidden) return;
  const now = Date.now();
  if (now - heardAt > SILENCE_MS) lose(heardAt);
  if (lostAt === 0) return;
  // Closed, or gone.
  if ((stream?.readyState ?? 2) > 1 && now > retryAt) openStream();
  tellAge(now);
  if (now - lostAt >= STALE_MS && now - polledAt >= POLL_MS) void poll(now);
}

/** Says how old is what is shown. */
function tellAge(now: number): void {
  const isOld = now - asOfMs >= STALE_MS;
  const asOf = new Date(asOfMs).toTimeString().slice(0, 8);
  if (asOfMs !== lostAt && !isOld) showState('polling', 'Every 5 s');
  else showState('lost', `Reconnecting ·\u00a0as\u00a0of\u00a0${asOf}`, isOld ? `What you see is from ${asOf}.` : '');
}

async function poll(now: number): Promise<void> {
  polledAt = now;
  try {
    const answer = await fetch(`${streamUrl}&poll=1`);
    if (!answer.ok) return;
    const markup = (await answer.json()) as string[];
    // What the stream brought meanwhile is newer.
    if (lostAt === 0) return;
    applyFragments(markup);
    asOfMs = Date.now();
    tellAge(asOfMs);
  } catch {
    // Still unreachable: the note says since when.
  }
}

function onVisibility(): void {
  clearTimeout(hiddenTimer);
  if (document.hidden) hiddenTimer = setTimeout(() => closeStream(), HIDDEN_MS);
  else if (!stream) openStream();
}

function showState(state: string, text: string, note = ''): void {
  const place = document.querySelector<HTMLElement>('.stream');
  if (place) {
    place.dataset['state'] = state;
    setText(place, text);
  }
  const box = document.getElementById('live-note');
  if (!box) return;
  setText(box.querySelector('span') as Element, note);
  box.hidden = note === '';
}

/** Follows the page's stream, when it has one. */
export function startLive(): void {
  const { live, position: first = '' } = document.body.dataset;
  if (live === undefined) return;
  streamUrl = live;
  position = first;
  openStream();
  setInterval(() => watch(), 1_000);
  document.addEventListener('visibilitychange', () => onVisibility());
  document.addEventListener('click', (event) => {
    if (closest(event, '[data-try-now]')) openStream();
  });
  // A filter changed the address: what is shown from now on is another list.
  document.body.addEventListener('htmx:pushedIntoHistory', () => {
    const here = encodeURIComponent(location.pathname + location.search);
    streamUrl = streamUrl.replace(/&of=[^&]*/, `&of=${here}`);
    openStream();
  });
  addEventListener('pagehide', () => closeStream());
  addEventListener('pageshow', (event) => event.persisted && openStream());
}
