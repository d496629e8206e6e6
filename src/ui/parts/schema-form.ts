import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';

/** What a form sent, or an address names: one text each. */
export type FormTexts = Readonly<Record<string, string>>;

export interface FormProblem {
  /** JSON pointer; empty: of no single field. */
  path: string;
  message: string;
}

/** A field of a form that a JSON Schema describes. */
export interface FormField {
  name: string;
  /** Of the form's field. */
  key: string;
  label: string;
  /** The type in a few words, for the right end of the label. */
  type: string;
  help: string | null;
  look: 'text' | 'number' | 'check' | 'choice' | 'select' | 'lines' | 'json' | 'any';
  options: readonly string[];
  value: string;
  /** What goes in is a few characters long, so that half a line is enough. */
  isShort: boolean;
  isRequired: boolean;
  problem: string | null;
}

/** So many ways are shown side by side; more make a list. */
const MOST_CHOICES = 4;
/** Texts of so many characters fit into half a line. */
const SHORT_TEXT = 24;
const SHORT_FORMATS = new Set(['date', 'time', 'date-time', 'duration', 'ipv4']);
const PREFIX = 'input.';
/** Types as a sentence names them. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  object: 'an object',
  array: 'a list',
  string: 'a text',
  boolean: 'true or false',
};
/** Bounds as a sentence names them. */
const BOUND_WORDS: Readonly<Record<string, string>> = { '<=': 'at most', '>=': 'at least', '<': 'below', '>': 'above' };
/** Formats as a sentence names them, where their own name is not how people call it. */
const FORMAT_WORDS: Readonly<Record<string, string>> = {
  email: 'an email address',
  uri: 'a web address',
  'date-time': 'a moment such as 2026-11-22T14:00:00Z',
  date: 'a day such as 2026-11-22',
  duration: 'a duration such as 10m',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  hostname: 'a name of a host',
  uuid: 'a UUID',
};

function typesOf(schema: JsonObject): string[] {
  const { type } = schema;
  return (Array.isArray(type) ? type : [type]).filter(
    (one): one is string => typeof one === 'string' && one !== 'null',
  );
}

function isTextList(schema: JsonObject): boolean {
  const { items } = schema;
  return typesOf(schema)[0] === 'array' && isJsonObject(items) && typesOf(items)[0] === 'string';
}

function lookOf(schema: JsonObject, isRequired: boolean): FormField['look'] {
  const options = optionsOf(schema);
  if (options.length > 0) {
    const isSure = isRequired || schema['default'] !== undefined;
    return options.length <= MOST_CHOICES && isSure ? 'choice' : 'select';
  }
  const types = typesOf(schema);
  // Without a type a text is meant as it stands: few people write JSON.
  if (types.length === 0) return 'any';
  if (types.length > 1) return 'json';
  if (types[0] === 'boolean') return 'check';
  if (types[0] === 'integer' || types[0] === 'number') return 'number';
  if (types[0] === 'string') return 'text';
  return isTextList(schema) ? 'lines' : 'json';
}

function isShort({ format, maxLength, 'x-secret': isSecret }: JsonObject, look: FormField['look']): boolean {
  if (look === 'number') return true;
  if (look !== 'text' || isSecret === true) return false;
  const isBrief = typeof maxLength === 'number' && maxLength <= SHORT_TEXT;
  return isBrief || (typeof format === 'string' && SHORT_FORMATS.has(format));
}

function optionsOf({ enum: options }: JsonObject): string[] {
  return Array.isArray(options) && options.every((one) => typeof one === 'string') ? options : [];
}

function typeText(schema: JsonObject): string {
  if (schema['x-secret'] === true) return 'secret reference';
  const options = optionsOf(schema);
  if (options.length > 0) return options.length <= MOST_CHOICES ? options.join(' | ') : 'one of a list';
  const { format, minimum, maximum, pattern } = schema;
  const bound = (value: Json | undefined): string => (typeof value === 'number' ? String(value) : '');
  const range = minimum === undefined && maximum === undefined ? '' : ` ${bound(minimum)}–${bound(maximum)}`;
  const name = isTextList(schema) ? 'one per line' : typesOf(schema).join(' or ') || 'text or JSON';
  return `${typeof format === 'string' ? format : name}${range}${typeof pattern === 'string' ? ` · ${pattern.slice(0, 40)}` : ''}`;
}

