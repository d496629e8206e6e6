import type { ActionTraits } from '../../domain/action.js';
import type { ActionCatalog } from '../../domain/action-catalog.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import {
  type ActionNode,
  type AgentNode,
  type GateNode,
  type LeafNode,
  type Limits,
  type TransformNode,
  type Val,
  type WaitNode,
} from '../../domain/plan.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import { ActionInputReader } from './action-input.js';
import { defined } from './defined.js';
import { codesOfContract } from './failure-codes.js';
import type { Fields } from './fields.js';
import type { StepDraft } from './lists.js';
import { scopeAt, type NameScope, type Names } from './names.js';
import { defaultRetry, readRetry } from './retry.js';
import { checkName, type Dialect } from './step-fields.js';
import type { TypeReader } from './types.js';
import { expressionVal, type Values } from './values.js';

/** A provider that agents may name; without `models`, any model. */
export interface ProviderInfo {
  name: string;
  models?: readonly string[];
}

export interface StepTools {
  dialect: Dialect;
  names: Names;
  values: Values;
  types: TypeReader;
  actions: ActionCatalog;
  providers: readonly ProviderInfo[];
  limits: Limits;
}

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const LONGEST_MS = 30 * DAY_MS;
/** Steps that may take longer are not run by the worker that decides (design §3). */
const LONGEST_LOCAL_MS = 5_000;
const DECLARABLE = ['http.call', 'ssh.run', 'container.exec'];

/** Compiles steps to nodes; `keep` comes later, when all reads are known. */
export class StepCompiler {
  readonly #tools: StepTools;

  constructor(tools: StepTools) {
    this.#tools = tools;
  }

  /** A step that holds no others; undefined where it cannot be one. */
  compile(step: StepDraft): LeafNode | undefined {
    const scope = scopeAt(step.list, step.at);
    const common = { ...this.common(step), ...defined({ outputs: this.#outputs(step, scope) }) };
    switch (step.kind) {
      case 'action_task':
        return this.#action(step, scope, common);
      case 'agent_task':
        return this.#agent(step, scope, common);
      case 'gate':
        return this.#gate(step, scope, common);
      case 'wait':
        return this.#wait(step, scope, common);
      default:
        return this.#transform(step, scope, common);
    }
  }

  /** What every step has. */
  common({ id, path, fields, list, at }: StepDraft): CommonFields {
    const { values } = this.#tools;
    const when = fields.has('when')
      ? values.condition(fields.get('when') as Json, fields.at('when'), scopeAt(list, at))
      : undefined;
    return { id, path, keep: '*' as const, ...defined({ name: fields.text('name', 120), when }) };
  }

  #outputs({ fields }: StepDraft, scope: NameScope): Record<string, Val> | undefined {
    const map = fields.object('outputs');
    if (map === undefined) return undefined;
    return this.record(map, fields.at('outputs'), withResult(scope));
  }

  /** A map of outputs. */
  record(map: JsonObject, pointer: string, scope: NameScope): Record<string, Val> {
    const { values, names, dialect } = this.#tools;
    return Object.fromEntries(
      Object.entries(map).map(([key, value]) => {
        const at = `${pointer}/${pointerToken(key)}`;
        checkName(names.report, dialect, key, at, 'key');
        return [key, values.value(value, at, scope)];
      }),
    );
  }

  #value({ fields }: StepDraft, name: string, scope: NameScope): Val | undefined {
    const value = fields.get(name);
    return value === undefined ? undefined : this.#tools.values.value(value, fields.at(name), scope);
  }

  #action(step: StepDraft, scope: NameScope, common: CommonFields): ActionNode | undefined {
    const { fields } = step;
    const { names, actions, dialect } = this.#tools;
    if (dialect === 'xyn/v0') fields.require('with');
    const action = fields.require('action') ? fields.text('action') : undefined;
    const input = fields.object('with') ?? {};
    const contract = action === undefined ? undefined : actions.find(action);
    const key = this.#value(step, 'key', scope);
    const timeoutMs = fields.duration('timeout', { min: SECOND_MS, max: LONGEST_MS }) ?? 600_000;
    if (action !== undefined && contract === undefined) {
      const suggestion = nearestAction(action, actions.names());
      names.report.add('action_unknown', fields.at('action'), `There is no action \`${action}\`.`, { suggestion });
    }
    if (action === undefined || contract === undefined) {
      this.#tools.values.value(input, fields.at('with'), scope);
      return undefined;
    }
    const { values } = this.#tools;
    const reader = new ActionInputReader({ report: names.report, values, action: contract, scope });
    const read = reader.read(input, fields.at('with'));
    const traits = this.#traits(step, action, contract.traitsOf?.(read.literal) ?? contract.traits);
    const { effect, idempotency } = traits;
    const mayBeLocal = effect === 'read' && idempotency === 'safe' && timeoutMs <= LONGEST_LOCAL_MS;
    const isLocal = fields.oneOf('mode', ['remote']) === undefined && mayBeLocal;
    const fallback = attemptsOf(traits);
    const retry =
      readRetry(names.report, fields, fallback, {
        codes: codesOfContract(contract),
        mayRepeat: fallback > 1,
        until:
          traits.effect === 'read' ? (json, pointer) => values.condition(json, pointer, withResult(scope)) : undefined,
      }) ?? defaultRetry(fallback);
    return {
      ...common,
      kind: 'action_task',
      action,
      with: read.with,
      ...defined({ key }),
      effect: traits.effect,
      idempotency: traits.idempotency,
      timeout_ms: timeoutMs,
      retry,
      ...(isLocal ? { mode: 'local' as const } : {}),
    };
  }

