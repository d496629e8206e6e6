import { durationMs, formatDuration } from '../../domain/duration.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import type { Report } from './report.js';

/** What a map of a document may hold. */
export interface FieldNames {
  known: readonly string[];
  /** Fields of the language that this release does not run yet. */
  later?: readonly string[];
  /** Fields that need `api: xyn/v1`. */
  needsV1?: readonly string[];
  /** Fields that may stand elsewhere, with the reason why not here. */
  forbidden?: Readonly<Record<string, string>>;
}

interface Range {
  min: number;
  max: number;
  /** Code of a value outside of the range. */
  code?: string;
}

/** Reads the fields of one map and reports what does not fit. Every reader gives undefined for a value that it refused. */
export class Fields {
  readonly pointer: string;
  readonly map: JsonObject;
  readonly #report: Report;

  constructor(report: Report, pointer: string, map: JsonObject, names: FieldNames) {
    this.pointer = pointer;
    this.map = map;
    this.#report = report;
    for (const key of Object.keys(map)) if (!names.known.includes(key)) this.#refuseName(key, names);
  }

  #refuseName(key: string, { known, later = [], needsV1 = [], forbidden = {} }: FieldNames): void {
    const at = this.at(key);
    if (later.includes(key)) {
      this.#report.add('field_unknown', at, `\`${key}\` is not available yet.`, { what: 'key' });
    } else if (Object.hasOwn(forbidden, key)) {
      this.#report.add('modifier_forbidden', at, forbidden[key] as string, { what: 'key' });
    } else if (needsV1.includes(key)) {
      const suggestion = 'add `api: xyn/v1`';
      this.#report.add('field_unknown', at, `\`${key}\` is a field of xyn/v1.`, { what: 'key', suggestion });
    } else {
      const suggestion = nearestName(key, known);
      this.#report.add('field_unknown', at, `There is no field \`${key}\` here.`, { what: 'key', suggestion });
    }
  }

  at(name: string): string {
    return `${this.pointer}/${pointerToken(name)}`;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.map, name);
  }

  get(name: string): Json | undefined {
    return this.has(name) ? this.map[name] : undefined;
  }

  /** The map at one of the fields. */
  inner(name: string, map: JsonObject, names: FieldNames): Fields {
    return new Fields(this.#report, `${this.pointer}/${name}`, map, names);
  }

  /** Reports a field that is not there. */
  require(name: string): boolean {
    if (this.has(name)) return true;
    this.#report.add('field_required', this.at(name), `\`${name}\` is required.`);
    return false;
  }

  #mismatch(name: string, wanted: string, suggestion?: string): void {
    this.#report.add('type_mismatch', this.at(name), `\`${name}\` must be ${wanted}.`, { suggestion });
  }

  /** A text without templates, of at most `max` characters. */
  text(name: string, max = 200): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') {
      const isScalar = typeof value === 'number' || typeof value === 'boolean';
      this.#mismatch(name, 'a text', isScalar ? `"${value}"` : undefined);
      return undefined;
    }
    const offset = value.indexOf('{{');
    if (offset !== -1) {
      this.#report.add('template_in_static', this.at(name), `\`${name}\` takes no templates.`, { offset });
      return undefined;
    }
    if (Array.from(value).length > max) {
      this.#report.add('limit_range', this.at(name), `\`${name}\` has at most ${max} characters.`);
      return undefined;
    }
    return value;
  }

  /** One of a closed set of texts. */
  oneOf<T extends string>(name: string, values: readonly T[], code = 'value_unknown'): T | undefined {
    const value = this.get(name);
    const only = values.length === 1 ? values[0] : undefined;
    if (value !== undefined && typeof value !== 'string') {
      this.#mismatch(name, 'a text', only === undefined ? undefined : `"${only}"`);
      return undefined;
    }
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = values.find((one) => one === text);
    if (found !== undefined) return found;
    const message = `\`${name}\` is ${values.map((one) => `\`${one}\``).join(' or ')}, not \`${text}\`.`;
    this.#report.add(code, this.at(name), message, { suggestion: nearestName(text, values) ?? only });
    return undefined;
  }

  bool(name: string): boolean | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === 'boolean') return value;
    this.#mismatch(name, '`true` or `false`', value === 'true' || value === 'false' ? value : undefined);
    return undefined;
  }

  number(name: string, { min, max, code = 'limit_range' }: Range, whole: boolean): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || (whole && !Number.isInteger(value))) {
      const isText = typeof value === 'string' && /^\d+$/.test(value);
      this.#mismatch(name, whole ? 'a whole number' : 'a number', isText ? value : undefined);
      return undefined;
    }
    if (value >= min && value <= max) return value;
    this.#report.add(code, this.at(name), `\`${name}\` lies between ${min} and ${max}.`);
    return undefined;
  }

  /** Milliseconds of a duration. */
  duration(name: string, { min, max, code = 'duration_range' }: Range): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const text = typeof value === 'string' ? this.text(name) : undefined;
    if (typeof value === 'string' && text === undefined) return undefined;
    const ms = text === undefined ? undefined : durationMs(text);
    if (ms === undefined) {
      const compact = (typeof value === 'object' ? '' : String(value))
        .toLowerCase()
        .replace(/\s+/g, '')
        .replace(/(\d)(d|h|m|s)[a-z]+/g, '$1$2');
      const suggestion = durationMs(compact) === undefined ? undefined : compact;
      const message = `\`${name}\` is a duration such as \`90s\`, \`1h30m\` or \`PT5M\`.`;
      this.#report.add('duration_invalid', this.at(name), message, { suggestion });
      return undefined;
    }
    if (ms >= min && ms <= max) return ms;
    const message = `\`${name}\` lies between ${formatDuration(min)} and ${formatDuration(max)}.`;
    this.#report.add(code, this.at(name), message);
    return undefined;
  }

  object(name: string): JsonObject | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (isJsonObject(value)) return value;
    this.#mismatch(name, 'a map');
    return undefined;
  }

  list(name: string): Json[] | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value;
    this.#mismatch(name, 'a list');
    return undefined;
  }

  /** A list of texts without templates. */
  texts(name: string): string[] | undefined {
    const list = this.list(name);
    if (list === undefined) return undefined;
    if (!list.every((item) => typeof item === 'string')) {
      this.#mismatch(name, 'a list of texts');
      return undefined;
    }
    list.forEach((text, ix) => {
      const offset = text.indexOf('{{');
      if (offset === -1) return;
      this.#report.add('template_in_static', `${this.at(name)}/${ix}`, `\`${name}\` takes no templates.`, { offset });
    });
    return list;
  }
}
