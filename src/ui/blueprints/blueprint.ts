import { COUNTED_RUNS, type EndedRun, type OpenRuns, type RunDay, type VersionFacts } from '../../domain/blueprint-page.js';
import type { BlueprintDetailDto, BlueprintVersionDto, ProblemDto, ScheduleDto } from '../../domain/dtos.js';
import type { KeptTestsDto, ScenarioRunDto } from '../../domain/drafts.js';
import type { Plan } from '../../domain/plan.js';
import { about } from '../format.js';
import { buildTree } from '../graph/build-tree.js';
import { layout } from '../graph/layout.js';
import { mapSvg } from '../graph/map-svg.js';
import { countSteps } from '../graph/tree.js';
import { html, type Html, type Part } from '../html.js';
import { barChart, UNDER_BARS } from '../parts/bar-chart.js';
import { calendar, CALENDAR_HEIGHT } from '../parts/calendar.js';
import { changedLines } from '../parts/changed-lines.js';
import type { Parts } from '../parts/parts.js';
import { formFields } from '../parts/schema-form.js';
import { runLineLook, type RunLineView } from '../runs/run-line.js';
import { countsStatus, scenarioRun } from '../drafts/scenario-run.js';
import { scheduleTable } from '../schedules/schedules.js';
import { whenText } from '../schedules/words.js';
import { template, viewOf } from '../template.js';
import { sourceCode } from './source.js';

export const BLUEPRINT_TABS = ['overview', 'versions', 'schedules', 'runs', 'source', 'tests'] as const;
export type BlueprintTab = (typeof BLUEPRINT_TABS)[number];

interface Framed {
  blueprint: BlueprintDetailDto;
  tab: BlueprintTab;
  csrf: string;
}

/** Everything that a blueprint's first tab shows. */
export interface OverviewView extends Framed {
  plan: Plan | null;
  /** The next time of a schedule that fires. */
  nextAt: string | null;
  ended: readonly EndedRun[];
  /** Oldest first. */
  days: readonly RunDay[];
  /** Newest version first. */
  open: readonly OpenRuns[];
  /** Of its versions; those of which nothing is known are left out. */
  facts: readonly VersionFacts[];
  /** Of how many of its newest runs they tell. */
  counted: number;
  /** Where the silhouettes are. */
  glyphs: string;
}

const frameTemplate = template<Record<string, unknown>>(import.meta.url, './frame.eta');
const overviewTemplate = template<Record<string, unknown>>(import.meta.url, './overview.eta');
const newestVersionsTemplate = template<Record<string, unknown>>(import.meta.url, './newest-versions.eta');
const versionsTemplate = template<Record<string, unknown>>(import.meta.url, './versions.eta');
const schedulesTemplate = template<Record<string, unknown>>(import.meta.url, './schedules.eta');
const runsTemplate = template<Record<string, unknown>>(import.meta.url, './runs.eta');
const sourceTemplate = template<Record<string, unknown>>(import.meta.url, './source.eta');
const testsTemplate = template<Record<string, unknown>>(import.meta.url, './tests.eta');
const diffTemplate = template<Record<string, unknown>>(import.meta.url, './diff.eta');

/** Versions of the overview, beside older ones that are in use. */
const NEWEST = 4;

/** The versions that the overview shows: the newest, and older ones that are active or that open runs began with. */
export function versionsInOverview(
  { versions, active_version: active }: BlueprintDetailDto,
  open: readonly OpenRuns[],
): BlueprintVersionDto[] {
  const inUse = new Set([active, ...open.map(({ version }) => version)]);
  return versions.filter(({ version }, at) => at < NEWEST || inUse.has(version));
}

