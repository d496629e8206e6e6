import { randomUUID } from 'node:crypto';
import type { CatalogAccess, UnitOfWork } from '../catalog/unit-of-work.js';
import { invalidDocument } from '../domain/document-fault.js';
import type {
  ActivatedBlueprintDto,
  AppliedBlueprintDto,
  BlueprintDetailDto,
  BlueprintDto,
  BlueprintVersionDetailDto,
  BlueprintVersionDto,
  Page,
  ProblemDto,
} from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import { sha256Hex } from '../domain/hash.js';
import type { JsonObject } from '../domain/json.js';
import { planDigest } from '../domain/plan-digest.js';
import type { Plan } from '../domain/plan.js';
import { auditedCaller, type Caller } from './caller.js';
import { promotedEvent } from './engine-events.js';
import { answerOnce, earlierAnswer } from './kept-answers.js';
import { replaceSchedules } from './schedule-rows.js';
import { previewOf, type PreviewDeps, type PreviewRequest, type PlanPreviewDto } from './plan-preview.js';

export interface NewPlan {
  plan: Plan;
  /** The document as it was given. */
  source: string;
  /** Places in the source by node. */
  debug: JsonObject;
}

export type SavedPlan = Omit<AppliedBlueprintDto, 'warnings'>;

/** What a compiler says about a document: with errors there is no plan. */
export interface Compilation {
  compiled?: { plan: Plan; debug: JsonObject };
  /** Errors and warnings, by position. */
  problems: ProblemDto[];
}

export interface BlueprintServiceDeps {
  catalog: CatalogAccess;
  /** Turns the bytes of a document into a plan; never rejects for what its author wrote. Absent: only plans are taken. */
  compile?: (bytes: Uint8Array) => Promise<Compilation>;
  clock: () => number;
  envId: string;
  /** JSON Schema of documents. Absent: there is none. */
  documentSchema?: JsonObject;
  /** Told after the commit of another active version: its schedules may have changed. */
  onActivated?: () => void;
  /** What previews of plans are made with. Absent: there are none. */
  preview?: PreviewDeps;
}

/** What saving a plan is part of. */
interface SaveOptions {
  /** The version that must be active: a version that another one was activated over is not replaced unseen. */
  base?: { version: number | null };
  /** The draft that becomes the version. */
  draft?: { draft_id: string; revision: number };
}

interface Activation extends Pick<SaveOptions, 'draft'> {
  plan: Plan;
  /** The version that is active so far. */
  active: number | null;
  saved: SavedPlan;
  reason?: string;
}

/** Keyset of the listing of versions: the last one shown. */
export interface VersionCursor {
  version: number;
}

/** Name under which answers to `apply` are kept. */
const APPLY = 'blueprint.apply';

/** Blueprints and their versions. */
export class BlueprintService {
  readonly #deps: BlueprintServiceDeps;
  readonly #applying = new Map<string, Promise<AppliedBlueprintDto>>();

