import type { ActionCatalog } from '../../domain/action-catalog.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { StepKind } from '../../domain/plan.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import { Fields } from './fields.js';
import { MODIFIED_LISTS, type StepInfo, type StepList } from './names.js';
import { outputNames } from './output-names.js';
import type { Report } from './report.js';
import { checkName, isHolderKind, LATER_KINDS, STEP_KINDS, stepFields, type Dialect } from './step-fields.js';

/** Steps of a document, at most (language §9). */
const MAX_STEPS = 500;
/** Holders inside of each other, at most. */
const MAX_DEPTH = 8;

/** A step of the document, shape known. */
export interface StepDraft {
  id: string;
  /** Position in the plan's list of nodes. */
  ix: number;
  kind: StepKind;
  /** Address in a run, without iterations and attempts. */
  path: string;
  fields: Fields;
  list: StepList;
  /** Position in its list. */
  at: number;
  bodies: BodyDraft[];
  handlers: HandlerDraft[];
  /** What a block does last. */
  last?: ListDraft;
}

/** A list of steps with its place among the others. */
export interface ListDraft {
  list: StepList;
  steps: StepDraft[];
}

/** A body of a holder; `fields` is the map that may hold its `outputs`. */
export interface BodyDraft extends ListDraft {
  name: string;
  fields?: Fields;
}

export interface HandlerDraft extends ListDraft {
  fields?: Fields;
}

/** What a document's lists came to. */
export interface DraftedPlan {
  root: ListDraft;
  handlers: HandlerDraft[];
  last?: ListDraft;
  infos: Map<string, StepInfo>;
  /** All steps in document order. */
  all: StepDraft[];
}

interface Place {
  pointer: string;
  list: StepList;
  /** What stands before the ids of the list's steps in their addresses. */
  prefix: string;
  depth: number;
}

/** Reads lists of steps so far that names are known: kinds, ids, fields and outputs. */
export class ListReader {
  readonly #report: Report;
  readonly #dialect: Dialect;
  readonly #actions: ActionCatalog;
  readonly #infos = new Map<string, StepInfo>();
  readonly #all: StepDraft[] = [];
  #count = 0;

  constructor(report: Report, dialect: Dialect, actions: ActionCatalog) {
    this.#report = report;
    this.#dialect = dialect;
    this.#actions = actions;
  }

