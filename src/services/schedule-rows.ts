import type { StoredSpec, ScheduleRow } from '../catalog/schedule-store.js';
import type { UnitOfWork } from '../catalog/unit-of-work.js';
import { canonicalJson } from '../domain/json.js';
import type { Plan, ScheduleTrigger } from '../domain/plan.js';
import { scheduleIdOf, scheduleNumber } from '../domain/schedule.js';

/** A schedule of a plan, and its place in the trigger list. */
interface Wanted {
  ordinal: number;
  spec: StoredSpec;
}

type Known = Pick<ScheduleRow, 'schedule_id' | 'spec' | 'is_removed'>;

/**
 * Makes the schedules of a blueprint those of a version, inside the transaction that activates it. One that was edited
 * keeps its id, and with it its pause and its history.
 * @returns the id of each schedule by its place in the plan's trigger list.
 */
export async function replaceSchedules(
  unit: Pick<UnitOfWork, 'schedules'>,
  plan: Plan,
  version: number,
): Promise<Map<number, string>> {
  const wanted = plan.triggers.flatMap((trigger, ordinal): Wanted[] =>
    trigger.kind === 'schedule' ? [{ ordinal, spec: specOf(trigger) }] : [],
  );
  const known = await unit.schedules.list({ blueprint_id: plan.id, removed: true });
  const ids = identify(plan.id, wanted, known);
  for (const { ordinal, spec } of wanted) {
    const scheduleId = ids.get(ordinal) as string;
    await unit.schedules.save({ schedule_id: scheduleId, blueprint_id: plan.id, ordinal, version, spec });
  }
  const kept = new Set(ids.values());
  const gone = known.filter((row) => !row.is_removed && !kept.has(row.schedule_id));
  if (gone.length > 0) await unit.schedules.remove(gone.map((row) => row.schedule_id));
  return ids;
}

/**
 * Which schedule each entry is: one that says the same keeps its id wherever it moved, then the others take those that are
 * left in their order; a removed one comes back only as the same. What is new gets a number that was never used.
 */
export function identify(blueprintId: string, wanted: readonly Wanted[], known: readonly Known[]): Map<number, string> {
  const ids = new Map<number, string>();
  const free = [...known].sort((a, b) => Number(a.is_removed) - Number(b.is_removed));
  const take = (ordinal: number, at: number): void => {
    ids.set(ordinal, (free.splice(at, 1)[0] as Known).schedule_id);
  };
  for (const { ordinal, spec } of wanted) {
    const text = canonicalJson(spec);
    const at = free.findIndex((row) => canonicalJson(row.spec) === text);
    if (at !== -1) take(ordinal, at);
  }
  let highest = Math.max(0, ...known.map((row) => scheduleNumber(row.schedule_id)));
  for (const { ordinal } of wanted) {
    if (ids.has(ordinal)) continue;
    const at = free.findIndex((row) => !row.is_removed);
    if (at !== -1) {
      take(ordinal, at);
      continue;
    }
    highest += 1;
    ids.set(ordinal, scheduleIdOf(blueprintId, highest));
  }
  return ids;
}

function specOf({ kind: _kind, filter: _filter, inputs: _inputs, ...spec }: ScheduleTrigger): StoredSpec {
  return spec;
}