function textOf(value: Json | undefined, look: FormField['look']): string {
  if (value === undefined || value === null) return '';
  // `5` as a text is not 5.
  if (look === 'any' && typeof value === 'string' && jsonOf(value) !== undefined) return JSON.stringify(value);
  if (look === 'lines' && Array.isArray(value)) return value.map(String).join('\n');
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** The value of a JSON text; undefined: it is none. */
function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** What is required comes first, in its order: the catalog keeps the order of lists, not that of members. */
function propertiesOf(schema: JsonObject): [string, JsonObject][] {
  const { properties, required } = schema;
  if (!isJsonObject(properties)) return [];
  const first = Array.isArray(required) ? required.map(String).filter((name) => Object.hasOwn(properties, name)) : [];
  const names = [...new Set([...first, ...Object.keys(properties)])];
  return names.map((name) => [name, isJsonObject(properties[name]) ? properties[name] : {}]);
}

function requiredOf({ required }: JsonObject): ReadonlySet<Json> {
  return new Set(Array.isArray(required) ? required : []);
}

/** `disk_path` as people write it. */
function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * The fields of a form for a schema's properties.
 * @param texts what was typed; null: nothing yet, so the defaults stand.
 * @param isWhole whether `texts` has every field, so that one without a text is empty; else its default stands.
 */
export function formFields(
  schema: JsonObject,
  texts: FormTexts | null,
  problems: readonly FormProblem[],
  isWhole = true,
): FormField[] {
  const required = requiredOf(schema);
  return propertiesOf(schema).map(([name, one]) => {
    const key = PREFIX + name;
    const isRequired = required.has(name) && one['default'] === undefined;
    const look = lookOf(one, required.has(name));
    const found = problems.find(({ path }) => path === `/${name}` || path.startsWith(`/${name}/`));
    const { title, description } = one;
    const isSecret = one['x-secret'] === true;
    const help = typeof description === 'string' ? description : null;
    return {
      name,
      key,
      label: typeof title === 'string' ? title : labelOf(name),
      type: typeText(one),
      help: isSecret ? `${help ?? ''} A path, never a value: it is read inside the action only.`.trim() : help,
      look,
      options: optionsOf(one),
      value: texts?.[key] ?? (texts !== null && isWhole ? '' : textOf(one['default'], look)),
      isShort: isShort(one, look),
      isRequired,
      problem: found === undefined ? null : problemOf(found, name, look),
    };
  });
}

/** What a validator says of a field, as a sentence that stands under it. */
function problemOf({ path, message }: FormProblem, name: string, look: FormField['look']): string {
  const below = path.slice(name.length + 2);
  const entry = look === 'lines' && /^\d+$/.test(below) ? `Entry ${Number(below) + 1}` : null;
  return plainProblem(entry ?? (below === '' ? 'It' : below), message);
}

/** What a validator says of a value, as people say it: `It must be at most 20.` for `must be <= 20`. */
export function plainProblem(subject: string, message: string): string {
  const said = message.replace(/^`[^`]*` (?=is )|^(?=must )/, `${subject} `);
  const plain = said
    .replace(/ must NOT have fewer than (\d+) (\w+)$/, ' must have at least $1 $2')
    .replace(/ must NOT have more than (\d+) (\w+)$/, ' must have at most $1 $2')
    .replace(/ must be ([<>]=?) (?=\S+$)/, (_, sign: string) => ` must be ${BOUND_WORDS[sign]} `)
    .replace(/ must be (\w+)$/, (_, type: string) => ` must be ${TYPE_WORDS[type] ?? type}`)
    .replace(
      / must match format "([^"]*)"$/,
      (_, format: string) => ` is not ${FORMAT_WORDS[format] ?? `a ${format}`}`,
    );
  return /[.!?]$/.test(plain) ? plain : `${plain}.`;
}

function valueOf(look: FormField['look'], text: string): { value: Json } | { problem: string } {
  switch (look) {
    case 'check':
      return { value: text === 'true' };
    case 'number':
      return { value: /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : text };
    case 'lines':
      return {
        value: text
          .split(/\r?\n/)
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      };
    case 'any':
    case 'json': {
      const value = jsonOf(text);
      if (value !== undefined) return { value };
      if (look === 'any') return { value: text.replaceAll('\r\n', '\n') };
      return { problem: 'This is not JSON. Texts stand in quotes: "web-1".' };
    }
    default:
      return { value: text.replaceAll('\r\n', '\n') };
  }
}

/** Values as a form shows them. */
export function textsOf(schema: JsonObject, values: JsonObject): FormTexts {
  const required = requiredOf(schema);
  const texts = propertiesOf(schema).map(([name, one]) => [
    PREFIX + name,
    textOf(values[name], lookOf(one, required.has(name))),
  ]);
  return Object.fromEntries(texts) as FormTexts;
}

/** What was typed, as the values that the schema asks for. An empty field is not given. */
export function readForm(schema: JsonObject, texts: FormTexts): { values: JsonObject; problems: FormProblem[] } {
  const required = requiredOf(schema);
  const values: JsonObject = {};
  const problems: FormProblem[] = [];
  for (const [name, one] of propertiesOf(schema)) {
    const look = lookOf(one, required.has(name));
    const text = texts[PREFIX + name] ?? '';
    if (text === '' && look !== 'check') continue;
    const read = valueOf(look, text);
    if ('problem' in read) problems.push({ path: `/${name}`, message: read.problem });
    else values[name] = read.value;
  }
  return { values, problems };
}

/** Only the fields of the form; those of the page itself are left out. */
export function formTexts(fields: Readonly<Record<string, string>>): FormTexts | null {
  const own = Object.entries(fields).filter(([key]) => key.startsWith(PREFIX));
  return own.length === 0 ? null : Object.fromEntries(own);
}
