import type { BlueprintLine } from '../../domain/blueprint-page.js';
import type { RunStatus } from '../../domain/engine/state.js';
import type { Html } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { runStatus } from '../status.js';
import { template } from '../template.js';

const listTemplate = template<Record<string, unknown>>(import.meta.url, './blueprints.eta');

/** The list of blueprints. */
export function blueprintsMain(lines: readonly BlueprintLine[], ui: Parts): Html {
  const rows = lines.map((line) => ({
    ...line,
    look: line.last_run === null ? null : runStatus({ status: line.last_run.status as RunStatus }),
  }));
  return listTemplate({ rows }, ui);
}
