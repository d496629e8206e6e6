import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  encodeScheduleOverlapPolicy,
  type CalendarSpec,
  type Client,
  type ScheduleOptions,
} from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { parseCron, type CronTimes } from '../domain/cron.js';
import type { ScheduleSpec } from '../domain/plan.js';
import { nominalTime, type Overlap } from '../domain/schedule.js';
import { RUN_ENDED, SCHEDULE_TICK, type TickInput } from '../../workflows/contract.js';
import { GRPC, grpcStatusOf, isTemporalUnavailable, isWorkflowGone, temporalFault } from './temporal-faults.js';

/** A schedule as Temporal shall have it. */
export interface WantedSchedule {
  scheduleId: string;
  spec: ScheduleSpec;
  isPaused: boolean;
  /** Why it is paused; shown in Temporal's own screens. */
  note: string;
  blueprintId: string;
  /** Of the blueprint, for Temporal's own screens. */
  name: string;
}

/** Whether Temporal's copy of a schedule is paused. */
export interface PauseState {
  isPaused: boolean;
  note: string | null;
}

/** What Temporal counted since it has the schedule. */
export interface ScheduleCounts extends PauseState {
  started: number;
  /** Times that did not start, since a run was open. */
  skipped: number;
  /** Times that were missed by more than the catch-up window. */
  missed: number;
}

/** As long as the gateway's other calls: a busy server takes seconds to make or change a schedule. */
const CALL_DEADLINE_MS = 5_000;
/** A tick is never older than a run can be (30 d), and some time for what waits for a place. */
const LONGEST_TICK = '32 days';
const MAX_LISTED = 10_000;

const POLICIES = {
  skip: 'SKIP',
  queue_one: 'BUFFER_ONE',
  queue_all: 'BUFFER_ALL',
  cancel_other: 'CANCEL_OTHER',
  allow: 'ALLOW_ALL',
} as const satisfies Record<Overlap, string>;
const MONTHS = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY', 'AUGUST', 'SEPTEMBER'] as const),
  ...(['OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
];
const WEEKDAYS = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'] as const;

interface GatewayParts {
  client: Client;
  namespace: string;
  taskQueue: string;
  bounded: <T>(deadlineMs: number, call: () => Promise<T>) => Promise<T>;
}

/**
 * Temporal's side of schedules. Ids there begin with the environment's, so that two environments may share a namespace.
 * Every call is bounded and throws `temporal_unavailable` when nobody answers.
 */
export class ScheduleGateway {
  readonly #parts: GatewayParts;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Makes a schedule, or changes it in place; doing it again changes nothing. */
  async put(envId: string, wanted: WantedSchedule): Promise<void> {
    const { client } = this.#parts;
    const options = this.#optionsOf(envId, wanted);
    try {
      await this.#call(() => client.schedule.create(options));
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw temporalFault(error);
      const { spec, action, policies = {}, state = {} } = options;
      const handle = client.schedule.getHandle(options.scheduleId);
      await this.#ask(() => handle.update(() => ({ spec, action, policies, state })));
    }
  }

  /** Ends a schedule; its runs go on. One that is not there is gone already. */
  async remove(envId: string, scheduleId: string): Promise<void> {
    try {
      await this.#call(() => this.#handle(envId, scheduleId).delete());
    } catch (error) {
      if (!isGone(error)) throw temporalFault(error);
    }
  }

  /** Undefined when Temporal does not have it. */
  async describe(
    envId: string,
    scheduleId: string,
    deadlineMs: number = CALL_DEADLINE_MS,
  ): Promise<ScheduleCounts | undefined> {
    try {
      const { bounded } = this.#parts;
      const { state, info } = await bounded(deadlineMs, () => this.#handle(envId, scheduleId).describe());
      return {
        isPaused: state.paused,
        note: state.note ?? null,
        started: info.numActionsTaken,
        skipped: info.numActionsSkippedOverlap,
        missed: info.numActionsMissedCatchupWindow,
      };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw temporalFault(error);
    }
  }

  /** All schedules of the environment, by id; the listing lags a little behind. */
  async states(envId: string): Promise<Map<string, PauseState>> {
    const prefix = temporalId(envId, '');
    return this.#ask(async () => {
      const states = new Map<string, PauseState>();
      for await (const { scheduleId, state } of this.#parts.client.schedule.list({ pageSize: 1_000 })) {
        if (!scheduleId.startsWith(prefix)) continue;
        states.set(scheduleId.slice(prefix.length), { isPaused: state.paused, note: state.note ?? null });
        if (states.size >= MAX_LISTED) break;
      }
      return states;
    });
  }

  /**
   * Lets a schedule fire for a moment, paused or not.
   * @param request.id the same id is taken once.
   */
  async trigger(envId: string, scheduleId: string, request: { id: string; at: Date; overlap: Overlap }): Promise<void> {
    await this.#patch(envId, scheduleId, request.id, {
      triggerImmediately: {
        overlapPolicy: policyOf(request.overlap) ?? null,
        scheduledTime: msToTs(request.at.getTime()),
      },
    });
  }

  /**
   * Lets a schedule fire for all its times from one to another, both included.
   * @param request.id the same id is taken once.
   */
  async backfill(
    envId: string,
    scheduleId: string,
    request: { id: string; from: Date; to: Date; overlap: Overlap },
  ): Promise<void> {
    const { from, to, overlap } = request;
    const startTime = msToTs(from.getTime() - 1);
    await this.#patch(envId, scheduleId, request.id, {
      backfillRequest: [{ startTime, endTime: msToTs(to.getTime()), overlapPolicy: policyOf(overlap) ?? null }],
    });
  }

  /** Tells the tick of a schedule that its run has ended; where it is gone, nobody waits. */
  async runEnded(envId: string, scheduleId: string, scheduledAt: Date): Promise<void> {
    try {
      const handle = this.#parts.client.workflow.getHandle(tickWorkflowId(envId, scheduleId, scheduledAt));
      await this.#call(() => handle.signal(RUN_ENDED));
    } catch (error) {
      if (!isWorkflowGone(error)) throw temporalFault(error);
    }
  }

  async #patch(
    envId: string,
    scheduleId: string,
    requestId: string,
    patch: Parameters<Client['workflowService']['patchSchedule']>[0]['patch'],
  ): Promise<void> {
    const { client, namespace } = this.#parts;
    const request = { namespace, scheduleId: temporalId(envId, scheduleId), requestId, patch: patch ?? null };
    const send = (): Promise<unknown> => this.#call(() => client.workflowService.patchSchedule(request));
    try {
      await send().catch((error: unknown) => {
        // A request id is taken once, so it may be sent again: one time only, since somebody waits.
        if (!isTemporalUnavailable(error)) throw error;
        return send();
      });
    } catch (error) {
      throw temporalFault(error);
    }
  }

  #optionsOf(envId: string, wanted: WantedSchedule): ScheduleOptions {
    const { scheduleId, spec, isPaused, note } = wanted;
    const input: TickInput = { schedule_id: scheduleId };
    return {
      scheduleId: temporalId(envId, scheduleId),
      spec: {
        ...whenOf(spec),
        ...(spec.jitter_ms === undefined ? {} : { jitter: spec.jitter_ms }),
      },
      action: {
        type: 'startWorkflow',
        workflowType: SCHEDULE_TICK,
        workflowId: tickPrefix(envId, scheduleId),
        taskQueue: this.#parts.taskQueue,
        args: [input],
        memo: { blueprint: wanted.blueprintId },
        staticSummary: wanted.name.slice(0, 200),
        workflowExecutionTimeout: LONGEST_TICK,
      },
      policies: { overlap: POLICIES[spec.overlap ?? 'skip'], catchupWindow: spec.catchup_ms },
      state: { paused: isPaused, note },
    };
  }

  #handle(envId: string, scheduleId: string): ReturnType<Client['schedule']['getHandle']> {
    return this.#parts.client.schedule.getHandle(temporalId(envId, scheduleId));
  }

  #call<T>(call: () => Promise<T>): Promise<T> {
    return this.#parts.bounded(CALL_DEADLINE_MS, call);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#call(call);
    } catch (error) {
      throw temporalFault(error);
    }
  }
}