  /** The plan's own list, with what belongs to it. */
  read(top: Fields): DraftedPlan {
    const list: StepList = { variables: [] };
    const written = top.require('plan') ? top.list('plan') : undefined;
    if (written?.length === 0) this.#report.add('plan_empty', '/plan', 'A plan needs at least one step.');
    const root = this.#list(written, { pointer: '/plan', list, prefix: '', depth: 0 });
    const around: StepList = { parent: list, before: Infinity, variables: [] };
    const handlers = this.#handlers(top, '', around, 0);
    const last = this.#last(top, '', around, 0);
    return { root, handlers, ...(last && { last }), infos: this.#infos, all: this.#all };
  }

  #list(written: Json[] | undefined, place: Place): ListDraft {
    const steps = (written ?? []).flatMap((json, at) => this.#step(json, at, place) ?? []);
    return { list: place.list, steps };
  }

  #step(json: Json, at: number, place: Place): StepDraft | undefined {
    const pointer = `${place.pointer}/${at}`;
    this.#count += 1;
    if (this.#count === MAX_STEPS + 1) {
      this.#report.add('limit_steps', pointer, `A plan has at most ${MAX_STEPS} steps.`, {
        suggestion: 'split it into several blueprints',
      });
    }
    if (!isJsonObject(json)) {
      this.#report.add('type_mismatch', pointer, 'A step is a map.');
      return undefined;
    }
    const kind = this.#kind(json, pointer);
    const id = this.#id(json, pointer);
    if (id === undefined) {
      // What it holds is read all the same: its problems are told together with that of the id.
      if (kind !== undefined) this.#inside(json, kind, { ...place, pointer, at, id: `?${pointer}` });
      return undefined;
    }
    const { list } = place;
    this.#infos.set(id, { ix: this.#all.length, list, at, pointer, outputs: outputNames(json, this.#actions) });
    if (kind === undefined) return undefined;
    return this.#inside(json, kind, { ...place, pointer, at, id });
  }

  #inside(json: JsonObject, kind: StepKind, place: Place & { at: number; id: string }): StepDraft {
    const { pointer, list, at, id, depth } = place;
    const path = `${place.prefix}${id}`;
    const fields = new Fields(this.#report, pointer, json, stepFields(kind, this.#dialect));
    const step: StepDraft = { id, ix: this.#all.length, kind, path, fields, list, at, bodies: [], handlers: [] };
    this.#all.push(step);
    if (isHolderKind(kind)) {
      if (depth === MAX_DEPTH) {
        this.#report.add('limit_depth', pointer, `Holders stand at most ${MAX_DEPTH} deep in each other.`, {
          suggestion: 'move what is inside to a blueprint of its own',
        });
      }
      step.bodies = this.#bodies(step, depth + 1);
    }
    const around: StepList = { parent: list, before: at + 1, variables: [] };
    step.handlers = this.#handlers(fields, path, around, depth);
    const last = kind === 'block' ? this.#last(fields, path, bodyScope(step), depth) : undefined;
    return Object.assign(step, last && { last });
  }

  #bodies(step: StepDraft, depth: number): BodyDraft[] {
    const { fields, path, list, at } = step;
    const inner = (variables: readonly string[] = []): StepList => ({ parent: list, before: at, variables });
    if (step.kind === 'switch') return this.#cases(step, inner, depth);
    if (step.kind === 'parallel') {
      const branches = fields.require('branches') ? (fields.object('branches') ?? {}) : {};
      const names = Object.keys(branches).sort();
      return names.flatMap((name) => {
        const pointer = `${fields.at('branches')}/${pointerToken(name)}`;
        checkName(this.#report, this.#dialect, name, pointer, 'key');
        const place = { pointer, list: inner(), prefix: `${path}:${name}.`, depth };
        return { name, ...this.#body(branches[name] as Json, place, 'body_empty') };
      });
    }
    const own = step.kind === 'for_each' ? [asOf(fields), 'index', 'prev'] : [];
    const place = { pointer: fields.at('do'), list: inner(own), prefix: `${path}.`, depth };
    const written = fields.require('do') ? fields.list('do') : undefined;
    if (written?.length === 0) this.#report.add('body_empty', place.pointer, 'A body needs at least one step.');
    return [{ name: 'do', fields, ...this.#list(written, place) }];
  }

  #cases(step: StepDraft, inner: () => StepList, depth: number): BodyDraft[] {
    const { fields, path } = step;
    const cases = fields.require('cases') ? (fields.list('cases') ?? []) : [];
    if (fields.has('cases') && cases.length === 0) {
      this.#report.add('limit_range', fields.at('cases'), 'A switch has at least one case.');
    }
    const found = cases.flatMap((json, ix): BodyDraft[] => {
      const pointer = `${fields.at('cases')}/${ix}`;
      if (!isJsonObject(json)) {
        this.#report.add('type_mismatch', pointer, 'A case is a map with `when` and `do`.');
        return [];
      }
      const one = fields.inner(`cases/${ix}`, json, { known: ['name', 'when', 'do', 'outputs'] });
      one.require('when');
      const name = one.text('name', 63) ?? `case${ix}`;
      if (one.has('name')) this.#caseName(one, name);
      const written = one.require('do') ? one.list('do') : undefined;
      if (written?.length === 0) this.#report.add('case_empty', one.at('do'), 'A case needs at least one step.');
      const place = { pointer: one.at('do'), list: inner(), prefix: `${path}:${name}.`, depth };
      return [{ name, fields: one, ...this.#list(written, place) }];
    });
    const other = fields.get('default');
    if (other === undefined) return found;
    const place = { pointer: fields.at('default'), list: inner(), prefix: `${path}:default.`, depth };
    return [...found, { name: 'default', ...this.#body(other, place, 'case_empty') }];
  }

  #caseName(one: Fields, name: string): void {
    checkName(this.#report, this.#dialect, name, one.at('name'));
    if (name === 'default') this.#report.add('name_reserved', one.at('name'), '`default` is the case without `when`.');
  }

  /** A list, or a map with `do` and `outputs`. */
  #body(json: Json, place: Place, empty: string): ListDraft & { fields?: Fields } {
    if (Array.isArray(json)) {
      if (json.length === 0) this.#report.add(empty, place.pointer, 'A body needs at least one step.');
      return this.#list(json, place);
    }
    if (!isJsonObject(json)) {
      this.#report.add('type_mismatch', place.pointer, 'A body is a list of steps, or a map with `do`.');
      return { list: place.list, steps: [] };
    }
    const fields = new Fields(this.#report, place.pointer, json, { known: ['do', 'outputs'] });
    const written = fields.require('do') ? fields.list('do') : undefined;
    if (written?.length === 0) this.#report.add(empty, fields.at('do'), 'A body needs at least one step.');
    return { fields, ...this.#list(written, { ...place, pointer: fields.at('do') }) };
  }

  #handlers(fields: Fields, path: string, around: StepList, depth: number): HandlerDraft[] {
    if (this.#dialect === 'xyn/v0' || !fields.has('on_error')) return [];
    const list = { ...around, variables: ['error'] };
    if (fields.get('on_error') === 'continue') return [{ list, steps: [] }];
    return (fields.list('on_error') ?? []).flatMap((json, ix): HandlerDraft[] => {
      const pointer = `${fields.at('on_error')}/${ix}`;
      if (!isJsonObject(json)) {
        this.#report.add('type_mismatch', pointer, 'A handler is a map.');
        return [];
      }
      const one = fields.inner(`on_error/${ix}`, json, { known: ['codes', 'when', 'do', 'outputs', 'then'] });
      if (!one.has('do') && !one.has('outputs') && !one.has('then')) {
        this.#report.add('field_required', one.at('do'), 'A handler has `do`, `outputs` or `then`.');
      }
      const written = one.list('do');
      if (written?.length === 0) this.#report.add('body_empty', one.at('do'), 'A body needs at least one step.');
      const place = { pointer: one.at('do'), list: { ...list }, prefix: `${path}!${ix}.`, depth };
      return [{ fields: one, ...this.#list(written, place) }];
    });
  }

  #last(fields: Fields, path: string, around: StepList, depth: number): ListDraft | undefined {
    const written = this.#dialect === 'xyn/v0' ? undefined : fields.list('finally');
    if (written === undefined) return undefined;
    if (written.length === 0) this.#report.add('body_empty', fields.at('finally'), 'A body needs at least one step.');
    const list: StepList = { ...around, variables: ['error'], isCleanup: true };
    return this.#list(written, { pointer: fields.at('finally'), list, prefix: `${path}~finally.`, depth });
  }

  #id(json: JsonObject, pointer: string): string | undefined {
    const at = `${pointer}/id`;
    const { id } = json;
    if (!Object.hasOwn(json, 'id')) {
      this.#report.add('field_required', at, '`id` is required.');
      return undefined;
    }
    if (typeof id !== 'string') {
      this.#report.add('type_mismatch', at, '`id` must be a text.');
      return undefined;
    }
    if (id.includes('{{')) {
      this.#report.add('template_in_static', at, '`id` takes no templates.', { offset: id.indexOf('{{') });
      return undefined;
    }
    if (!checkName(this.#report, this.#dialect, id, at)) return undefined;
    const first = this.#infos.get(id);
    if (first === undefined) return id;
    const { line, column } = this.#report.placeOf(`${first.pointer}/id`);
    this.#report.add('step_id_duplicate', at, `There is a step \`${id}\` already, at ${line}:${column}.`);
    return undefined;
  }

  #kind(json: JsonObject, pointer: string): StepKind | undefined {
    const { kind } = json;
    const at = `${pointer}/kind`;
    if (!Object.hasOwn(json, 'kind')) {
      this.#report.add('field_required', at, '`kind` is required.');
      return undefined;
    }
    const known = STEP_KINDS.find((one) => one === kind);
    if (known !== undefined && (this.#dialect === 'xyn/v1' || !MODIFIED_LISTS.has(known))) return known;
    if (typeof kind !== 'string') {
      this.#report.add('type_mismatch', at, '`kind` must be a text.');
    } else if (known !== undefined) {
      const suggestion = 'add `api: xyn/v1`';
      this.#report.add('step_kind_unknown', at, `Steps of kind \`${kind}\` need xyn/v1.`, { suggestion });
    } else if (LATER_KINDS.includes(kind)) {
      this.#report.add('step_kind_unknown', at, `Steps of kind \`${kind}\` are not available yet.`);
    } else {
      const suggestion =
        nearestName(kind, STEP_KINDS) ?? STEP_KINDS.find((one) => one.split('_')[0] === kind.split('_')[0]);
      this.#report.add('step_kind_unknown', at, `There is no kind \`${kind}\`: ${STEP_KINDS.join(', ')}.`, {
        suggestion,
      });
    }
    return undefined;
  }
}

/** What the cleanup of a block sees: all of its list. */
function bodyScope(step: StepDraft): StepList {
  const [body] = step.bodies;
  return { ...(body && { parent: body.list, before: Infinity }), variables: [] };
}

/** The name of a loop's item. */
export function asOf(fields: Fields): string {
  const written = fields.get('as');
  return typeof written === 'string' ? written : 'item';
}
