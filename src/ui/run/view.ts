import type { LogPage, RunPageData, StepPanelRow } from '../../domain/run-page.js';
import type { ArtifactContent } from '../artifacts/artifact.js';
import type { Seq } from '../graph/tree.js';
import { href } from '../html.js';

export const PANEL_TABS = ['log', 'inputs', 'outputs', 'attempts', 'artifacts'] as const;
export type PanelTab = (typeof PANEL_TABS)[number];

/** What the address of a run's page says. */
export interface RunQuery {
  /** The path of the selected step. */
  step?: string | undefined;
  tab?: PanelTab | undefined;
  /** `all`: nothing is folded. */
  steps?: 'fit' | 'all' | undefined;
  /** `working`: long waits are left out of the time axis. */
  time?: 'clock' | 'working' | undefined;
  /** First line of the log, from 1. */
  from?: number | undefined;
  /** Only lines of the log that hold this text. */
  find?: string | undefined;
  /** First row of the steps, from 0. */
  row?: number | undefined;
  /** The artifact whose beginning is shown among those of the step. */
  artifact?: string | undefined;
}

/** A run's page. */
export interface RunView {
  data: RunPageData;
  query: RunQuery;
  /** All steps; null when the plan is not known. */
  tree: Seq | null;
  /** The selected step, or the one that a reader wants first. */
  selected: string | null;
  panel: StepPanelRow | null;
  tab: PanelTab;
  log: LogPage | null;
  /** Why the log could not be read. */
  logProblem: { code: string; message: string } | null;
  /** The beginning of the chosen artifact. */
  artifact: ArtifactContent | null;
  mapWidth: number;
  /** Where the silhouettes are; ends with `#`. */
  glyphs: string;
}

/**
 * The page's address with some of its query changed; `undefined` takes a term away.
 * @param part below the page: `/_more`.
 */
export function linkTo({ data, query }: Pick<RunView, 'data' | 'query'>, changes: RunQuery, part = ''): string {
  const { step, tab, steps, time, from, find, row, artifact } = Object.assign({}, query, changes);
  return href(`/ui/runs/${data.run.run_id}${part}`, { step, tab, steps, time, from, find, row, artifact });
}
