import { MOST_LISTED_BLUEPRINTS, type BlueprintLine } from '../../domain/blueprint-page.js';
import type { RunStatus } from '../../domain/engine/state.js';
import { SCHEDULE_FIRED } from '../../domain/schedule.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { runStatus } from '../status.js';
import { template } from '../template.js';

const listTemplate = template<Record<string, unknown>>(import.meta.url, './blueprints.eta');

/** The list of blueprints. */
export function blueprintsMain(lines: readonly BlueprintLine[], ui: Parts): Html {
  const rows = lines.map((line) => ({
    ...line,
    starts: startsOf(line.listens_to),
    look: line.last_run === null ? null : runStatus({ status: line.last_run.status as RunStatus }),
  }));
  return listTemplate({ rows, most: MOST_LISTED_BLUEPRINTS }, ui);
}

/** What starts a blueprint by itself, each once; the clock is no event to a reader. */
function startsOf(events: readonly string[]): { text: string; isEvent: boolean }[] {
  if (events.length === 0) return [{ text: 'a person', isEvent: false }];
  return [...new Set(events)].map((name) =>
    name === SCHEDULE_FIRED ? { text: 'a schedule', isEvent: false } : { text: name, isEvent: true },
  );
}
