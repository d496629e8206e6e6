import { randomUUID } from 'node:crypto';
import type { RerunSource } from '../catalog/rerun-store.js';
import type { AuditEntry } from '../catalog/audit.js';
import type { RunRow } from '../catalog/start-rows.js';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { RunDto } from '../domain/dtos.js';
import type { Reused } from '../domain/engine/state.js';
import type { Read } from '../domain/expression/reads.js';
import { XynFault } from '../domain/fault.js';
import { sha256Hex, uuidV5 } from '../domain/hash.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import type { RerunDto, RerunPlanDto, RerunRequest } from '../domain/rerun.js';
import type { Caller } from './caller.js';
import { checkInputs } from './inputs.js';
import type { KnownPlan } from './plan-cache.js';
import { laneOf } from './rails.js';
import { RerunRecords } from './rerun-records.js';
import { readResults, type RerunResultDeps } from './rerun-results.js';
import { walkRerun, type Walked } from './rerun-walk.js';
import { createRuns, type RunCreationDeps } from './run-creation.js';
import { isStorable, isStorableText } from './storable-json.js';

export interface RerunDeps extends RunCreationDeps, RerunResultDeps {
  catalog: CatalogAccess;
  /** Told after the commit of a new run. */
  wake: () => void;
}

export interface KeyedRerunRequest extends RerunRequest {
  /** The same key with the same body names the same run, for ever. */
  idempotencyKey?: string;
}

/** Name space of run ids that come from an Idempotency-Key. */
const RERUN_KEYS = '0d7a6c54-3c0f-5a8e-8b57-1f1c2b6d9a10';
/** Paths that an answer lists; the counts are of all. */
const MOST_LISTED = 1_000;

/** All that is known before a rerun is made. */
interface Prepared {
  source: RunDto;
  known: KnownPlan;
  inputs: JsonObject;
  facts: RerunSource;
  walked: Walked;
  entries: Record<string, Reused>;
}

/**
 * Reruns: a new run that is linked with an ended one and takes over what that one did, up to the first step that has to run
 * anew. Nothing of the earlier run changes.
 */
export class RerunService {
  readonly #deps: RerunDeps;

  constructor(deps: RerunDeps) {
    this.#deps = deps;
  }

