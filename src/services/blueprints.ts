import { randomUUID } from 'node:crypto';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import { invalidDocument } from '../domain/document-fault.js';
import type { AppliedBlueprintDto, BlueprintDetailDto, BlueprintDto, ProblemDto } from '../domain/dtos.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import { planDigest } from '../domain/plan-digest.js';
import type { Plan } from '../domain/plan.js';
import type { Caller } from './caller.js';

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
}

/** Blueprints and their versions. */
export class BlueprintService {
  readonly #deps: BlueprintServiceDeps;

  constructor(deps: BlueprintServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a plan the active version of its blueprint; a digest that is known gets no second version. Saving the active
   * version again changes nothing.
   * @throws XynFault `plan_digest_mismatch`, `audit_unavailable`, `db_unavailable`.
   */
  async savePlan(caller: Caller, { plan, source, debug }: NewPlan): Promise<SavedPlan> {
    if (planDigest(plan) !== plan.digest)
      throw new XynFault('plan_digest_mismatch', 'The plan does not fit its digest.');
    return this.#deps.catalog.transaction(async (unit) => {
      const { active_version: active } = await unit.blueprints.lock(plan.id, plan.name ?? plan.id);
      const known = await unit.blueprints.findDigest(plan.id, plan.digest);
      const version = known.version ?? known.highest + 1;
      const created = known.version === undefined;
      if (created) await unit.blueprints.insertVersion({ version, source, plan, debug, created_by: caller.actor });
      if (version !== active) {
        await unit.blueprints.activate(plan, version);
        await unit.audit([
          {
            key: `blueprint/${plan.id}/${version}/${randomUUID()}`,
            at: new Date(this.#deps.clock()),
            actor: caller.actor,
            action: 'blueprint.activate',
            resource_type: 'blueprint',
            resource_id: plan.id,
            before: { active_version: active },
            after: { active_version: version, digest: plan.digest, created },
            correlation_id: caller.correlationId,
            env_id: this.#deps.envId,
          },
        ]);
      }
      return { blueprint_id: plan.id, version, digest: plan.digest, created };
    });
  }

  /** Checks a document and changes nothing. */
  async validate(bytes: Uint8Array): Promise<{ is_valid: boolean; problems: ProblemDto[] }> {
    const { compiled, problems } = await this.#compile(bytes);
    return { is_valid: compiled !== undefined, problems };
  }

  /**
   * Makes a document the active version of its blueprint; doing it again changes nothing.
   * @throws XynFault `blueprint_invalid` with every problem, and what `savePlan` throws.
   */
  async apply(caller: Caller, bytes: Uint8Array): Promise<AppliedBlueprintDto> {
    const { compiled, problems } = await this.#compile(bytes);
    if (compiled === undefined) throw invalidDocument(problems);
    const source = new TextDecoder().decode(bytes);
    return { ...(await this.savePlan(caller, { ...compiled, source })), warnings: problems };
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

  async #compile(bytes: Uint8Array): Promise<Compilation> {
    if (this.#deps.compile === undefined) throw new XynFault('internal', 'No compiler was handed in.');
    return this.#deps.compile(bytes);
  }
}
