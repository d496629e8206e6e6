import type { CatalogAction } from '../../domain/action-catalog.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { Val } from '../../domain/plan.js';
import { pointerToken } from '../source.js';
import { checkInput, markAt } from './contracts.js';
import type { NameScope } from './names.js';
import type { Report } from './report.js';
import { SECRET_PATH } from './types.js';
import { isSecretReference, type Values } from './values.js';

/** What a step gives to its action. */
export interface ActionInput {
  with: Record<string, Val>;
  /** The top-level inputs that hold no templates. */
  literal: JsonObject;
}

interface Place {
  json: Json;
  pointer: string;
  /** Keys below `with`. */
  path: readonly string[];
}

/** Compiles one `with` against its action's contract. */
export class ActionInputReader {
  readonly #report: Report;
  readonly #values: Values;
  readonly #action: CatalogAction;
  readonly #scope: NameScope;
  readonly #dynamic: string[] = [];

  constructor(parts: { report: Report; values: Values; action: CatalogAction; scope: NameScope }) {
    this.#report = parts.report;
    this.#values = parts.values;
    this.#action = parts.action;
    this.#scope = parts.scope;
  }

  /** @param json the map as written. */
  read(json: JsonObject, pointer: string): ActionInput {
    const rendered: Record<string, Val> = {};
    const checked: JsonObject = {};
    for (const [key, member] of Object.entries(json)) {
      const reference = this.#secretField(key, member);
      const name = reference === undefined ? key : reference.name;
      const place = { json: reference?.value ?? member, pointer: `${pointer}/${pointerToken(key)}`, path: [name] };
      rendered[name] = this.#value(place);
      checked[name] = place.json;
    }
    const dynamicHere = new Set(this.#dynamic.map((path) => path.split('/')[1]));
    checkInput(this.#report, this.#action, { value: checked, pointer, dynamic: this.#dynamic });
    const literal = Object.entries(checked).filter(([key]) => !dynamicHere.has(pointerToken(key)));
    return { with: rendered, literal: Object.fromEntries(literal) };
  }

  /** `x_ref: p` is read as `x: {secret: p}` where the action takes a secret `x`. */
  #secretField(key: string, member: Json): { name: string; value: Json } | undefined {
    if (!key.endsWith('_ref') || typeof member !== 'string') return undefined;
    const name = key.slice(0, -4);
    if (markAt(this.#action.input, [key], 'type') !== undefined) return undefined;
    return this.#isSecret([name]) ? { name, value: { secret: member } } : undefined;
  }

  #isSecret(path: readonly string[]): boolean {
    return markAt(this.#action.input, path, 'x-secret') !== undefined;
  }

  #value(place: Place): Val {
    const { json, pointer, path } = place;
    const [top] = path as [string];
    if (this.#isSecret(path)) return this.#secret(place);
    if (isSecretReference(json) || typeof json === 'string') {
      if (typeof json === 'string' && this.#action.static.includes(top) && json.includes('{{')) {
        this.#report.add('template_in_script', pointer, `\`${top}\` is a script: it takes no templates.`, {
          offset: json.indexOf('{{'),
          suggestion: 'pass the value by `env` or `argv`',
        });
        this.#dynamic.push(tokens(path));
        return json;
      }
      return this.#leaf(place);
    }
    if (Array.isArray(json))
      return json.map((item, ix) =>
        this.#value({ json: item, pointer: `${pointer}/${ix}`, path: [...path, String(ix)] }),
      );
    if (!isJsonObject(json)) return json;
    if (Object.hasOwn(json, '$')) return this.#leaf(place);
    const members = Object.entries(json).map(([key, member]): [string, Val] => {
      const below = { json: member, pointer: `${pointer}/${pointerToken(key)}`, path: [...path, key] };
      return [key, this.#value(below)];
    });
    return Object.fromEntries(members);
  }

  #leaf({ json, pointer, path }: Place): Val {
    const val = this.#values.value(json, pointer, this.#scope);
    if (val !== json) this.#dynamic.push(tokens(path));
    return val;
  }

  #secret({ json, pointer, path }: Place): Val {
    if (!isSecretReference(json)) {
      const message = 'A secret is given by its path, never by its value.';
      this.#report.add('secret_literal', pointer, message, { suggestion: '{secret: path}' });
      this.#dynamic.push(tokens(path));
      return null;
    }
    const below = pointer.endsWith('_ref') ? pointer : `${pointer}/secret`;
    const val = this.#values.value(json.secret, below, this.#scope);
    if (val !== json.secret) this.#dynamic.push(tokens(path));
    else if (!SECRET_PATH.test(json.secret) || /(^|\/)\.{1,2}(\/|$)/.test(json.secret)) {
      // Never repeated: what is no path may be the value itself.
      const message = 'The path of a secret is lower case: words of letters, digits, `_`, `-` and `.`, joined by `/`.';
      this.#report.add('secret_literal', below, message, { suggestion: '{secret: path}' });
    }
    return { secret: val };
  }
}

function tokens(path: readonly string[]): string {
  return path.map((key) => `/${pointerToken(key)}`).join('');
}
