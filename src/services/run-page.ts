import type { RunPageStore } from '../catalog/run-page-store.js';
import type { RunDetailDto } from '../domain/dtos.js';
import { shownLine } from '../domain/log-line.js';
import type { Plan } from '../domain/plan.js';
import type {
  LogPage,
  RunPageData,
  RunProgress,
  RunSurroundings,
  StepPanelRow,
  UsualTimes,
} from '../domain/run-page.js';
import type { ArtifactService } from './artifacts.js';
import { readLogPage, type LogRequest } from './log-page.js';
import type { PlanCache } from './plan-cache.js';
import type { RunService } from './runs.js';

export interface RunPageDeps {
  runs: Pick<RunService, 'get'>;
  plans: Pick<PlanCache, 'get'>;
  store: Pick<RunPageStore, keyof RunPageStore>;
  artifacts: Pick<ArtifactService, 'download'>;
  clock: () => number;
  /** Temporal's own screens, if they are known, and the namespace of the runs. */
  temporal: { uiUrl: string | null; namespace: string };
}

/** Usual times change slowly, and every look at a page of the blueprint's runs asks for them. */
const USUAL_FOR_MS = 60_000;
const MOST_KEPT = 500;
/** Records of a run may still come that long after its end. */
const SETTLED_MS = 60_000;
/** Who looks at a long run that has ended goes from step to step: its steps are read again when they are that old. */
const STEPS_FOR_MS = 15_000;
const MOST_LONG_RUNS = 20;

interface KeptSteps {
  at: number;
  progress: RunProgress;
}

/** What the page of a run reads. */
export class RunPageService {
  readonly #deps: RunPageDeps;
  readonly #usual = new Map<string, { at: number; times: UsualTimes }>();
  readonly #steps = new Map<string, KeptSteps>();

  constructor(deps: RunPageDeps) {
    this.#deps = deps;
  }

  /** @throws XynFault `run_not_found`, `db_unavailable` */
  async load(runId: string): Promise<RunPageData> {
    const [run, facts] = await Promise.all([this.#deps.runs.get(runId), this.#factsOf(runId)]);
    this.#keepSteps(run, facts);
    const [plan, usual] = await Promise.all([this.#planOf(run), this.#usualOf(run.blueprint_id)]);
    return { run, plan, usual, temporal_url: this.#temporalUrl(runId), ...facts };
  }

  /** A step by its path; null when it has no record yet. @throws XynFault `db_unavailable` */
  async step(runId: string, path: string): Promise<StepPanelRow | null> {
    const step = await this.#deps.store.step(runId, path);
    if (step?.tail == null) return step ?? null;
    const { counted, lines } = step.tail;
    const first = counted - lines.length + 1;
    return { ...step, tail: { counted, lines: lines.map((line, at) => shownLine(line, first + at)) } };
  }

  /**
   * Lines of a step's log.
   * @throws XynFault `artifact_not_found`, `artifact_damaged`, `db_unavailable`
   */
  async log(artifactId: string, request: LogRequest): Promise<LogPage> {
    const { open } = await this.#deps.artifacts.download(artifactId);
    return { artifact_id: artifactId, ...(await readLogPage(await open(), request)) };
  }

  async #factsOf(runId: string): Promise<RunProgress & RunSurroundings> {
    const { store, clock } = this.#deps;
    const kept = this.#steps.get(runId);
    if (kept !== undefined && clock() - kept.at < STEPS_FOR_MS)
      return { ...kept.progress, ...(await store.surroundings(runId)) };
    this.#steps.delete(runId);
    return store.load(runId);
  }

  /** Those of an ended run with loops: they may be ten thousand, and what is made of them is small. */
  #keepSteps({ run_id: id, completed_at: end }: RunDetailDto, facts: RunProgress): void {
    const now = this.#deps.clock();
    const isSettled = end !== null && now - Date.parse(end) > SETTLED_MS;
    if (!isSettled || facts.loops.length === 0 || this.#steps.has(id)) return;
    const { steps, loops, failed, completed } = facts;
    this.#steps.set(id, { at: now, progress: { steps, loops, failed, completed } });
    const oldest = this.#steps.keys().next().value;
    if (this.#steps.size > MOST_LONG_RUNS && oldest !== undefined) this.#steps.delete(oldest);
  }

  #temporalUrl(runId: string): string | null {
    const { uiUrl, namespace } = this.#deps.temporal;
    if (uiUrl === null) return null;
    const workflow = encodeURIComponent(`run/${runId}`);
    return `${uiUrl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${workflow}`;
  }

  async #planOf({ blueprint_id: id, blueprint_version: version, digest }: RunDetailDto): Promise<Plan | null> {
    const known = version === null ? undefined : await this.#deps.plans.get(id, version);
    return known?.intact === true && known.digest === digest ? known.plan : null;
  }

  async #usualOf(blueprintId: string): Promise<UsualTimes> {
    const { store, clock } = this.#deps;
    const kept = this.#usual.get(blueprintId);
    if (kept !== undefined && clock() - kept.at < USUAL_FOR_MS) return kept.times;
    const times = await store.usual(blueprintId);
    this.#usual.delete(blueprintId);
    this.#usual.set(blueprintId, { at: clock(), times });
    const oldest = this.#usual.keys().next().value;
    if (this.#usual.size > MOST_KEPT && oldest !== undefined) this.#usual.delete(oldest);
    return times;
  }
}
