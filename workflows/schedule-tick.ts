import { defineSearchAttributeKey } from '@temporalio/common';
import {
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import {
  RUN_ENDED,
  type FiredSchedule,
  type ScheduledRunState,
  type TickActivities,
  type TickInput,
  type TickResult,
} from './contract.js';

/** Set by the server on what a schedule starts: the nominal time, whatever jitter or catching up made of it. */
const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');
/** The end of the run comes as a signal; these pauses only bound how long one that was lost is missed. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** A cancel that finds no run yet, since its start is held, is tried again after this. */
const CANCEL_PAUSE_MS = 5_000;

const runEnded = defineSignal(RUN_ENDED);

/** The event may be late, since the catalog may be down: for a day a time of a schedule is not given up. */
const { fireSchedule } = proxyActivities<Pick<TickActivities, 'fireSchedule'>>({
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '1 minute' },
});
/** Asked again after the next pause anyway. */
const { scheduledRun, cancelScheduledRun } = proxyActivities<
  Pick<TickActivities, 'scheduledRun' | 'cancelScheduledRun'>
>({
  startToCloseTimeout: '10 seconds',
  scheduleToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3, initialInterval: '1 second' },
});

/**
 * One time of a schedule. Emits the schedule's event, from which the run starts like from any other, and stays open as long
 * as the run: so Temporal's overlap policies, which look at what a schedule started, act on runs. Its cancel is passed on.
 */
export async function scheduleTick(input: TickInput): Promise<TickResult> {
  const root = CancellationScope.current();
  return CancellationScope.nonCancellable(async () => {
    const wishes = { cancelled: root.consideredCancelled, ended: false };
    root.cancelRequested.catch(() => {
      wishes.cancelled = true;
    });
    setHandler(runEnded, () => {
      wishes.ended = true;
    });
    const fired = input.fired ?? (await fire(input, wishes));
    if (fired === null) return { state: 'none', run_id: null };
    const state = await waitForEnd(input, fired, wishes);
    if (wishes.cancelled) throw new CancelledFailure('the run of this time was cancelled');
    return { state, run_id: state === 'none' ? null : fired.run_id };
  });
}

interface Wishes {
  cancelled: boolean;
  ended: boolean;
}

async function fire({ schedule_id }: TickInput, wishes: Wishes): Promise<FiredSchedule | null> {
  if (wishes.cancelled) throw new CancelledFailure('cancelled before it fired');
  const { typedSearchAttributes, startTime } = workflowInfo();
  const at = typedSearchAttributes.get(SCHEDULED_AT) ?? startTime;
  return fireSchedule({ schedule_id, scheduled_at: at.toISOString() });
}

async function waitForEnd(
  input: TickInput,
  fired: FiredSchedule,
  wishes: Wishes,
): Promise<Exclude<ScheduledRunState, 'open'>> {
  let isPassedOn = input.is_cancel_sent ?? false;
  let pauseMs = input.pause_ms ?? FIRST_PAUSE_MS;
  for (;;) {
    if (wishes.cancelled && !isPassedOn) isPassedOn = await cancelScheduledRun(fired).catch(() => false);
    wishes.ended = false;
    const state = await scheduledRun(fired).catch((): ScheduledRunState => 'open');
    if (state !== 'open') return state;
    if (workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof scheduleTick>({ ...input, fired, is_cancel_sent: isPassedOn, pause_ms: pauseMs });
    }
    const waitsForCancel = wishes.cancelled && !isPassedOn;
    await condition(
      () => wishes.ended || (wishes.cancelled && !isPassedOn && !waitsForCancel),
      waitsForCancel ? CANCEL_PAUSE_MS : pauseMs,
    );
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