function newestVersions(view: OverviewView, ui: Parts): Html {
  const { blueprint, open } = view;
  const facts = new Map(view.facts.map((one) => [one.version, one]));
  const openOf = new Map(open.map((one) => [one.version, one.open]));
  const rows = versionsInOverview(blueprint, open).map((one) => {
    const { runs = 0, failed = 0, tests = null, notes = null } = facts.get(one.version) ?? {};
    const isActive = one.version === blueprint.active_version;
    return { ...one, runs, failed, tests, notes, isActive, open: openOf.get(one.version) ?? 0 };
  });
  const more = blueprint.versions.length - rows.length;
  const isCut = view.counted >= COUNTED_RUNS;
  const shown = { id: blueprint.blueprint_id, rows, more, isCut, counted: view.counted, countsStatus };
  return newestVersionsTemplate(shown, ui);
}

function framed({ blueprint, tab, csrf }: Framed, content: Html, ui: Parts): Html {
  const here = `/ui/blueprints/${encodeURIComponent(blueprint.blueprint_id)}`;
  const tabs = BLUEPRINT_TABS.map((name) => ({
    label: name.charAt(0).toUpperCase() + name.slice(1),
    n: name === 'versions' ? blueprint.versions.length : null,
    href: name === 'overview' ? here : `${here}/${name}`,
    isCurrent: name === tab,
  }));
  return frameTemplate({ blueprint, tabs, content, csrf }, ui);
}

/** With the times under its bars as tall as a calendar. */
const CHART_HEIGHT = CALENDAR_HEIGHT - UNDER_BARS;

/** From so many completed runs on it is said what is unusual. */
const USUAL_FROM = 5;

function unusualAbove(ended: readonly EndedRun[]): { value: number; words: string } | undefined {
  const times = ended.flatMap(({ ms, status }) => (status === 'completed' ? [ms] : [])).sort((a, b) => a - b);
  const p95 = times[Math.ceil(times.length * 0.95) - 1];
  if (times.length < USUAL_FROM || p95 === undefined) return undefined;
  return { value: Math.max(1, Math.round(p95 / 1_000)), words: `slower than this is unusual: ${about(p95)}` };
}

function durations(ended: readonly EndedRun[], ui: Parts): Html {
  const bars = ended.map(({ at, ms, status }) => {
    const seconds = Math.max(1, Math.round(ms / 1_000));
    const isFailed = status === 'failed';
    return { label: ui.format.moment(at, ui.clock), value: isFailed ? 0 : seconds, failed: isFailed ? seconds : 0 };
  });
  const failed = ended.filter(({ status }) => status === 'failed').length;
  const longest = Math.max(0, ...ended.map(({ ms }) => ms));
  const sentence = `How long the last ${ended.length} runs took, oldest first: the longest ${about(longest)}, ${failed} failed.`;
  return barChart(bars, sentence, {
    words: ['s', 's until it failed'],
    labelEvery: 10,
    // As tall as the calendar beside it.
    height: CHART_HEIGHT,
    axis: (seconds) => about(seconds * 1_000),
    threshold: unusualAbove(ended),
  });
}

function runsPerDay(days: readonly RunDay[], ui: Parts): Html {
  const bad = days.filter(({ failed }) => failed > 0);
  const ended = days.reduce((sum, { runs }) => sum + runs, 0);
  const failures = bad.length === 0 ? 'no day with a failure' : `failures on ${ui.format.plural(bad.length, 'day')}`;
  return calendar(days, `Runs per day over ${Math.round(days.length / 7)} weeks: ${ended} ended, ${failures}`);
}

/** When it starts next by itself; empty: it has no schedule. */
function nextStart({ plan, nextAt }: OverviewView, ui: Parts): Part {
  if (plan?.triggers.some(({ kind }) => kind === 'schedule') !== true) return '';
  return nextAt === null ? 'no schedule fires now' : html`next by the clock ${ui.planned(nextAt)}, ${ui.away(nextAt)}`;
}

