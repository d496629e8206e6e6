import { sampleRun } from './run-samples.js';
import { seededId } from './seed.js';

/** A page as every check looks at it, over the catalog of `startScreens({ samples: true })`. */
export interface Shown {
  /** Artifacts and drafts are named here, since their ids are made by chance: `/ui/artifacts/<name>`, `/ui/drafts/<name>`. */
  path: string;
  /** Test id of the page. */
  page: string;
  /** Test id of what is to be seen without scrolling. */
  first: string;
  /** Bytes when compressed, at most. */
  bytes: number;
  /** Statements sent to the catalog, at most. */
  queries: number;
  /** Milliseconds until the answer is there, for 95 of 100 requests. */
  p95Ms: number;
  /** Other test ids that the page has. */
  ids: readonly string[];
  /** Another state of a page that is looked at already: not checked without script and with hostile text again. */
  isVariant: boolean;
  status: number;
}

type Budget = Pick<Shown, 'bytes' | 'queries' | 'p95Ms'>;
const LIST: Budget = { bytes: 8_000, queries: 3, p95Ms: 20 };
const HOME: Budget = { bytes: 8_000, queries: 7, p95Ms: 20 };
const GATE: Budget = { bytes: 10_000, queries: 5, p95Ms: 25 };
const RUN: Budget = { bytes: 12_000, queries: 6, p95Ms: 25 };
const LONG_RUN: Budget = { bytes: 24_000, queries: 6, p95Ms: 40 };
const FORM: Budget = { bytes: 10_000, queries: 3, p95Ms: 20 };

interface More extends Partial<Budget> {
  ids?: string;
  isVariant?: true;
  status?: number;
}

function shown(path: string, page: string, first: string, budget: Budget, more: More = {}): Shown {
  const { ids = '', isVariant = false, status = 200, ...over } = more;
  return { path, page, first, ...budget, ...over, ids: ids.split(' ').filter(Boolean), isVariant, status };
}

const gate = (run: string): string => `/ui/gates/${seededId(`gate/${run}`)}`;
const variant = { isVariant: true } as const;
const blueprint = '/ui/blueprints/bp.ci.build';
const NIGHTLY = '/ui/blueprints/bp.checks.nightly';
const schedule = '/ui/schedules/bp.checks.nightly%3A1';
const RANGE = 'from=2026-11-01T00:00:00Z&to=2026-11-09T00:00:00Z';
const FORM_IDS = 'gate-effects gate-action-1 gate-action-2 gate-action-3 gate-form gate-deadline gate-approvals';
const RUN_IDS = 'run-actions cancel evidence-chain gate-banner gate-review steps step-panel run-graph';

