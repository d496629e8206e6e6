import type { JsonObject } from '../domain/json.js';
import type { LaunchPreview } from '../domain/launch.js';
import type { PreviewDeps } from './plan-preview.js';
import { previewPlan } from './preview-walk.js';
import type { RunService } from './runs.js';
import type { UsualDurations } from './usual-durations.js';

export interface LaunchDeps {
  runs: Pick<RunService, 'preview'>;
  usual: Pick<UsualDurations, 'of'>;
  preview: PreviewDeps;
}

/** What the launcher asks; nothing is started here. */
export class LaunchService {
  readonly #deps: LaunchDeps;

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
  }

  /**
   * The plan that a start now would get: what it would do, as `xynctl plan` tells it, and the problems of the inputs.
   * @throws XynFault `blueprint_unknown`, `blueprint_disabled`, `plan_digest_mismatch`, `db_unavailable`
   */
  async preview(blueprintId: string, inputs: JsonObject): Promise<LaunchPreview> {
    const [preview, [usual = null]] = await Promise.all([
      this.#deps.runs.preview({ blueprint_ref: blueprintId, inputs }),
      this.#deps.usual.of([blueprintId]),
    ]);
    const { plan, version, name, checked } = preview;
    const { env, targetFields } = this.#deps.preview;
    const known = 'code' in checked ? inputs : checked.inputs;
    const problems = 'code' in checked ? checked.problems : [];
    const lists = previewPlan(plan, { inputs: known, event: null, env }, targetFields);
    return { blueprint_id: plan.id, name, version, digest: plan.digest, schema: plan.inputs, problems, lists, usual };
  }
}
