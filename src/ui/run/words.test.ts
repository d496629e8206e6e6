import { describe, expect, it } from '@jest/globals';
import type { WaitingOn } from '../../domain/dtos.js';
import { Parts } from '../parts/parts.js';
import { waitingText } from './words.js';

const ui = new Parts({ now: Date.parse('2026-11-22T10:00:00Z'), zone: 'UTC' });
const since = '2026-11-22T09:58:00Z';

function said(reason: WaitingOn): string | undefined {
  return waitingText(reason, ui)
    ?.toString()
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ');
}

describe('why a run does not move', () => {
  it.each<[WaitingOn, string]>([
    [{ kind: 'start', since }, 'Accepted, and not started by Temporal yet, since 09:58:00.'],
    [
      { kind: 'place', lane: 'db', running: 2, ahead: 1, since },
      'Waits for a place since 09:58:00: 2 runs of the lane db are under way, 1 waits before it.',
    ],
    [
      { kind: 'worker_lost', path: 'dump', attempt: 1, worker: 'w-1', since },
      'The worker of dump gives no sign of life since 09:58:00; another one takes over.',
    ],
    [
      { kind: 'worker', path: null, since: null, queue: 'q', pollers: 0 },
      'No worker has taken the run; xynctl doctor says what is missing.',
    ],
    [
      { kind: 'defect', code: 'workflow_defect', message: 'No such kind.', attempt: 4, since: null },
      'A defect of Xyn keeps the run: No such kind. It goes on when a version without the defect runs (workflow_defect).',
    ],
    [
      { kind: 'timer', until: null, since },
      'Waits for a point in time since 09:58:00; which one could not be found out.',
    ],
    [{ kind: 'timer', until: '2026-11-22T10:01:05Z', since }, 'Waits until 10:01:05, for another 1:05.'],
    [
      { kind: 'record', execution: 'timed_out', since },
      'It has ended in Temporal (timed_out), and its records are being completed since 09:58:00.',
    ],
  ])('%j is said in plain words', (reason, sentence) => {
    expect(said(reason)).toBe(sentence);
  });

  it('says nothing of a run that moves', () => {
    const step = { kind: 'step', path: 'dump', attempt: 1, worker: 'w-1', since, last_heartbeat_at: since } as const;
    expect(said(step)).toBeUndefined();
    expect(said({ kind: 'decision', since })).toBeUndefined();
  });
});
