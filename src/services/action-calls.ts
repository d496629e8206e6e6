import type { AppliedBlueprintDto, RunDto } from '../domain/dtos.js';
import type { JsonObject } from '../domain/json.js';
import type { Caller } from './caller.js';

/** One action to be carried out by itself. */
export interface ActionCall {
  /** The same id with the same call is carried out once, for ever. */
  request_id: string;
  /** Its name, like `http.call`. */
  action: string;
  /** Its input, as `with` of a step has it; templates are filled in. */
  with: JsonObject;
  /** A duration like `30s`; absent: the default of steps. */
  timeout?: string;
}

export interface ActionCallDeps {
  blueprints: {
    apply(caller: Caller, bytes: Uint8Array): Promise<AppliedBlueprintDto>;
  };
  runs: {
    create(caller: Caller, request: { blueprint_ref: string; name: string; idempotencyKey: string }): Promise<RunDto>;
  };
}

/** Single actions, carried out without a blueprint of their own. */
export class ActionCalls {
  readonly #deps: ActionCallDeps;

  constructor(deps: ActionCallDeps) {
    this.#deps = deps;
  }

  /**
   * Carries out an action as a run of one step, so that it is as durable, audited, watched and cancelled as any other. Its
   * blueprint is called `adhoc.<action>`, and every different input is a version of it.
   * @returns the run; its step is `action`.
   * @throws XynFault `blueprint_invalid` for an unknown action or an input that does not fit, `idempotency_mismatch`, and
   * what creating a run throws.
   */
  async execute(caller: Caller, call: ActionCall): Promise<RunDto> {
    const { request_id: requestId, action, timeout } = call;
    const step = { id: 'action', kind: 'action_task', action, with: call.with, ...(timeout && { timeout }) };
    const document = { api: 'xyn/v1', id: `adhoc.${action}`, name: `Ad hoc: ${action}`, plan: [step] };
    // JSON is YAML.
    const bytes = new TextEncoder().encode(JSON.stringify(document));
    const { blueprint_id: id, version } = await this.#deps.blueprints.apply(caller, bytes);
    return this.#deps.runs.create(caller, {
      blueprint_ref: `${id}@${version}`,
      name: action,
      idempotencyKey: `action/${requestId}`,
    });
  }
}