  /**
   * What a rerun would take over and do; changes nothing.
   * @throws XynFault as `rerun`.
   */
  async preview(runId: string, request: RerunRequest): Promise<RerunDto> {
    return { run: null, ...told(await this.#prepare(runId, request)) };
  }

  /**
   * Starts a rerun; answered when it is committed, before its workflow starts.
   * @throws XynFault `run_not_found`, `run_open`, `rerun_open`, `rerun_too_large`, `records_incomplete`, `step_not_found`,
   * `blueprint_unknown`, `blueprint_disabled`, `plan_digest_mismatch`, `input_missing`, `input_unknown`, `input_invalid`,
   * `idempotency_mismatch`, `request_invalid`, `audit_unavailable`, `db_unavailable`.
   */
  async rerun(
    caller: Caller,
    runId: string,
    { idempotencyKey: key, ...request }: KeyedRerunRequest,
  ): Promise<RerunDto> {
    const body = sha256Hex(canonicalJson({ rerun_of: runId, ...request }));
    const earlier = await this.#earlier(key, body);
    const prepared = await this.#prepare(runId, request, earlier);
    if (earlier !== undefined) return { run: earlier, ...told(prepared) };
    const row = this.#rowOf(caller, prepared, key, body);
    await this.#create(caller, row, prepared, request);
    this.#deps.wake();
    const run = (await this.#earlier(key, body)) ?? (await this.#deps.catalog.runs.get(row.run_id));
    if (run === undefined) throw new XynFault('internal', 'The run that was just written is gone.');
    return { run, ...told(prepared) };
  }

  async #earlier(key: string | undefined, body: string): Promise<RunDto | undefined> {
    if (key === undefined) return undefined;
    if (!isStorableText(key)) throw new XynFault('request_invalid', 'The key holds characters that no text has.');
    const known = await this.#deps.catalog.runs.byKey(key);
    if (known !== undefined && known.bodySha256 !== body) {
      throw new XynFault('idempotency_mismatch', 'The Idempotency-Key was used before, with another body.', {
        details: { run_id: known.run.run_id },
      });
    }
    return known?.run;
  }

  /** @param made the run that an earlier call with the same key made: it stays what it is. */
  async #prepare(runId: string, request: RerunRequest, made?: RunDto): Promise<Prepared> {
    if (!isStorableText(request.from ?? '') || !isStorable(request.inputs ?? {})) {
      throw new XynFault('request_invalid', 'Texts must not hold NUL or half characters (unpaired surrogates).');
    }
    const { runs, reruns } = this.#deps.catalog;
    const [source, facts] = await Promise.all([runs.get(runId), reruns.source(runId, { lock: false })]);
    if (source === undefined || facts === undefined) throw new XynFault('run_not_found', 'No run has that id.');
    requireEnded(source, facts);
    if (made === undefined) requireAlone(facts);
    const previous = await this.#planOf(source.blueprint_id, source.blueprint_version, source.digest);
    const known = await this.#chosen(source, previous, request, made);
    requireStep(known.plan, request.from);
    const inputs = made?.inputs ?? inputsOf(known.plan, source.inputs, request.inputs ?? {});
    const walk = {
      plan: known.plan,
      previous: previous.plan,
      records: new RerunRecords(await reruns.steps(runId)),
      isChanged: changesBetween(
        { inputs: source.inputs, env: facts.env as unknown as Json },
        { inputs, env: this.#deps.env as unknown as Json },
      ),
      ...(request.from === undefined ? {} : { from: request.from }),
      ...(request.from === undefined && source.status === 'completed' ? { nothing: 'run_completed' as const } : {}),
    };
    const found = walkRerun(walk);
    const { entries, gone } = await readResults(this.#deps, runId, found.takes);
    const walked = gone.size === 0 ? found : walkRerun({ ...walk, gone });
    const taken = walked.takes.flatMap(({ path }) => {
      const entry = entries.get(path);
      return entry === undefined ? [] : [[path, entry] as const];
    });
    return { source, known, inputs, facts, walked, entries: Object.fromEntries(taken) };
  }

  async #chosen(source: RunDto, previous: KnownPlan, { latest }: RerunRequest, made?: RunDto): Promise<KnownPlan> {
    if (made !== undefined) return this.#planOf(made.blueprint_id, made.blueprint_version, made.digest);
    const blueprint = await this.#deps.catalog.blueprints.get(source.blueprint_id);
    if (blueprint === undefined) throw new XynFault('blueprint_unknown', 'The blueprint of the run is gone.');
    if (!blueprint.enabled) throw new XynFault('blueprint_disabled', 'The blueprint is switched off.');
    if (latest !== true) return previous;
    return this.#planOf(source.blueprint_id, blueprint.active_version, blueprint.digest);
  }

  async #planOf(id: string, version: number | null, digest: string | null): Promise<KnownPlan> {
    const known = version === null ? undefined : await this.#deps.plans.get(id, version);
    if (known === undefined) throw new XynFault('blueprint_unknown', 'The version of the blueprint is gone.');
    if (!known.intact || known.digest !== digest)
      throw new XynFault('plan_digest_mismatch', 'The stored plan does not fit its digest.');
    return known;
  }

  #rowOf(caller: Caller, prepared: Prepared, key: string | undefined, body: string): RunRow {
    const { source, known, inputs, facts, walked } = prepared;
    const [first] = walked.anew.keys();
    const isWhole = walked.takes.length === 0;
    return {
      run_id: key === undefined ? randomUUID() : uuidV5(RERUN_KEYS, key),
      name: source.name,
      blueprint_id: source.blueprint_id,
      blueprint_version: known.version,
      digest: known.digest,
      trigger: source.trigger,
      event_id: source.event_id,
      inputs,
      actor: caller.actor,
      correlation_id: source.correlation_id,
      env_id: this.#deps.env.id,
      env: this.#deps.env,
      priority: source.priority,
      cause_depth: facts.cause_depth,
      idempotency_key: key ?? null,
      body_sha256: key === undefined ? null : body,
      rerun_of: source.run_id,
      ...(isWhole || first === undefined ? {} : { rerun_from: first }),
    };
  }

