import { expect, it } from '@jest/globals';
import {
  nominalTime,
  SCHEDULE_FIRED,
  scheduledFacts,
  scheduleEventIdOf,
  scheduleIdOf,
  scheduleNumber,
  schedulePattern,
} from './schedule.js';

it('numbers the schedules of a blueprint, whatever its id', () => {
  expect(scheduleIdOf('bp.x', 3)).toBe('bp.x:3');
  expect([scheduleNumber('bp.x:3'), scheduleNumber('bp.x')]).toEqual([3, 0]);
  expect(schedulePattern('bp.x:3')).toBe('xyn.schedule.fired#bp.x:3');
});

it('gives one event to one time of one schedule in one environment', () => {
  const at = new Date('2026-11-21T03:00:00.750Z');
  expect(nominalTime(at)).toBe('2026-11-21T03:00:00.000Z');
  const id = scheduleEventIdOf('local', 'bp.x:1', at);
  expect(scheduleEventIdOf('local', 'bp.x:1', new Date('2026-11-21T03:00:00Z'))).toBe(id);
  const others = [
    scheduleEventIdOf('other', 'bp.x:1', at),
    scheduleEventIdOf('local', 'bp.x:2', at),
    scheduleEventIdOf('local', 'bp.x:1', new Date('2026-11-21T03:00:01Z')),
  ];
  expect(new Set([id, ...others]).size).toBe(4);
});

it('tells a run its nominal time only where a schedule started it', () => {
  const event = { event_name: SCHEDULE_FIRED, data: { scheduled_at: '2026-11-21T03:00:00.000Z' } };
  expect(scheduledFacts(SCHEDULE_FIRED, event)).toEqual({ scheduled_at: '2026-11-21T03:00:00.000Z' });
  expect(scheduledFacts('xyn.alert.raised', event)).toEqual({});
  expect(scheduledFacts('manual', null)).toEqual({});
  expect(scheduledFacts(SCHEDULE_FIRED, { data: { scheduled_at: 3 } })).toEqual({});
  expect(scheduledFacts(SCHEDULE_FIRED, { data: [] })).toEqual({});
});
