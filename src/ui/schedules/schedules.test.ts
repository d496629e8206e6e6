import { describe, expect, it } from '@jest/globals';
import type { ScheduleDto } from '../../domain/dtos.js';
import { Parts } from '../parts/parts.js';
import { pauseQuestion, scheduleList } from './schedules.js';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const ui = new Parts({ now: NOW, zone: 'UTC' });

function schedule(name: string, nextMinutes: number, more: Partial<ScheduleDto> = {}): ScheduleDto {
  const at = new Date(NOW + nextMinutes * 60_000).toISOString();
  return {
    schedule_id: `${name}:1`,
    blueprint_id: name,
    blueprint_name: name,
    version: 1,
    cron: '0 3 * * *',
    timezone: 'UTC',
    every: null,
    jitter: null,
    overlap: 'skip',
    catchup: '10m',
    is_enabled: true,
    is_paused: false,
    pause: null,
    sync: { state: 'applied', error: null, at: null },
    next: [{ at, local: at, is_clock_changed: false }],
    last_run: null,
    ...more,
  };
}

/** What the head of the page says, as words. */
function headOf(all: readonly ScheduleDto[]): { headline: string; below: string } {
  const text = scheduleList(all, ui).main.toString();
  const words = (pattern: RegExp): string =>
    (pattern.exec(text)?.[1] ?? '')
      .replace(/<[^>]*>/g, '')
      .replace(/\s+/g, ' ')
      .trim();
  expect(text.split('<h1')).toHaveLength(2);
  return { headline: words(/<h1>(.*?)<\/h1>/s), below: words(/<p class="sub">(.*?)<\/p>/s) };
}

describe('the question before a pause', () => {
  it('says which schedule it is, and which time it would leave out first', () => {
    const one = { ...schedule('a', 125), counts: null, runs: [] };
    const text = pauseQuestion({ one, csrf: '' }, ui).toString();
    expect(text).toContain('<code class="meta wrap">a:1</code>');
    expect(text.replace(/<[^>]*>/g, '')).toContain('the first time that it would leave out is 14:05.');
  });
});

describe('the head of the schedules', () => {
  it('says how many there are, and when the next of those that fire does', () => {
    const paused = schedule('paused', 5, { is_paused: true });
    expect(headOf([])).toEqual({ headline: 'Nothing runs by the clock yet.', below: '' });
    expect(headOf([schedule('a', 125)])).toEqual({
      headline: 'One schedule, it fires at 14:05.',
      below: 'a in 2 h 5 min',
    });
    expect(headOf([schedule('later', 130), schedule('first', 125), paused])).toEqual({
      headline: 'Three schedules, the next fires at 14:05.',
      below: 'first in 2 h 5 min1 paused',
    });
    expect(headOf([schedule('a', 60 * 24), schedule('b', 60 * 25)]).headline).toBe(
      'Two schedules, the next fires on 23 Nov at 12:00.',
    );
  });

  it('says so when none of them fires', () => {
    const off = schedule('off', 5, { is_enabled: false });
    const paused = schedule('paused', 5, { is_paused: true });
    expect(headOf([off]).headline).toBe('One schedule, and it does not fire now.');
    expect(headOf([off, paused])).toEqual({ headline: 'Two schedules, and none fires now.', below: '1 paused' });
  });

  it('counts those that are not listed too', () => {
    const all = Array.from({ length: 201 }, (_, at) => schedule(`b${at}`, 300 - at));
    const text = scheduleList(all, ui).main.toString();
    expect(headOf(all).headline).toBe('201 schedules, the next fires at 13:40.');
    expect(text.split('data-testid="schedule-row"')).toHaveLength(201);
    expect(text).toContain('1 more:');
  });
});
