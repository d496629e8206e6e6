import { about, duration, times } from '../duration.js';
import { serverNow, setText } from './page.js';

/** A reader who does not see the clock is told twice. */
const WARNINGS: readonly { leftMs: number; text: string }[] = [
  { leftMs: 60_000, text: 'One minute left to decide.' },
  { leftMs: 300_000, text: 'Five minutes left to decide.' },
];
let warnedMs = Infinity;

function warn(leftMs: number): void {
  const due = WARNINGS.find((one) => leftMs <= one.leftMs && leftMs > one.leftMs - 5_000);
  const place = document.getElementById('gate-warning');
  if (!due || !place || due.leftMs >= warnedMs) return;
  warnedMs = due.leftMs;
  place.textContent = due.text;
}

function ago(ms: number): string {
  return ms < 5_000 ? 'just now' : `${about(ms)} ago`;
}

function text(time: HTMLTimeElement, distanceMs: number): string {
  const kind = time.dataset['count'];
  if (kind === 'ago') return ago(-distanceMs);
  if (kind === 'times') return times(-distanceMs, Number(time.dataset['usual']));
  return duration(Math.max(0, kind === 'down' ? distanceMs : -distanceMs));
}

function tick(): void {
  if (document.hidden) return;
  for (const time of document.querySelectorAll<HTMLTimeElement>('time[data-count]')) {
    const distance = Date.parse(time.dateTime) - serverNow();
    setText(time, text(time, distance));
    if (time.dataset['count'] === 'down' && time.closest('[role=timer]')) warn(distance);
  }
}

/** Counts all running times on, once a second. */
export function startClocks(): void {
  setInterval(tick, 1_000);
}
