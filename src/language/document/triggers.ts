import { isEventName } from '../../domain/event-name.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { Dedupe, Trigger, Val } from '../../domain/plan.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import { defined } from './defined.js';
import { Fields } from './fields.js';
import { FIRED_DATA, ScheduleReader } from './schedules.js';
import { TRIGGER_VARIABLES, type Names, type NameScope } from './names.js';
import type { Dialect } from './step-fields.js';
import type { Values } from './values.js';

const SCOPE: NameScope = { variables: TRIGGER_VARIABLES, lists: [] };
const V1_FIELDS = {
  known: ['event', 'schedule', 'filter', 'inputs', 'enabled', 'manual', 'dedupe'],
  later: ['webhook'],
};
/** What one entry is; exactly one of them. */
const KINDS = ['event', 'schedule', 'manual'] as const;
const DEDUPE_FIELDS = { known: ['key', 'while', 'window'] };
const DEDUPE_WINDOW = { min: 1_000, max: 30 * 86_400_000 };
const KIND_TEXT = '`event`, `schedule` or `manual`';

/** Reads what starts a run. */
export class TriggerReader {
  readonly #names: Names;
  readonly #values: Values;
  readonly #dialect: Dialect;
  readonly #schedules: ScheduleReader;

  constructor(names: Names, values: Values, dialect: Dialect) {
    this.#schedules = new ScheduleReader(names.report);
    this.#names = names;
    this.#values = values;
    this.#dialect = dialect;
  }

  /** @param document the top level. */
  read(document: Fields): Trigger[] {
    const { report } = this.#names;
    if (this.#dialect === 'xyn/v0') {
      if (!document.require('trigger')) return [];
      const map = document.object('trigger');
      return map === undefined ? [] : this.#v0(map);
    }
    if (document.has('trigger') && document.has('triggers')) {
      const keys = Object.keys(document.map);
      const later = keys.indexOf('trigger') > keys.indexOf('triggers') ? 'trigger' : 'triggers';
      const message = '`trigger` and `triggers` say the same.';
      report.add('field_conflict', document.at(later), message, { what: 'key', suggestion: 'keep one' });
      return [];
    }
    if (document.has('trigger')) return this.#v1(document.get('trigger') as Json, '/trigger');
    return (document.list('triggers') ?? []).flatMap((json, ix) => this.#v1(json, `/triggers/${ix}`));
  }

  #v0(map: JsonObject): Trigger[] {
    const fields = new Fields(this.#names.report, '/trigger', map, {
      known: ['event_type', 'filter'],
      needsV1: ['event', 'inputs', 'enabled', 'dedupe', 'schedule', 'webhook', 'manual'],
    });
    const event = fields.require('event_type') ? fields.text('event_type') : undefined;
    const filter = this.#filter(fields);
    if (event === undefined || !this.#checkEvent(event, fields.at('event_type'), false)) return [];
    return [{ kind: 'event', event, ...defined({ filter }) }];
  }