/** Every page, in the states that have something to show. */
export const PAGES: readonly Shown[] = [
  shown('/ui', 'page-home', 'attention-headline', HOME, { ids: 'attention attention-row health launch' }),
  shown('/ui/gates', 'page-gates', 'page-gates', LIST),
  shown('/ui/gates?status=all', 'page-gates', 'page-gates', LIST, variant),
  shown(gate('patch'), 'page-gate', 'gate-title', GATE, {
    ids: `${FORM_IDS} gate-reason gate-confirm gate-approve gate-reject`,
  }),
  shown(gate('lost'), 'page-gate', 'gate-title', GATE, { ids: 'gate-done gate-retry gate-fail', ...variant }),
  shown(gate('past-3'), 'page-gate', 'gate-title', GATE, { ids: 'gate-record', ...variant }),
  shown('/ui/events', 'page-events', 'event-list', LIST, { ids: 'event-detail new-events filter-bar' }),
  shown('/ui/events?q=name:checkmk.*', 'page-events', 'event-list', LIST, variant),
  shown(`/ui/events/${seededId('alert-hostile')}`, 'page-events', 'event-detail', LIST, {
    bytes: 9_000,
    queries: 4,
    ids: 'event-list re-emit',
  }),
  shown(`/ui/events/${seededId('alert-web')}/re-emit`, 'page-re-emit', 'confirm', LIST),
  shown(`/ui/events/${seededId('alert-web')}/today`, 'page-event-today', 'event-verdicts', LIST, { queries: 5 }),
  // Beside the plain catalog stand samples of long runs.
  shown('/ui/runs', 'page-runs', 'run-list', LIST, { bytes: 8_500, ids: 'launch filter-bar' }),
  shown('/ui/runs?q=status:failed', 'page-runs', 'run-list', LIST, variant),
  shown(`/ui/runs/${sampleRun('patch')}`, 'page-run', 'gate-banner', RUN, { ids: RUN_IDS }),
  shown(`/ui/runs/${sampleRun('long')}`, 'page-run', 'evidence-chain', LONG_RUN, {
    ids: 'run-graph steps',
    ...variant,
  }),
  shown(`/ui/runs/${seededId('past-12')}`, 'page-run', 'failure-banner', RUN, { ids: 'rerun rerun-from', ...variant }),
  shown(`/ui/runs/${seededId('patch')}/cancel`, 'page-cancel', 'confirm', LIST),
  shown(`/ui/runs/${seededId('patch')}/rerun`, 'page-rerun', 'confirm', LIST, {
    queries: 9,
    ids: 'reused anew rerun-run keep',
  }),
  shown(`/ui/runs/${seededId('patch')}/replay-check`, 'page-replay', 'confirm', LIST, { ids: 'replay-run' }),
  shown('/ui/runs/new', 'page-launch', 'launch-pick', FORM),
  shown('/ui/runs/new?blueprint=bp.web.roll_patch', 'page-launch', 'launch-form', FORM, {
    ids: 'plan-preview launch-start',
  }),
  shown('/ui/blueprints', 'page-blueprints', 'page-blueprints', LIST),
  shown(blueprint, 'page-blueprint', 'calendar', FORM, { queries: 8, ids: 'live-versions edit-as-draft' }),
  shown(`${blueprint}/versions`, 'page-blueprint', 'versions', LIST, { queries: 5, ids: 'draft-from' }),
  shown(`${blueprint}/runs`, 'page-blueprint', 'page-blueprint', LIST, { queries: 6 }),
  shown(`${blueprint}/source`, 'page-blueprint', 'page-blueprint', LIST),
  shown(`${blueprint}/tests`, 'page-blueprint', 'scenarios', LIST, { queries: 5, ids: 'scenarios-try' }),
  shown(`${blueprint}/diff?from=3&to=3`, 'page-blueprint-diff', 'page-blueprint-diff', LIST),
  shown(`${NIGHTLY}/schedules`, 'page-blueprint', 'schedule-row', LIST, { queries: 5 }),
  shown('/ui/schedules', 'page-schedules', 'schedule-row', LIST, { ids: 'schedule-trigger schedule-pause' }),
  shown(schedule, 'page-schedule', 'schedule-times', LIST, { ids: 'schedule-backfill', queries: 3 }),
  shown(`${schedule}/pause`, 'page-schedule-change', 'confirm', LIST),
  shown(`${schedule}/trigger`, 'page-schedule-change', 'confirm', LIST),
  shown(`${schedule}/backfill?${RANGE}`, 'page-schedule-change', 'confirm', LIST, { queries: 5 }),
  shown(`${blueprint}/activate?version=3`, 'page-activate', 'confirm', LIST, { queries: 5 }),
  shown('/ui/drafts', 'page-drafts', 'draft-list', LIST, { ids: 'draft-new' }),
  shown('/ui/drafts/valid', 'page-editor', 'editor', FORM, {
    ids: 'problems draft-test draft-diff draft-promote draft-save draft-validate check-state',
  }),
  shown('/ui/drafts/wrong', 'page-editor', 'editor', FORM, variant),
  shown('/ui/drafts/valid/promote', 'page-promote', 'confirm', LIST),
  shown('/ui/drafts/wrong/diff', 'page-draft-diff', 'diff', LIST, { queries: 7 }),
  shown('/ui/audit', 'page-audit', 'audit-state', LIST, { ids: 'audit-verify audit-list evidence-export' }),
  shown('/ui/audit?entry=131', 'page-audit', 'audit-state', LIST, { bytes: 9_000, ids: 'audit-entry', ...variant }),
  shown('/ui/artifacts', 'page-artifacts', 'artifact-list', LIST),
  shown('/ui/artifacts/notes.txt', 'page-artifact', 'artifact-state', LIST, { queries: 6 }),
  shown('/ui/artifacts/screen.png', 'page-artifact', 'artifact-image', LIST, { queries: 6, ...variant }),
  shown('/ui/footprints?by=time', 'page-footprints', 'cost-total', LIST, { ids: 'cost-chart cost-table' }),
  shown('/ui/health', 'page-health', 'health-state', LIST),
  shown('/ui/keys', 'page-keys', 'keys', LIST, { ids: 'keys-switch' }),
  shown('/ui/_search?q=patch', 'page-search', 'page-search', LIST, { queries: 4 }),
  shown('/ui/nothing-here', 'page-error', 'page-error', LIST, { status: 404, ...variant }),
];
