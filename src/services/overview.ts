import type { GateSubject, OverviewStore } from '../catalog/overview-store.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { Page, RunDto } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import type { Plan } from '../domain/plan.js';
import { cached } from './cached.js';
import type { HealthReport } from './health.js';
import { gateEffects, gateFacts, type GateEffect, type GateFacts } from './overview-gate.js';
import {
  runLines,
  type PlanShape,
  type CancelFacts,
  type HomeFacts,
  type SearchHits,
  type RunCounts,
  type RunCursor,
  type RunLine,
  type RunSearch,
} from './overview-lists.js';
import { lastDayOf } from './last-day.js';
import type { PlanCache } from './plan-cache.js';
import type { UsualDurations } from './usual-durations.js';

export interface OverviewDeps {
  access: Pick<CatalogAccess, 'runs' | 'gates' | 'blueprints'>;
  store: Pick<OverviewStore, keyof OverviewStore>;
  plans: Pick<PlanCache, 'get'>;
  health: { check(): Promise<HealthReport> };
  usual: Pick<UsualDurations, 'of'>;
  clock: () => number;
}

/** Counts may be that old: many pages ask, few things change. A live page is drawn again after that (`SETTLE_MS`). */
const COUNTS_MS = 2_000;
const HEALTH_MS = 5_000;
/** Adds up the runs of an hour or two, which may be many. */
const LAST_DAY_MS = 30_000;
/** A home page lists that many things that need somebody, and that many running runs. */
const MOST_ATTENTION = 20;
const MOST_RUNNING = 8;
/** Each kind of thing that a search finds. */
const MOST_HITS = 6;
/** A strip in a list has room for 24 marks; what is above shares them. */
const MOST_MARKS_IN_LIST = 48;
/** More steps than these are not drawn one by one. */
const MOST_MARKS = 200;

/** What the screens show across all runs and gates. */
export class OverviewService {
  readonly #deps: OverviewDeps;

