import { describe, expect, it, jest } from '@jest/globals';
import type { EventStats } from '../domain/event-console.js';
import { EventConsole, type EventConsoleDeps } from './event-console.js';

const NOON = Date.parse('2026-11-21T12:00:30Z');

function consoleOver(stats: () => Promise<EventStats>): EventConsole {
  return new EventConsole({ store: { stats }, events: {}, clock: () => NOON } as unknown as EventConsoleDeps);
}

function counted(all: number): EventStats {
  const span = { from: '2026-11-21T11:01:00.000Z', to: '2026-11-21T12:01:00.000Z' };
  return { ...span, is_counted: true, all, started: 0, nomatch: 0, held: 0, refused: 0, important: 0, minutes: [] };
}

describe('the figures of the last hour', () => {
  it('are not waited for longer than a second, and there for who asks when they are', async () => {
    jest.useFakeTimers();
    let give: ((stats: EventStats) => void) | undefined;
    const events = consoleOver(() => new Promise((resolve) => (give = resolve)));
    const asked = events.lastHour();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await asked).toEqual({ ...counted(0), is_counted: false });
    give?.(counted(7));
    expect(await events.lastHour()).toEqual(counted(7));
    jest.useRealTimers();
  });

  it('are not counted where that fails: the list is shown without them', async () => {
    const events = consoleOver(() => Promise.reject(new Error('canceled on statement timeout')));
    expect(await events.lastHour()).toMatchObject({ is_counted: false, all: 0 });
  });
});