function temporalId(envId: string, scheduleId: string): string {
  return `schedule/${envId}/${scheduleId}`;
}

function tickPrefix(envId: string, scheduleId: string): string {
  return `schedule-tick/${envId}/${scheduleId}`;
}

/** The server appends the nominal time to the id that the schedule names. */
function tickWorkflowId(envId: string, scheduleId: string, scheduledAt: Date): string {
  return `${tickPrefix(envId, scheduleId)}-${nominalTime(scheduledAt).replace('.000Z', 'Z')}`;
}

function policyOf(overlap: Overlap): ReturnType<typeof encodeScheduleOverlapPolicy> {
  return encodeScheduleOverlapPolicy(POLICIES[overlap]);
}

function isGone(error: unknown): boolean {
  return error instanceof ScheduleNotFoundError || grpcStatusOf(error)?.code === GRPC.notFound;
}

function whenOf(spec: ScheduleSpec): ScheduleOptions['spec'] {
  if (spec.every_ms !== undefined) return { intervals: [{ every: spec.every_ms }] };
  const times = parseCron(spec.cron ?? '');
  // The compiler has checked it; a plan that was stored damaged has another digest.
  if ('problem' in times) throw new Error(`schedule: ${times.problem}`);
  return { calendars: calendarsOf(times), timezone: spec.timezone ?? 'UTC' };
}

/** Temporal wants all fields to fit; where either day does, it takes one calendar for each. */
function calendarsOf(times: CronTimes): CalendarSpec[] {
  const { minutes, hours, daysOfMonth, months, weekdays, eitherDay } = times;
  const both = { second: 0, minute: minutes, hour: hours, month: months.map((month) => MONTHS[month - 1] as never) };
  const byDate = { dayOfMonth: daysOfMonth };
  const byWeekday = { dayOfWeek: weekdays.map((day) => WEEKDAYS[day] as never) };
  return eitherDay
    ? [
        { ...both, ...byDate },
        { ...both, ...byWeekday },
      ]
    : [{ ...both, ...byDate, ...byWeekday }];
}
