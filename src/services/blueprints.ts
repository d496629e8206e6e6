import { randomUUID } from 'node:crypto';
import type { CatalogAccess } from '../catalog/unit-of-work.js';
import type { BlueprintDetailDto, BlueprintDto } from '../domain/dtos.js';
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

export interface SavedPlan {
  blueprint_id: string;
  version: number;
  digest: string;
  /** Whether the version is new; else one of the same digest was there. */
  created: boolean;
}

export interface BlueprintServiceDeps {
  catalog: CatalogAccess;
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

  async list(): Promise<BlueprintDto[]> {
    return this.#deps.catalog.blueprints.list();
  }

  /** @throws XynFault `blueprint_unknown`. */
  async get(blueprintId: string): Promise<BlueprintDetailDto> {
    const blueprint = await this.#deps.catalog.blueprints.get(blueprintId);
    if (blueprint === undefined) throw new XynFault('blueprint_unknown', 'No blueprint has that id.');
    return blueprint;
  }
}