  constructor(deps: OverviewDeps) {
    this.#deps = deps;
    const { clock, store } = deps;
    this.counts = cached(COUNTS_MS, clock, () => store.counts());
    this.runCounts = cached(COUNTS_MS, clock, () => store.runCounts());
    this.health = cached(HEALTH_MS, clock, () => deps.health.check());
    this.#lastDay = cached(
      LAST_DAY_MS,
      clock,
      lastDayOf((from) => store.endedByHour(from), clock),
    );
    this.#held = cached(COUNTS_MS, clock, () => store.heldStarts(MOST_ATTENTION));
    this.#failures = cached(COUNTS_MS, clock, () => store.unansweredFailures(MOST_ATTENTION + 1));
    this.#deciders = cached(COUNTS_MS, clock, () => store.openGateApprovers());
    this.backlog = cached(COUNTS_MS, clock, () => store.backlog());
  }

  /** Open gates and open runs, capped at 10 001; at most two seconds old. @throws XynFault `db_unavailable` */
  readonly counts: () => Promise<{ gates: number; running: number }>;

  /** Runs by what became of them, capped at 10 001; at most two seconds old. @throws XynFault `db_unavailable` */
  readonly runCounts: () => Promise<RunCounts>;
  /** How the parts are; at most five seconds old. Never rejects. */
  readonly health: () => Promise<HealthReport>;
  // What is the same for all viewers is read once for all of them.
  readonly #failures: () => Promise<RunDto[]>;
  readonly #deciders: () => Promise<{ approvers: string[]; gates: number }[]>;
  readonly #held: () => Promise<HomeFacts['held']>;
  readonly #lastDay: () => Promise<HomeFacts['lastDay']>;
  /** What waits to be worked off; at most two seconds old. @throws XynFault `db_unavailable` */
  readonly backlog: () => Promise<HomeFacts['backlog']>;

  /**
   * How many things need the viewer, as the home page lists them; above 20 it only says that there are more. At most two
   * seconds old. @throws XynFault `db_unavailable`
   */
  async needs(viewer: string): Promise<number> {
    const [deciders, failures, held] = await Promise.all([this.#deciders(), this.#failures(), this.#held()]);
    const mine = deciders.filter(({ approvers }) => approvers.length === 0 || approvers.includes(viewer));
    const gates = mine.reduce((sum, { gates: some }) => sum + some, 0);
    return Math.min(gates, MOST_ATTENTION + 1) + failures.length + held.length;
  }

  /** What somebody on call looks at first: of gates those that the viewer may decide. @throws XynFault `db_unavailable` */
  async home(viewer: string): Promise<HomeFacts> {
    const { store } = this.#deps;
    const [gates, failures, held, newest, counts, lastDay, backlog] = await Promise.all([
      store.openGates(MOST_ATTENTION + 1, viewer),
      store.unansweredFailures(MOST_ATTENTION + 1),
      this.#held(),
      store.runs({ status: ['created', 'running'] }, MOST_RUNNING),
      this.counts(),
      this.#lastDay(),
      this.backlog(),
    ]);
    const [running, asked] = await Promise.all([this.#lines(newest), this.#withEffects(gates)]);
    const isFirstStart = newest.length === 0 && lastDay.length === 0 && (await this.runCounts()).all === 0;
    return { gates: asked, failures, held, running, counts, lastDay, backlog, isFirstStart };
  }

  /** What gates let run, or ask about, and of which run, by their ids. @throws XynFault `db_unavailable` */
  async gateSubjects(gateIds: readonly string[]): Promise<Map<string, { run_name: string; effects: GateEffect[] }>> {
    const subjects = await this.#withEffects(await this.#deps.store.gateSubjects(gateIds));
    return new Map(subjects.map((one) => [one.gate_id, one]));
  }

  async #withEffects<G extends GateSubject>(gates: readonly G[]): Promise<(G & { effects: GateEffect[] })[]> {
    return Promise.all(gates.map(async (gate) => ({ effects: gateEffects(gate, await this.#planOf(gate)), ...gate })));
  }

  async #planOf({
    blueprint_id: id,
    blueprint_version: version,
  }: Pick<GateSubject, 'blueprint_id' | 'blueprint_version'>): Promise<Plan | undefined> {
    return version === null ? undefined : (await this.#deps.plans.get(id, version))?.plan;
  }

  /** One page of runs, newest first, with what a list shows of each. @throws XynFault `db_unavailable` */
  async runs(search: RunSearch, limit: number, cursor?: RunCursor): Promise<Page<RunLine, RunCursor>> {
    const rows = await this.#deps.store.runs(search, limit + 1, cursor);
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const next = last === undefined ? null : { created_at: last.created_at, run_id: last.run_id };
    return { items: await this.#lines(shown), next };
  }

  /** What cancelling a run would stop and leave. @throws XynFault `run_not_found`, `db_unavailable` */
  async cancelFacts(runId: string): Promise<CancelFacts> {
    const { access, store } = this.#deps;
    const [run, steps, gates] = await Promise.all([
      access.runs.get(runId),
      store.stepMarks([runId], MOST_MARKS),
      store.gatesOf([runId]),
    ]);
    if (run === undefined) throw new XynFault('run_not_found', 'No run has that id.');
    const running = steps.filter(({ status, kind }) => status === 'running' && kind !== 'gate').map(({ name }) => name);
    const done = steps.filter(({ status }) => status === 'completed').length;
    return { run, done, running, openGates: gates.length };
  }

  /** Gates, runs and blueprints that a few typed characters may mean. @throws XynFault `db_unavailable` */
  async search(text: string): Promise<SearchHits> {
    const { access, store } = this.#deps;
    const isId = /^[0-9a-f][0-9a-f-]{3,35}$/.test(text);
    const [gates, named, ids, blueprints] = await Promise.all([
      store.openGates(MOST_HITS),
      text === '' ? [] : store.runs({ name: text }, MOST_HITS),
      isId ? access.runs.withIdPrefix(text, 1) : [],
      access.blueprints.list(),
    ]);
    const [byId] = await Promise.all(ids.map((id) => access.runs.get(id)));
    const wanted = text.toLowerCase();
    const fits = (...texts: string[]): boolean => texts.some((one) => one.toLowerCase().includes(wanted));
    return {
      gates: gates.filter(({ message, run_name }) => fits(message ?? '', run_name)),
      runs: [...(byId === undefined ? [] : [byId]), ...named].slice(0, MOST_HITS),
      blueprints: blueprints.filter(({ blueprint_id, name }) => fits(blueprint_id, name)).slice(0, MOST_HITS),
    };
  }

  async #lines(runs: readonly RunDto[]): Promise<RunLine[]> {
    const { store } = this.#deps;
    const ids = runs.map(({ run_id }) => run_id);
    const open = runs.filter(({ status }) => status === 'created' || status === 'running');
    const blueprints = [...new Set(runs.map(({ blueprint_id }) => blueprint_id))];
    const [strips, gates, usual, plans] = await Promise.all([
      store.stepStrips(ids, MOST_MARKS_IN_LIST),
      store.gatesOf(open.map(({ run_id }) => run_id)),
      this.#deps.usual.of(blueprints),
      this.#shapes(runs),
    ]);
    return runLines(runs, { strips, gates, usual, plans });
  }

  /** The plans by their digest; they are kept in memory. */
  async #shapes(runs: readonly RunDto[]): Promise<Map<string, PlanShape>> {
    const wanted = new Map(runs.map((run) => [run.digest, run]));
    const shapes = new Map<string, PlanShape>();
    for (const [digest, run] of wanted) {
      const plan = await this.#planOf(run);
      if (plan === undefined) continue;
      const steps = plan.nodes.filter((node) => !('bodies' in node)).length;
      shapes.set(digest, { steps, top: plan.root.do.map((ix) => plan.nodes[ix]?.id ?? '') });
    }
    return shapes;
  }

  /** A gate with all that a person needs to decide. @throws XynFault `gate_not_found`, `db_unavailable` */
  async gate(gateId: string): Promise<GateFacts> {
    const { access, store } = this.#deps;
    const gate = await access.gates.get(gateId);
    if (gate === undefined) throw new XynFault('gate_not_found', 'No gate has that id.');
    const isRecovery = gate.purpose === 'recovery';
    const [run, steps, asked] = await Promise.all([
      access.runs.get(gate.run_id),
      store.stepMarks([gate.run_id], MOST_MARKS),
      isRecovery ? store.askedStep(gate.step_id) : undefined,
    ]);
    if (run === undefined) throw new XynFault('gate_not_found', 'The gate belongs to no run.');
    return gateFacts(gate, { run, steps, plan: await this.#planOf(run), asked });
  }
}
