import { setTimeout as pause } from 'node:timers/promises';

/** A server that wants a longer pause than this is not waited for. */
const LONGEST_PAUSE_MS = 10_000;
const FIRST_PAUSE_MS = 500;

/** The pause before the next try: what the server asks for, else twice as long each time. */
function pauseMs(headers: Headers, tries: number): number {
  const seconds = headers.get('retry-after');
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : FIRST_PAUSE_MS * 2 ** tries;
}

/** Makes a call again while the server says that it cannot take it now (503) or not so often (429). */
export async function again<T extends { status: number; headers: Headers }>(
  retries: number,
  call: () => Promise<T>,
): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await call();
    if (tries >= retries || (answer.status !== 503 && answer.status !== 429)) return answer;
    const ms = pauseMs(answer.headers, tries);
    if (ms > LONGEST_PAUSE_MS) return answer;
    await pause(ms);
  }
}