  #v1(json: Json, pointer: string): Trigger[] {
    const { report } = this.#names;
    if (!isJsonObject(json)) {
      report.add('trigger_invalid', pointer, `A trigger is a map with ${KIND_TEXT}.`);
      return [];
    }
    const fields = new Fields(report, pointer, json, V1_FIELDS);
    const [kind, second] = KINDS.filter((name) => fields.has(name));
    if (kind !== undefined && second !== undefined) {
      report.add('trigger_invalid', fields.at(second), `A trigger is one of ${KIND_TEXT}.`, { what: 'key' });
      return [];
    }
    if (kind === 'manual') {
      if (fields.get('manual') === false)
        report.add('field_unknown', fields.at('manual'), '`manual: false` is not available yet.');
      return [];
    }
    const isLater = V1_FIELDS.later.some((name) => fields.has(name));
    if (kind === undefined && !isLater) report.add('trigger_invalid', pointer, `A trigger needs ${KIND_TEXT}.`);
    return this.#entry(fields);
  }

  #entry(fields: Fields): Trigger[] {
    const event = fields.text('event');
    const filter = this.#filter(fields);
    const inputs = this.#inputs(fields);
    const disabled = fields.bool('enabled') === false ? (true as const) : undefined;
    const dedupe = this.#dedupe(fields);
    if (fields.has('schedule')) {
      const schedule = this.#schedules.read(fields);
      if (inputs === undefined) this.#requireNoInputs(fields);
      return schedule === undefined
        ? []
        : [{ kind: 'schedule', ...schedule, ...defined({ filter, inputs, disabled }) }];
    }
    if (event === undefined || !this.#checkEvent(event, fields.at('event'), true)) return [];
    return [{ kind: 'event', event, ...defined({ filter, inputs, disabled, dedupe }) }];
  }

  /** The event of a schedule brings its id and its time; an input of another name never comes by itself. */
  #requireNoInputs(fields: Fields): void {
    for (const [name, { required }] of this.#names.inputs) {
      if (!required || FIRED_DATA.includes(name)) continue;
      const message = `The input \`${name}\` is required, and a schedule gives none by itself.`;
      this.#names.report.add('input_missing', fields.at('schedule'), message, { suggestion: 'add `inputs`' });
    }
  }

  #filter(fields: Fields): Trigger['filter'] {
    return fields.has('filter')
      ? this.#values.condition(fields.get('filter') as Json, fields.at('filter'), SCOPE)
      : undefined;
  }

  #dedupe(entry: Fields): Dedupe | undefined {
    const map = entry.object('dedupe');
    if (map === undefined) return undefined;
    const { report } = this.#names;
    if (!entry.has('event')) {
      const message = '`dedupe` tells events apart; a schedule has `overlap`.';
      report.add('trigger_invalid', entry.at('dedupe'), message, { what: 'key' });
    }
    const fields = entry.inner('dedupe', map, DEDUPE_FIELDS);
    if (!fields.has('while') && !fields.has('window')) {
      const message = '`dedupe` says how long: `while: open`, `window: 10m`, or both.';
      report.add('trigger_invalid', fields.pointer, message);
    }
    const open = fields.oneOf('while', ['open']) === undefined ? undefined : (true as const);
    const window = fields.duration('window', DEDUPE_WINDOW);
    if (!fields.require('key')) return undefined;
    const key = this.#values.value(fields.get('key') as Json, fields.at('key'), SCOPE);
    return { key, ...defined({ open, window_ms: window }) };
  }

  #inputs(fields: Fields): Record<string, Val> | undefined {
    const map = fields.object('inputs');
    if (map === undefined) return undefined;
    const { report, inputs } = this.#names;
    const at = fields.at('inputs');
    for (const [name, { required }] of inputs) {
      if (required && !Object.hasOwn(map, name))
        report.add('input_missing', at, `The input \`${name}\` is required, and only what is written here is given.`);
    }
    return Object.fromEntries(
      Object.entries(map).map(([name, value]) => {
        const pointer = `${at}/${pointerToken(name)}`;
        if (!inputs.has(name))
          report.add('input_unknown', pointer, `There is no input \`${name}\`.`, {
            what: 'key',
            suggestion: nearestName(name, inputs.keys()),
          });
        return [name, this.#values.value(value, pointer, SCOPE)];
      }),
    );
  }

  #checkEvent(event: string, pointer: string, wildcards: boolean): boolean {
    const base = wildcards ? event.replace(/\.\*\*?$/, '.x') : event;
    if (isEventName(base)) return true;
    const slug = event
      .trim()
      .toLowerCase()
      .replace(/[^a-z0-9_.*]+/g, '.');
    const message = 'An event name is dotted lower case, such as `checkmk.alert`.';
    const suggestion = slug !== event && isEventName(slug) ? slug : undefined;
    this.#names.report.add('event_name_format', pointer, message, { suggestion });
    return false;
  }
}
