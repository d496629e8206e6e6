import type { AskedStep, StepMark } from '../catalog/overview-store.js';
import type { GateDetailDto, RunDto } from '../domain/dtos.js';
import type { GateBinding } from '../domain/engine/state.js';
import type { JsonObject } from '../domain/json.js';
import type { Plan, PlanNode, Val } from '../domain/plan.js';
import { Origins, type Origin } from './origins.js';

/** One action that a gate lets run, or that a recovery gate asks about. */
export interface GateAction {
  path: string;
  /** The step's name, or what it calls. */
  name: string;
  action: string;
  /** `name@version` of the pack; null when the plan is not known. */
  pack: string | null;
  effect: 'read' | 'write' | 'destructive' | 'agent' | 'unknown';
  idempotency: 'safe' | 'keyed' | 'none' | null;
  targets: string[];
  input: JsonObject;
  /** Fields that are only known when the step runs. */
  later: string[];
  /** Fields whose value somebody outside wrote, or parts of it. */
  outside: Record<string, WrittenBy>;
  /** Whether it runs once for each item of a loop, or only where a condition holds; null: it runs once. */
  only: 'each' | 'maybe' | null;
  hash: string;
}

/** Who outside wrote a field; `items`: places in a list that is written out in the blueprint, of which only these are theirs. */
export interface WrittenBy {
  by: Origin[];
  items: number[] | null;
}

/** A gate with all that a person needs to decide. */
export interface GateFacts {
  gate: GateDetailDto;
  run: RunDto;
  steps: StepMark[];
  /** Steps of the plan that are no holders; null when the plan is not known. */
  stepTotal: number | null;
  actions: GateAction[];
  /** Whether the blueprint handles a rejection or expiry of this gate. */
  isHandled: boolean;
}

const TARGET_FIELDS = ['host', 'hosts', 'target', 'targets', 'zone', 'bucket', 'container', 'database'];

/** What an action works on, as far as its input says. */
export function targetsOf(input: JsonObject): string[] {
  const named = TARGET_FIELDS.flatMap((field) => {
    const value = input[field];
    return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string');
  });
  const { url } = input;
  const host = typeof url === 'string' && URL.canParse(url) ? [new URL(url).host] : [];
  return [...new Set([...named, ...host])];
}

/** The static path of a runtime path: without items, branches and rounds. */
function staticPath(path: string): string {
  return path.replace(/~recover$/, '').replace(/\[[^\]]*\]|#\d+/g, '');
}

function nodeAt(plan: Plan | undefined, path: string): PlanNode | undefined {
  const wanted = staticPath(path);
  return plan?.nodes.find((node) => node.path === wanted);
}

function isBelow(path: string, holder: string): boolean {
  return path.startsWith(`${holder}.`) || path.startsWith(`${holder}:`);
}

/** What stands between the gate and the step: what holds both decides nothing any more. */
function onlyOf(plan: Plan, node: PlanNode, gatePath: string): GateAction['only'] {
  const between = plan.nodes.filter((one) => isBelow(node.path, one.path) && !isBelow(gatePath, one.path));
  if (between.some(({ kind }) => kind === 'for_each')) return 'each';
  const isAsked = [node, ...between].some(({ when, kind }) => when !== undefined || kind === 'switch');
  return isAsked ? 'maybe' : null;
}

function writtenBy(val: Val, origins: Origins): WrittenBy | undefined {
  const by = origins.of(val);
  if (by.length === 0) return undefined;
  const items = Array.isArray(val) ? val.flatMap((item, index) => (origins.of(item).length > 0 ? [index] : [])) : null;
  return { by, items };
}

/** Fields of an action or agent as the plan has them, by their names in a binding. */
function fieldsOf(node: PlanNode): Record<string, Val> {
  if (node.kind === 'action_task') return node.with;
  if (node.kind !== 'agent_task') return {};
  return { prompt: node.prompt, ...(node.system === undefined ? {} : { system: node.system }) };
}

/** What a binding is seen with. */
interface Around {
  plan: Plan | undefined;
  origins: Origins | undefined;
  gatePath: string;
}

function actionOf({ plan, origins, gatePath }: Around, bind: GateBinding): GateAction {
  const node = nodeAt(plan, bind.path);
  const isAction = node?.kind === 'action_task';
  const effect = isAction ? node.effect : node?.kind === 'agent_task' ? 'agent' : 'unknown';
  const fields = node === undefined || origins === undefined ? [] : Object.entries(fieldsOf(node));
  const outside = fields.flatMap(([name, val]) => {
    const written = origins === undefined ? undefined : writtenBy(val, origins);
    return written === undefined ? [] : [[name, written] as const];
  });
  return {
    path: bind.path,
    name: node?.name ?? bind.action,
    action: bind.action,
    pack: plan?.actions[bind.action]?.pack ?? null,
    effect,
    idempotency: isAction ? node.idempotency : null,
    targets: targetsOf(bind.input),
    input: bind.input,
    later: bind.later,
    outside: Object.fromEntries(outside),
    only: plan === undefined || node === undefined ? null : onlyOf(plan, node, gatePath),
    hash: bind.hash,
  };
}

/** The step that a recovery gate asks about, as a binding: such a gate has none of its own. */
function bindingOf(step: AskedStep, plan: Plan | undefined): GateBinding {
  const node = nodeAt(plan, step.path);
  const action = node?.kind === 'action_task' ? node.action : step.kind;
  return { path: step.path, action, input: step.inputs ?? {}, later: [], hash: '' };
}

/** Bindings of a gate; of a recovery gate that has none, the step that it asks about. */
function bindingsOf(
  { purpose, binds }: Pick<GateDetailDto, 'purpose' | 'binds'>,
  asked: AskedStep | null | undefined,
  plan: Plan | undefined,
): readonly GateBinding[] {
  return purpose === 'recovery' && binds.length === 0 && asked != null ? [bindingOf(asked, plan)] : binds;
}

/** What a gate lets run or asks about, as a list of gates says it. */
export type GateEffect = Pick<GateAction, 'action' | 'effect' | 'targets'>;

/** @param plan undefined: effects are not known. */
export function gateEffects(
  gate: Pick<GateDetailDto, 'purpose' | 'path' | 'binds'> & { asked: AskedStep | null },
  plan: Plan | undefined,
): GateEffect[] {
  const around = { plan, origins: undefined, gatePath: staticPath(gate.path) };
  return bindingsOf(gate, gate.asked, plan).map((bind) => {
    const { action, effect, targets } = actionOf(around, bind);
    return { action, effect, targets };
  });
}

/** Puts together what a gate's page shows. `asked`: the step that a recovery gate asks about. */
export function gateFacts(
  gate: GateDetailDto,
  parts: { run: RunDto; steps: StepMark[]; plan: Plan | undefined; asked: AskedStep | undefined },
): GateFacts {
  const { run, steps, plan, asked } = parts;
  const around = {
    plan,
    origins: plan === undefined ? undefined : new Origins(plan, run),
    gatePath: staticPath(gate.path),
  };
  return {
    gate,
    run,
    steps,
    stepTotal: plan?.nodes.filter((node) => !('bodies' in node)).length ?? null,
    actions: bindingsOf(gate, asked, plan).map((bind) => actionOf(around, bind)),
    isHandled: (nodeAt(plan, gate.path)?.on_error ?? []).length > 0,
  };
}
