import { randomUUID } from 'node:crypto';
import type { FootprintCursor } from '../catalog/footprint-store.js';
import type { RunCursor, RunFilter, RunToStart, StepCursor } from '../catalog/run-store.js';
import type { RunRow } from '../catalog/start-rows.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type {
  FootprintDto,
  FootprintTotalDto,
  Page,
  RunDetailDto,
  RunDto,
  StepDetailDto,
  StepDto,
} from '../domain/dtos.js';
import type { RunStatus } from '../domain/engine/state.js';
import { XynFault } from '../domain/fault.js';
import type { Plan } from '../domain/plan.js';
import { sha256Hex, uuidV5 } from '../domain/hash.js';
import { canonicalJson, type JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';
import type { CancelSender } from './cancel-sender.js';
import { checkInputs, type CheckedInputs } from './inputs.js';
import type { KnownPlan } from './plan-cache.js';
import { laneOf } from './rails.js';
import { requestCancel } from './run-cancel.js';
import { createRuns, type RunCreationDeps } from './run-creation.js';
import type { PlannedRun } from './run-places.js';
import { isStorable, isStorableText } from './storable-json.js';
import type { WaitingOnService } from './waiting-on.js';

export interface CreateRunRequest {
  /** Shown in lists; default: the blueprint's name. */
  name?: string;
  /** A blueprint's id, or `id@version`. */
  blueprint_ref: string;
  inputs?: JsonObject;
  /** Higher is more urgent; default 0. */
  priority?: number;
  /** The same key with the same body names the same run, for ever. */
  idempotencyKey?: string;
}

/** A run that was not started. */
export interface RunPreview {
  /** The blueprint's name. */
  name: string;
  version: number;
  plan: Plan;
  /** The inputs with their defaults, or their problems. */
  checked: CheckedInputs;
}

export interface RunServiceDeps extends RunCreationDeps {
  catalog: CatalogAccess;
  waits: Pick<WaitingOnService, 'of'>;
  cancels: CancelSender;
  /** Told after the commit of a new run, with it if it may be started at once. */
  wake: (leased: readonly RunToStart[]) => void;
}

/** Name space of run ids that come from an Idempotency-Key. */
const RUN_KEYS = 'a8d2a2a0-5a0b-5d0e-9f3e-6a1d0b6c7e11';

/** Runs: started by hand, listed, explained, cancelled. */
export class RunService {
  readonly #deps: RunServiceDeps;

  constructor(deps: RunServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a run by hand; answered when it is committed, before its workflow starts.
   * @throws XynFault `blueprint_unknown`, `blueprint_disabled`, `input_missing`, `input_unknown`, `input_invalid`,
   * `idempotency_mismatch`, `plan_digest_mismatch`, `request_invalid`, `audit_unavailable`, `db_unavailable`.
   */
  async create(caller: Caller, request: CreateRunRequest): Promise<RunDto> {
    const body = bodySha256(request);
    const earlier = await this.#earlier(request.idempotencyKey, body);
    if (earlier !== undefined) return earlier;
    const planned = await this.#planned(caller, request, body);
    const { row } = planned;
    const added = await this.#deps.catalog.transaction((unit) => createRuns(unit, this.#deps, [planned]));
    if (added.ids.length > 0) this.#deps.wake(added.leased);
    // Another call with the same key was faster: its body decides.
    const run = (await this.#earlier(request.idempotencyKey, body)) ?? (await this.#deps.catalog.runs.get(row.run_id));
    if (run === undefined) throw new XynFault('internal', 'The run that was just written is gone.');
    return run;
  }

  /**
   * What `create` would start, and what is wrong with the inputs; changes nothing.
   * @throws XynFault `blueprint_unknown`, `blueprint_disabled`, `plan_digest_mismatch`, `db_unavailable`.
   */
  async preview({ blueprint_ref: ref, inputs = {} }: CreateRunRequest): Promise<RunPreview> {
    const { name, known } = await this.#resolve(ref);
    return { name, version: known.version, plan: known.plan, checked: checkInputs(known.plan, inputs) };
  }

  /** Newest first. */
  async list(query: RunFilter & { limit: number; cursor?: RunCursor }): Promise<Page<RunDto, RunCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.catalog.runs.list(filter, limit + 1, cursor);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { created_at: last.created_at, run_id: last.run_id } };
  }

  /** Ids that begin with a text of hex digits and dashes, at most `limit`. */
  async idsWithPrefix(prefix: string, limit: number): Promise<string[]> {
    return this.#deps.catalog.runs.withIdPrefix(prefix, limit);
  }

  /**
   * A run with the reasons why it does not move.
   * @throws XynFault `run_not_found`.
   */
  async get(runId: string): Promise<RunDetailDto> {
    const run = await this.#found(runId);
    return { ...run, waiting_on: isOpen(run.status) ? await this.#deps.waits.of(run) : [] };
  }

  /**
   * The steps of a run, in the order in which it reached them. A step of an open run that moves on between two pages may
   * be on both; none is left out.
   * @throws XynFault `run_not_found`.
   */
  async steps(
    runId: string,
    { limit, cursor }: { limit: number; cursor?: StepCursor },
  ): Promise<Page<StepDto, StepCursor>> {
    await this.#found(runId);
    const rows = await this.#deps.catalog.runs.steps(runId, limit + 1, cursor);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    const next = last === undefined ? null : { seq: last.seq, path: last.step.path };
    return { items: items.map(({ step }) => step), next };
  }

  /**
   * A step with its attempts.
   * @throws XynFault `step_not_found`.
   */
  async step(runId: string, stepId: string): Promise<StepDetailDto> {
    const step = await this.#deps.catalog.runs.step(runId, stepId);
    if (step === undefined) throw new XynFault('step_not_found', 'The run has no such step.');
    return step;
  }

  /**
   * What a run used so far, oldest first, and its totals.
   * @throws XynFault `run_not_found`.
   */
  async footprints(
    runId: string,
    { limit, cursor }: { limit: number; cursor?: FootprintCursor },
  ): Promise<Page<FootprintDto, FootprintCursor> & { totals: FootprintTotalDto[] }> {
    await this.#found(runId);
    const { footprints } = this.#deps.catalog;
    const [rows, totals] = await Promise.all([footprints.list(runId, limit + 1, cursor), footprints.totals(runId)]);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    if (last === undefined) return { items, totals, next: null };
    const { recorded_at, source_kind, source_ref, metric } = last;
    return { items, totals, next: { recorded_at, source_kind, source_ref, metric } };
  }

  /**
   * Asks a run to cancel; the first wish stands, and a run that has ended stays as it is. A run that was not started yet
   * is cancelled right after its start.
   * @returns the run as it is now: it ends when its workflow has done so.
   * @throws XynFault `run_not_found`, `request_invalid`, `audit_unavailable`, `db_unavailable`.
   */
  async cancel(caller: Caller, runId: string, reason: string): Promise<RunDto> {
    if (!isStorableText(reason)) throw new XynFault('request_invalid', 'The reason holds characters that no text has.');
    const facts = { at: new Date(this.#deps.clock()), envId: this.#deps.env.id };
    const found = await this.#deps.catalog.transaction((unit) =>
      requestCancel(unit, caller, { runId, reason, ...facts }),
    );
    if (found === undefined) throw notFound();
    if (!found.changed) return found.before;
    await this.#deps.cancels.send({ run_id: runId, by: caller.actor, reason });
    return this.#found(runId);
  }

  async #found(runId: string): Promise<RunDto> {
    const run = await this.#deps.catalog.runs.get(runId);
    if (run === undefined) throw notFound();
    return run;
  }

  async #earlier(key: string | undefined, body: string): Promise<RunDto | undefined> {
    const known = key === undefined ? undefined : await this.#deps.catalog.runs.byKey(key);
    if (known !== undefined && known.bodySha256 !== body) {
      throw new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, with another body.', {
        details: { run_id: known.run.run_id },
      });
    }
    return known?.run;
  }

  async #planned(caller: Caller, request: CreateRunRequest, body: string): Promise<PlannedRun> {
    const { inputs = {}, idempotencyKey: key } = request;
    if (!isStorable(inputs) || !isStorableText(request.name ?? '') || !isStorableText(key ?? '')) {
      throw new XynFault('request_invalid', 'Texts must not hold NUL or half characters (unpaired surrogates).');
    }
    const { name, known } = await this.#resolve(request.blueprint_ref);
    const checked = checkInputs(known.plan, inputs);
    if ('code' in checked) {
      throw new XynFault(checked.code, checked.problems[0]?.message ?? 'The inputs do not fit.', {
        details: { problems: checked.problems },
      });
    }
    const row: RunRow = {
      run_id: key === undefined ? randomUUID() : uuidV5(RUN_KEYS, key),
      name: request.name ?? name,
      blueprint_id: known.plan.id,
      blueprint_version: known.version,
      digest: known.digest,
      trigger: 'manual',
      event_id: null,
      inputs: checked.inputs,
      actor: caller.actor,
      correlation_id: caller.correlationId,
      env_id: this.#deps.env.id,
      env: this.#deps.env,
      priority: request.priority ?? 0,
      cause_depth: 0,
      idempotency_key: key ?? null,
      body_sha256: key === undefined ? null : body,
    };
    return { row, lane: laneOf(known.plan, row.trigger) };
  }

  async #resolve(ref: string): Promise<{ name: string; known: KnownPlan }> {
    const [, id = '', wanted] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(ref) ?? [];
    const blueprint = isStorableText(id) && id !== '' ? await this.#deps.catalog.blueprints.get(id) : undefined;
    const version = wanted === undefined ? blueprint?.active_version : Number(wanted);
    const known = version == null ? undefined : await this.#deps.plans.get(id, version);
    if (blueprint === undefined || known === undefined) {
      throw new XynFault('blueprint_unknown', 'No blueprint has that id and version.', {
        details: { blueprint_ref: ref },
      });
    }
    if (!blueprint.enabled) throw new XynFault('blueprint_disabled', 'The blueprint is switched off.');
    if (!known.intact) throw new XynFault('plan_digest_mismatch', 'The stored plan does not fit its digest.');
    return { name: blueprint.name, known };
  }
}

function isOpen(status: RunStatus): boolean {
  return status === 'created' || status === 'running';
}

function bodySha256({ idempotencyKey: _key, ...body }: CreateRunRequest): string {
  return sha256Hex(canonicalJson(body));
}

function notFound(): XynFault {
  return new XynFault('run_not_found', 'No run has that id.');
}
