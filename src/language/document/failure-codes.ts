import type { ActionCatalog, CatalogAction } from '../../domain/action-catalog.js';
import { isJsonObject } from '../../domain/json.js';
import type { ListDraft, StepDraft } from './lists.js';

/** Codes that every task can fail with, beside those of its contract. */
const TASK_CODES = [
  ...['timeout', 'audit_unavailable', 'output_invalid', 'input_invalid', 'internal', 'expression_error', 'cancelled'],
  ...[
    'outcome_unknown',
    'approval_stale',
    'until_not_met',
    'action_contract_changed',
    'render_too_large',
    'input_missing',
    'type_mismatch',
  ],
];
/** Codes of the engine (language §5.6). Which of them a list cannot fail with is left open: a slip is none of them. */
const ENGINE_CODES = [
  ...TASK_CODES,
  ...['child_failed', 'parallel_failed', 'for_each_failed', 'finally_failed', 'assertion_failed', 'value_offloaded'],
  ...['gate_rejected', 'gate_expired', 'policy_denied', 'requirement_not_met', 'lock_unavailable', 'lock_deadlock'],
  ...['budget_exceeded', 'limit_items', 'limit_steps', 'limit_run_time', 'limit_state', 'target_unknown'],
];

/** Contracts are few and are asked for at every step. */
const known = new WeakMap<CatalogAction, readonly string[]>();

/** Codes that an action can fail with. */
export function codesOfContract(contract: CatalogAction): readonly string[] {
  const codes = known.get(contract) ?? [...Object.keys(contract.errors), ...TASK_CODES];
  known.set(contract, codes);
  return codes;
}

/** Codes that a step can fail with; undefined where it can be any. */
export function codesOfStep(step: StepDraft, actions: ActionCatalog): readonly string[] | undefined {
  if (step.kind !== 'action_task') {
    const own = ownCodes(step, actions);
    return own && [...new Set([...own, ...ENGINE_CODES])];
  }
  const contract = contractOf(step, actions);
  return contract && codesOfContract(contract);
}

/** Codes that a list of steps can fail with. */
export function codesOfList({ steps }: ListDraft, actions: ActionCatalog): readonly string[] | undefined {
  const codes: string[] = [...ENGINE_CODES];
  for (const step of steps) {
    const found = ownCodes(step, actions);
    if (found === undefined) return undefined;
    codes.push(...found);
  }
  return [...new Set(codes)];
}

function contractOf({ fields }: StepDraft, actions: ActionCatalog): CatalogAction | undefined {
  const action = fields.get('action');
  return typeof action === 'string' ? actions.find(action) : undefined;
}

/** Those that are not the engine's, of a step and all that it holds. */
function ownCodes(step: StepDraft, actions: ActionCatalog): readonly string[] | undefined {
  const inside = [...step.bodies, ...step.handlers, ...(step.last === undefined ? [] : [step.last])];
  const codes = codesOfKind(step, actions);
  if (codes === undefined) return undefined;
  const all = [...codes];
  for (const list of inside) {
    const found = codesOfList(list, actions);
    if (found === undefined) return undefined;
    all.push(...found);
  }
  return all;
}

function codesOfKind(step: StepDraft, actions: ActionCatalog): readonly string[] | undefined {
  switch (step.kind) {
    case 'action_task': {
      const contract = contractOf(step, actions);
      return contract && Object.keys(contract.errors);
    }
    case 'agent_task':
      return undefined;
    case 'transform': {
      const assert = step.fields.get('assert');
      const entries = Array.isArray(assert) ? assert.filter(isJsonObject) : [];
      return entries.flatMap(({ code }) => (typeof code === 'string' ? [code] : []));
    }
    default:
      return [];
  }
}