  constructor(deps: BlueprintServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a plan the active version of its blueprint; a digest that is known gets no second version. Saving the active
   * version again changes nothing.
   * @throws XynFault `plan_digest_mismatch`, `audit_unavailable`, `db_unavailable`.
   */
  async savePlan(caller: Caller, newPlan: NewPlan): Promise<SavedPlan> {
    const saved = await this.#deps.catalog.transaction((unit) => this.saveWithin(unit, caller, newPlan));
    this.activated();
    return saved;
  }

  /** What the compiler makes of a document. Changes nothing. */
  async compile(bytes: Uint8Array): Promise<Compilation> {
    return this.#compile(bytes);
  }

  /** Checks a document and changes nothing. */
  async validate(bytes: Uint8Array): Promise<{ is_valid: boolean; problems: ProblemDto[] }> {
    const { compiled, problems } = await this.#compile(bytes);
    return { is_valid: compiled !== undefined, problems };
  }

  /** JSON Schema (draft 2020-12) of documents, for editors: names, expressions and types are checked by the compiler alone. */
  documentSchema(): JsonObject {
    const { documentSchema } = this.#deps;
    if (documentSchema === undefined) throw new XynFault('internal', 'No schema of documents was handed in.');
    return documentSchema;
  }

  /**
   * What a run of a document, or of a version that is there, would do. Writes nothing and calls nothing.
   * @throws XynFault `blueprint_invalid` with every problem, `blueprint_unknown`, `input_missing`, `input_unknown`,
   * `input_invalid`, `event_name_format`, `db_unavailable`.
   */
  async preview(request: PreviewRequest): Promise<PlanPreviewDto> {
    const { preview } = this.#deps;
    if (preview === undefined) throw new XynFault('internal', 'No contracts of actions were handed in.');
    return previewOf(await this.#planOf(request), request, { ...preview, nowMs: this.#deps.clock() });
  }

  async #planOf(request: PreviewRequest): Promise<Plan> {
    if (request.source !== undefined) {
      const { compiled, problems } = await this.#compile(request.source);
      if (compiled === undefined) throw invalidDocument(problems);
      return compiled.plan;
    }
    const [, id = '', wanted] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(request.blueprint_ref) ?? [];
    const version = wanted === undefined ? (await this.get(id)).active_version : Number(wanted);
    if (version === null) throw new XynFault('blueprint_unknown', 'The blueprint has no active version.');
    return (await this.version(id, version)).plan as unknown as Plan;
  }

  /**
   * Makes a document the active version of its blueprint; doing it again changes nothing.
   * @param key the same key with the same document gets the same answer, for 90 days.
   * @throws XynFault `blueprint_invalid` with every problem, `idempotency_mismatch`, and what `savePlan` throws.
   */
  async apply(caller: Caller, bytes: Uint8Array, key?: string): Promise<AppliedBlueprintDto> {
    const source = new TextDecoder().decode(bytes);
    const bodySha256 = sha256Hex(source);
    if (key === undefined) return this.#apply(caller, { bytes, source, bodySha256 });
    // Repeats at one time would only queue for the blueprint's lock: here they wait for the first one's answer.
    const name = `${bodySha256} ${key}`;
    const first = this.#applying.get(name);
    if (first !== undefined) return first;
    const applying = this.#apply(caller, { bytes, source, bodySha256, key }).finally(() => this.#applying.delete(name));
    this.#applying.set(name, applying);
    return applying;
  }

  async #apply(
    caller: Caller,
    { bytes, source, bodySha256, key }: { bytes: Uint8Array; source: string; bodySha256: string; key?: string },
  ): Promise<AppliedBlueprintDto> {
    const { catalog } = this.#deps;
    const request = { operation: APPLY, key, bodySha256 };
    const earlier = await earlierAnswer<AppliedBlueprintDto>(catalog, request);
    if (earlier !== undefined) return earlier;
    const { compiled, problems } = await this.#compile(bytes);
    if (compiled === undefined) throw invalidDocument(problems);
    const applied = await answerOnce(catalog, request, async (unit) => ({
      ...(await this.saveWithin(unit, caller, { ...compiled, source })),
      warnings: problems,
    }));
    this.activated();
    return applied;
  }

  async list(): Promise<BlueprintDto[]> {
    return this.#deps.catalog.blueprints.list();
  }

  /** @throws XynFault `blueprint_unknown`. */
  async get(blueprintId: string): Promise<BlueprintDetailDto> {
    const blueprint = await this.#deps.catalog.blueprints.get(blueprintId);
    if (blueprint === undefined) throw new XynFault('blueprint_unknown', 'No blueprint has that id.');
    return blueprint;
  }