/** Health, triggers, inputs and the map. */
export function blueprintOverview(view: OverviewView, ui: Parts): Html {
  const { plan, ended, blueprint } = view;
  const tree = plan === null ? null : buildTree(plan);
  const source = `/ui/blueprints/${encodeURIComponent(blueprint.blueprint_id)}/source`;
  const map =
    tree === null
      ? null
      : mapSvg(layout(tree, { vertical: true }), {
          now: ui.clock.now,
          selected: null,
          isPlan: true,
          glyphs: view.glyphs,
          linkOf: () => source,
          unfoldLink: source,
          label: `Graph: ${countSteps(tree)} steps`,
        });
  const inputs = plan === null ? [] : formFields(plan.inputs, null, []);
  const failed = ended.filter(({ status }) => status === 'failed').length;
  const badDays = view.days.filter((day) => day.failed > 0).toReversed();
  const heat = view.days.some(({ runs }) => runs > 0) ? runsPerDay(view.days, ui) : null;
  const versions = newestVersions(view, ui);
  const parts = { ...view, nextStart: nextStart(view, ui), whenText, map, inputs, failed, heat, badDays, versions, chart: ended.length === 0 ? null : durations(ended, ui) };
  return framed(view, overviewTemplate(parts, ui), ui);
}

/** Some of the versions of a blueprint. */
export interface VersionsView extends Framed {
  versions: readonly BlueprintVersionDto[];
  /** Those of which nothing is known are left out. */
  facts: readonly VersionFacts[];
  /** Of how many of its newest runs they tell, those without a version among them. */
  counted: number;
  /** Address of the next page; null at the end. */
  older: string | null;
}

/** The versions, newest first; each can be compared with the one before it. */
export function blueprintVersions(view: VersionsView, ui: Parts): Html {
  const facts = new Map(view.facts.map((one) => [one.version, one]));
  return framed(view, versionsTemplate({ ...view, facts, isCut: view.counted >= COUNTED_RUNS, countsStatus }, ui), ui);
}

/** What starts it by the clock. */
export function blueprintSchedules(view: Framed & { schedules: readonly ScheduleDto[] }, ui: Parts): Html {
  const table = scheduleTable(view.schedules, true, ui);
  return framed(view, schedulesTemplate({ ...view, table }, ui), ui);
}

/** The newest runs of the blueprint. */
export function blueprintRuns(view: Framed & { lines: readonly RunLineView[]; viewer: string }, ui: Parts): Html {
  const rows = view.lines.map((line) => viewOf(line, runLineLook(line, view.viewer, ui)));
  return framed(view, runsTemplate({ ...view, rows }, ui), ui);
}

/** The scenarios of a blueprint. */
export interface TestsView extends Framed {
  /** How they last went in a draft; null: they never ran. */
  kept: KeptTestsDto | null;
  /** As they were written here, or else as they were kept. */
  scenarios: string;
  /** What they gave on the active version just now. */
  tried: ScenarioRunDto | null;
}

/** How its scenarios went, and a field to try them on the active version. */
export function blueprintTests(view: TestsView, ui: Parts): Html {
  const { kept, tried } = view;
  const run = tried ?? kept?.run ?? null;
  const shown = { counts: run === null ? null : countsStatus(run), result: run === null ? null : scenarioRun(run, ui) };
  return framed(view, testsTemplate({ ...view, ...shown }, ui), ui);
}

/** The document of the active version with its warnings. */
export function blueprintSource(view: Framed & { problems: readonly ProblemDto[] }, ui: Parts): Html {
  const code = sourceCode(view.blueprint.source ?? '', new Set(view.problems.map(({ line }) => line)));
  return framed(view, sourceTemplate({ ...view, code }, ui), ui);
}

/** What changed between two versions of the document. */
export function blueprintDiff(
  view: { blueprintId: string; from: BlueprintVersionDto & { source: string }; to: BlueprintVersionDto & { source: string } },
  ui: Parts,
): Html {
  const lines = changedLines(view.from.source, view.to.source, ui);
  return diffTemplate({ ...view, lines }, ui);
}