  #traits({ fields }: StepDraft, action: string, fixed: ActionTraits): ActionTraits {
    const { names } = this.#tools;
    const declared = fields.object('declare');
    if (declared === undefined) return fixed;
    if (!DECLARABLE.includes(action)) {
      names.report.add('field_unknown', fields.at('declare'), `\`declare\` is not for \`${action}\`.`, { what: 'key' });
      return fixed;
    }
    const inner = this.#inner(fields, 'declare', declared, ['effect', 'idempotency']);
    return {
      effect: inner.oneOf('effect', ['read', 'write', 'destructive']) ?? fixed.effect,
      idempotency: inner.oneOf('idempotency', ['safe', 'keyed', 'none']) ?? fixed.idempotency,
    };
  }

  #inner(
    fields: Fields,
    name: string,
    map: JsonObject,
    known: readonly string[],
    later: readonly string[] = [],
  ): Fields {
    return fields.inner(name, map, { known, later });
  }

  #agent(step: StepDraft, scope: NameScope, common: CommonFields): AgentNode | undefined {
    const { fields } = step;
    const provider = this.#provider(fields);
    const model = fields.require('model') ? fields.text('model') : undefined;
    const promptName = fields.has('prompt') || !fields.has('prompt_template') ? 'prompt' : 'prompt_template';
    this.#aliases(fields, 'prompt', 'prompt_template');
    const prompt = fields.require(promptName) ? this.#value(step, promptName, scope) : undefined;
    const system = this.#value(step, 'system', scope);
    const output = this.#agentOutput(fields);
    const isAlone = fields.bool('data') === false;
    const turns = fields.number('max_turns', { min: 1, max: 100 }, true) ?? 8;
    const timeoutMs = fields.duration('timeout', { min: SECOND_MS, max: LONGEST_MS }) ?? 300_000;
    const retry = readRetry(this.#tools.names.report, fields, 3, { mayRepeat: true }) ?? defaultRetry(3);
    if (provider === undefined || model === undefined || prompt === undefined) return undefined;
    this.#checkModel(fields, provider, model);
    return {
      ...common,
      kind: 'agent_task',
      provider,
      model,
      prompt,
      ...defined({ system, output, data: isAlone ? (false as const) : undefined }),
      max_turns: turns,
      timeout_ms: timeoutMs,
      retry,
    };
  }

  /** Two spellings of one field: both only with the same value. */
  #aliases(fields: Fields, name: string, alias: string): void {
    if (!fields.has(name) || !fields.has(alias)) return;
    if (canonicalJson(fields.get(name)) === canonicalJson(fields.get(alias))) return;
    const keys = Object.keys(fields.map);
    const later = keys.indexOf(name) > keys.indexOf(alias) ? name : alias;
    const message = `\`${name}\` and \`${alias}\` are the same field, with two values.`;
    this.#tools.names.report.add('alias_conflict', fields.at(later), message, { what: 'key', suggestion: 'keep one' });
  }

  #provider(fields: Fields): string | undefined {
    const name = fields.has('provider') || !fields.has('agent') ? 'provider' : 'agent';
    this.#aliases(fields, 'provider', 'agent');
    const provider = fields.require(name) ? fields.text(name) : undefined;
    const known = this.#tools.providers.map((one) => one.name);
    if (provider === undefined || known.includes(provider)) return provider;
    const suggestion = nearestName(provider, known);
    this.#tools.names.report.add('provider_unknown', fields.at(name), `There is no provider \`${provider}\`.`, {
      suggestion,
    });
    return undefined;
  }

  #checkModel(fields: Fields, provider: string, model: string): void {
    const models = this.#tools.providers.find(({ name }) => name === provider)?.models;
    if (models === undefined || models.includes(model)) return;
    const message = `\`${provider}\` does not list a model \`${model}\`.`;
    const suggestion = nearestName(model, models);
    this.#tools.names.report.add('model_unknown', fields.at('model'), message, { suggestion });
  }

  #agentOutput(fields: Fields): JsonObject | undefined {
    const declared = fields.object('output');
    if (declared === undefined) return undefined;
    const { schema } = this.#tools.types.read(declared, fields.at('output'));
    const { properties } = schema;
    for (const name of ['text', 'summary']) {
      if (!isJsonObject(properties) || !Object.hasOwn(properties, name)) continue;
      const at = Object.hasOwn(declared, name) ? `${fields.at('output')}/${name}` : fields.at('output');
      const message = `Every agent has an output \`${name}\` of its own.`;
      this.#tools.names.report.add('name_reserved', at, message, { what: 'key' });
    }
    return schema;
  }

  #gate(step: StepDraft, scope: NameScope, common: CommonFields): GateNode {
    const { fields } = step;
    if (fields.require('mode')) fields.oneOf('mode', ['manual'], 'gate_mode_unknown');
    const message = this.#value(step, 'message', scope);
    const approvers = this.#value(step, 'approvers', scope);
    if (Array.isArray(approvers) && approvers.length > 50)
      this.#tools.names.report.add('limit_range', fields.at('approvers'), 'A gate has at most 50 approvers.');
    const maxMs = Math.min(LONGEST_MS, this.#tools.limits.max_age_ms);
    const count = { min: 1, max: 50 };
    const gate: GateNode = {
      ...common,
      kind: 'gate',
      mode: 'manual',
      ...defined({ message, approvers }),
      require: fields.number('require', count, true) ?? 1,
      reject: fields.number('reject', count, true) ?? 1,
      reason: fields.oneOf('reason', ['optional', 'required']) ?? 'optional',
      timeout_ms: fields.duration('timeout', { min: SECOND_MS, max: maxMs }) ?? DAY_MS,
    };
    return gate;
  }

  #wait(step: StepDraft, scope: NameScope, common: CommonFields): WaitNode {
    const { fields } = step;
    const { report } = this.#tools.names;
    if (fields.has('for') && fields.has('until')) {
      const keys = Object.keys(fields.map);
      const later = keys.indexOf('for') > keys.indexOf('until') ? 'for' : 'until';
      report.add('field_conflict', fields.at(later), 'A wait has `for` or `until`.', {
        what: 'key',
        suggestion: 'keep one',
      });
    } else if (!fields.has('until') && !fields.has('event')) fields.require('for');
    const length = fields.get('for');
    const isLiteral = length !== undefined && !(typeof length === 'string' && length.includes('{{'));
    // A literal is looked at here, so that it cannot fail in a run.
    if (isLiteral) fields.duration('for', { min: 0, max: Math.min(365 * DAY_MS, this.#tools.limits.max_age_ms) });
    return {
      ...common,
      kind: 'wait',
      ...defined({ for: this.#value(step, 'for', scope), until: this.#until(fields, scope) }),
    };
  }

  /** A moment: an expression, so that a time that is written out is told from a subtraction. */
  #until(fields: Fields, scope: NameScope): Val | undefined {
    const written = fields.get('until');
    if (written === undefined) return undefined;
    const { values, names } = this.#tools;
    if (typeof written !== 'string' || !/^\d{4}-\d\d-\d\d/.test(written.trim()))
      return expressionVal(values.expression(written, fields.at('until'), scope));
    const suggestion = `timestamp("${written.trim()}")`;
    names.report.add('template_syntax', fields.at('until'), '`until` is an expression.', { suggestion });
    return written;
  }

  #transform(step: StepDraft, scope: NameScope, common: CommonFields): TransformNode {
    const { fields, id } = step;
    if (!fields.has('assert')) fields.require('set');
    const { values, names, dialect } = this.#tools;
    const done: string[] = [];
    const ownScope: NameScope = { ...scope, own: { id, names: done } };
    const set = Object.entries(fields.object('set') ?? {}).map(([key, value]): [string, Val] => {
      const at = `${fields.at('set')}/${pointerToken(key)}`;
      checkName(names.report, dialect, key, at, 'key');
      const val = values.value(value, at, ownScope);
      done.push(key);
      return [key, val];
    });
    const assert = fields.list('assert')?.flatMap((item, ix) => this.#assertion(fields, item, ix, ownScope));
    return { ...common, kind: 'transform', set, ...defined({ assert }) };
  }

  #assertion(fields: Fields, item: Json, ix: number, scope: NameScope): NonNullable<TransformNode['assert']> {
    const { values, names } = this.#tools;
    const pointer = `${fields.at('assert')}/${ix}`;
    if (!isJsonObject(item)) {
      names.report.add('type_mismatch', pointer, 'An assertion is a map with `that`.');
      return [];
    }
    const inner = fields.inner(`assert/${ix}`, item, { known: ['that', 'code', 'message', 'retryable'] });
    if (!inner.require('that')) return [];
    const that = values.condition(item['that'] as Json, inner.at('that'), scope);
    const code = inner.text('code', 64);
    if (code !== undefined && !/^[a-z][a-z0-9_]*$/.test(code))
      names.report.add('id_format', inner.at('code'), 'A code is lower case with `_`.', { suggestion: slug(code) });
    const message = inner.has('message')
      ? values.value(item['message'] as Json, inner.at('message'), scope)
      : undefined;
    const retryable = inner.bool('retryable') === true ? (true as const) : undefined;
    return [{ that, ...defined({ code, message, retryable }) }];
  }
}

export type CommonFields = Pick<LeafNode, 'id' | 'path' | 'keep' | 'name' | 'when' | 'outputs'>;

/** What leaf `outputs` and `retry.until` see. */
function withResult(scope: NameScope): NameScope {
  return { ...scope, variables: [...scope.variables, 'result'] };
}

/** Attempts of an action where none are written (language §4.3). */
function attemptsOf({ effect, idempotency }: ActionTraits): number {
  return effect === 'read' || idempotency !== 'none' ? 3 : 1;
}

/** An action of the same group or verb where no name is near. */
function nearestAction(written: string, names: readonly string[]): string | undefined {
  const near = nearestName(written, names);
  if (near !== undefined) return near;
  const group = names.filter((name) => name.split('.')[0] === written.split('.')[0]);
  return group.length === 1 ? group[0] : undefined;
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}