  async #create(caller: Caller, row: RunRow, prepared: Prepared, request: RerunRequest): Promise<void> {
    const { source, known, entries } = prepared;
    await this.#deps.catalog.transaction(async (unit) => {
      const now = await unit.reruns.source(source.run_id, { lock: true });
      // The same call, made twice at once, made the run already.
      if (now === undefined || now.open_rerun === row.run_id) return;
      requireAlone(now);
      const lane = laneOf(known.plan, row.trigger);
      const audited = [rerunEntry(caller, row, prepared, request, this.#deps)];
      await createRuns(unit, this.#deps, [{ row, lane }], { entries: audited });
      if (Object.keys(entries).length > 0) await unit.reruns.keep(row.run_id, entries);
    });
  }
}

/** The old inputs with those that are given; what an input was by default may have another default now. */
function inputsOf(plan: Plan, before: JsonObject, given: JsonObject): JsonObject {
  const declared = isJsonObject(plan.inputs['properties']) ? plan.inputs['properties'] : {};
  const kept = Object.entries(before).filter(([name, value]) => {
    const schema = Object.hasOwn(declared, name) ? declared[name] : undefined;
    // Null stands for an input that was not given, unless it could have been a default.
    return schema !== undefined && (value !== null || (isJsonObject(schema) && Object.hasOwn(schema, 'default')));
  });
  const checked = checkInputs(plan, { ...Object.fromEntries(kept), ...given });
  if ('inputs' in checked) return checked.inputs;
  throw new XynFault(checked.code, checked.problems[0]?.message ?? 'The inputs do not fit.', {
    details: { problems: checked.problems },
  });
}

/** Whether what an expression reads of inputs and environment is another value now. */
function changesBetween(before: JsonObject, now: JsonObject): (read: Read) => boolean {
  return (read) => {
    if (read[0] === undefined || !Object.hasOwn(before, read[0])) return false;
    return canonicalJson(valueAt(before, read)) !== canonicalJson(valueAt(now, read));
  };
}

function valueAt(value: Json, keys: readonly string[]): Json {
  let at: Json = value;
  for (const key of keys) {
    if (!isJsonObject(at) || !Object.hasOwn(at, key)) return null;
    at = at[key] as Json;
  }
  return at;
}

function requireEnded(source: RunDto, facts: RerunSource): void {
  if (source.status === 'created' || source.status === 'running') {
    throw new XynFault('run_open', 'The run has not ended; wait for its end, or cancel it.');
  }
  if (facts.needs_repair) {
    throw new XynFault('records_incomplete', 'Records of the run are still being repaired; try again in a minute.');
  }
}

/** Two reruns at once would do the same things side by side. */
function requireAlone({ open_rerun: open }: RerunSource): void {
  if (open === null) return;
  throw new XynFault('rerun_open', 'Another rerun of this run has not ended.', { details: { run_id: open } });
}

function requireStep(plan: Plan, from: string | undefined): void {
  if (from === undefined) return;
  const fixed = from.replace(/\[\d+\]|#\d+/g, '');
  if (plan.nodes.some(({ id, path }) => id === fixed || path === fixed)) return;
  throw new XynFault('step_not_found', 'The blueprint has no step of that id or path.', { details: { from } });
}

function rerunEntry(
  caller: Caller,
  row: RunRow,
  { source, walked }: Prepared,
  request: RerunRequest,
  { clock }: Pick<RerunDeps, 'clock'>,
): AuditEntry {
  return {
    key: `run/${row.run_id}/rerun`,
    at: new Date(clock()),
    actor: caller.actor,
    action: 'run.rerun',
    resource_type: 'run',
    resource_id: source.run_id,
    after: {
      new_run_id: row.run_id,
      blueprint_version: row.blueprint_version,
      from: row.rerun_from ?? null,
      // Names only: values may be personal, and the new run has them.
      changed_inputs: Object.keys(request.inputs ?? {}),
      reused: walked.takes.length,
      source: caller.source,
      proven: caller.proven,
    },
    run_id: source.run_id,
    correlation_id: source.correlation_id,
    env_id: row.env_id,
  };
}

function told({ known, walked: { takes, anew } }: Prepared): RerunPlanDto {
  return {
    blueprint_version: known.version,
    reused: takes.slice(0, MOST_LISTED).map(({ path }) => path),
    reused_count: takes.length,
    anew: [...anew].slice(0, MOST_LISTED).map(([path, reason]) => ({ path, reason })),
    anew_count: anew.size,
  };
}