  /**
   * The versions of a blueprint, newest first.
   * @throws XynFault `blueprint_unknown`.
   */
  async versions(
    blueprintId: string,
    { limit, cursor }: { limit: number; cursor?: VersionCursor },
  ): Promise<Page<BlueprintVersionDto, VersionCursor>> {
    const { blueprints } = this.#deps.catalog;
    const rows = await blueprints.versions(blueprintId, limit + 1, cursor?.version);
    if (rows.length === 0 && cursor === undefined) await this.get(blueprintId);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { version: last.version } };
  }

  /** @throws XynFault `blueprint_unknown`. */
  async version(blueprintId: string, version: number): Promise<BlueprintVersionDetailDto> {
    const found = await this.#deps.catalog.blueprints.versionDetail(blueprintId, version);
    if (found === undefined) throw new XynFault('blueprint_unknown', 'No blueprint has that id and version.');
    return found;
  }

  /**
   * The same as `savePlan`, inside a transaction.
   * @throws XynFault `conflict`, and what `savePlan` throws.
   */
  async saveWithin(
    unit: UnitOfWork,
    caller: Caller,
    { plan, source, debug }: NewPlan,
    { base, draft }: SaveOptions = {},
  ): Promise<SavedPlan> {
    const { active_version: active } = await unit.blueprints.lock(plan.id, plan.name ?? plan.id);
    const known = await unit.blueprints.findDigest(plan.id, plan.digest);
    const version = known.version ?? known.highest + 1;
    const created = known.version === undefined;
    if (base !== undefined && active !== base.version && version !== active)
      throw versionConflict(plan.id, active, base);
    if (created) await unit.blueprints.insertVersion({ version, source, plan, debug, created_by: caller.actor });
    const saved = { blueprint_id: plan.id, version, digest: plan.digest, created };
    await this.#activate(unit, caller, { plan, active, saved, ...(draft === undefined ? {} : { draft }) });
    return saved;
  }

  /**
   * Makes a version that is there the active one, such as the one before; its triggers hold from then on. Asking for the
   * active version changes nothing.
   * @throws XynFault `blueprint_unknown`, `plan_digest_mismatch`, `audit_unavailable`, `db_unavailable`.
   */
  async activate(
    caller: Caller,
    blueprintId: string,
    { version, reason }: { version: number; reason?: string },
  ): Promise<ActivatedBlueprintDto> {
    const activated = await this.#deps.catalog.transaction(async (unit) => {
      const { blueprints } = unit;
      const stored = await blueprints.version(blueprintId, version);
      if (stored === undefined) throw new XynFault('blueprint_unknown', 'No blueprint has that id and version.');
      const { digest, plan } = stored;
      const { active_version: active } = await blueprints.lock(blueprintId, plan.name ?? plan.id);
      const saved = { blueprint_id: blueprintId, version, digest, created: false };
      await this.#activate(unit, caller, { plan, active, saved, ...(reason === undefined ? {} : { reason }) });
      return { blueprint_id: blueprintId, version, digest, previous_version: active };
    });
    this.activated();
    return activated;
  }

  /** To be called after a commit in which `saveWithin` may have made another version active. */
  activated(): void {
    this.#deps.onActivated?.();
  }

  async #activate(unit: UnitOfWork, caller: Caller, { plan, active, saved, reason, draft }: Activation): Promise<void> {
    const { version, digest, created } = saved;
    if (planDigest(plan) !== digest) throw new XynFault('plan_digest_mismatch', 'The plan does not fit its digest.');
    if (version === active) return;
    await unit.blueprints.activate(plan, version, await replaceSchedules(unit, plan, version));
    await unit.audit([
      {
        key: `blueprint/${plan.id}/${version}/${randomUUID()}`,
        at: new Date(this.#deps.clock()),
        action: 'blueprint.activate',
        resource_type: 'blueprint',
        resource_id: plan.id,
        before: { active_version: active },
        after: { active_version: version, digest, created },
        ...(reason === undefined ? {} : { reason }),
        ...auditedCaller(caller),
        env_id: this.#deps.envId,
      },
    ]);
    const change = { blueprint_id: plan.id, version, digest, previous_version: active, ...draft };
    await unit.events.insert([promotedEvent(caller, this.#deps, change)]);
  }

  async #compile(bytes: Uint8Array): Promise<Compilation> {
    if (this.#deps.compile === undefined) throw new XynFault('internal', 'No compiler was handed in.');
    return this.#deps.compile(bytes);
  }
}

function versionConflict(blueprintId: string, active: number | null, base: { version: number | null }): XynFault {
  const now = active === null ? 'has no active version' : `is at version ${active}`;
  const then = base.version === null ? 'before it had one' : `with version ${base.version}`;
  return new XynFault(
    'conflict',
    `${blueprintId} ${now}, but the work on the draft began ${then}. Compare them (diff), then save the draft with \`base_version\` ${active}.`,
    { details: { active_version: active, base_version: base.version } },
  );
}
