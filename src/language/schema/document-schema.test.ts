import { beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { BLUEPRINT_TEMPLATE } from '../../cli/starter-files.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { blueprintSchemaText } from '../../main/document-actions.js';
import { PACKS } from '../../registry/packs.js';
import { ActionRegistry } from '../../registry/registry.js';
import { compileContext as smallContext } from '../../../test/support/compile-context.js';
import { STEP_KINDS, stepFields } from '../document/step-fields.js';
import { compileBlueprint, documentSchema, type CompileContext } from '../index.js';
import { MAX_PROBLEMS } from '../problem.js';

const root = new URL('../../../', import.meta.url);
const context: CompileContext = {
  actions: new ActionRegistry(PACKS).catalog(),
  providers: [{ name: 'openai' }, { name: 'anthropic' }],
};

function validatorFor(of: CompileContext): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });
  (formats as unknown as (target: Ajv2020) => void)(ajv);
  return ajv.compile(documentSchema(of));
}

const errorsOf = (validate: ValidateFunction, document: Json): ErrorObject[] =>
  validate(document) ? [] : (validate.errors ?? []);
const told = (errors: readonly ErrorObject[]): string[] =>
  errors.map((one) => `${one.instancePath} ${one.message ?? ''}`);

let validate: ValidateFunction;

beforeAll(() => {
  validate = validatorFor(context);
});

/** Documents in the files of a folder: whole files, blocks of Markdown, and texts in tests. */
function documentsIn(folder: string, pattern: RegExp): string[] {
  const base = new URL(folder, root);
  const names = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name));
  return names.flatMap((name) => {
    const text = readFileSync(new URL(name, base), 'utf8');
    if (name.endsWith('.md')) return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = '']) => block);
    if (name.endsWith('.ts')) return [...text.matchAll(/`([^`$\\]*\bplan:[^`$\\]*)`/g)].map(([, block = '']) => block);
    return [text];
  });
}

async function isValid(document: string, of: CompileContext): Promise<boolean> {
  return (await compileBlueprint(Buffer.from(document), of)).compiled !== undefined;
}

describe('the schema of documents', () => {
  it('takes every document of the repository that the compiler takes', async () => {
    const documents = new Set([
      BLUEPRINT_TEMPLATE,
      ...documentsIn('blueprints/', /(?<!\.test)\.yaml$/),
      ...documentsIn('test/fixtures/', /(?<!\.test)\.yaml$/),
      ...documentsIn('docs/', /\.md$/),
      ...documentsIn('src/', /\.test\.ts$/),
      ...documentsIn('test/', /\.ts$/),
    ]);
    let valid = 0;
    for (const one of [context, smallContext]) {
      const check = validatorFor(one);
      for (const document of documents) {
        if (!(await isValid(document, one))) continue;
        valid += 1;
        expect([document, told(errorsOf(check, parse(document) as Json))]).toEqual([document, []]);
      }
    }
    expect(valid).toBeGreaterThan(40);
  });

  it('stands in the repository as it is made', () => {
    // To renew it: xynctl blueprints schema > schemas/blueprint.schema.json
    expect(readFileSync(new URL('schemas/blueprint.schema.json', root), 'utf8')).toBe(blueprintSchemaText());
  });

  it('says of every field what it is', () => {
    const silent: string[] = [];
    const look = (json: Json, at: string): void => {
      if (Array.isArray(json)) json.forEach((item, ix) => look(item, `${at}/${ix}`));
      if (!isJsonObject(json)) return;
      // Rules name fields that are described elsewhere.
      const isRule = /\/(if|not|anyOf\/\d+)$|^\/\$defs\/action_task(_v0)?\/allOf\/\d+\/then$/.test(at);
      const fields = isJsonObject(json['properties']) && !isRule ? Object.entries(json['properties']) : [];
      for (const [name, field] of fields) {
        if (isJsonObject(field) && typeof field['description'] !== 'string') silent.push(`${at} ${name}`);
      }
      for (const [name, field] of fields) look(field, `${at}/properties/${name}`);
      for (const [word, member] of Object.entries(json)) {
        if (word !== 'if' && word !== 'properties') look(member, `${at}/${word}`);
      }
    };
    look(documentSchema(context), '');
    expect(silent).toEqual([]);
  });

  it.each([
    ['a port that is no number', { argv: ['a'], max_bytes: 'many' }, false],
    ['a port from an input', { argv: ['a'], max_bytes: '{{ inputs.n }}' }, true],
    ['a template in a script', { cmd: 'echo {{ inputs.n }}' }, true],
    ['an input that there is not', { argv: ['a'], maxbytes: 1 }, false],
    ['a secret by its path', { argv: ['a'], key: { secret: 'ssh/ops' } }, true],
    ['a secret by the short form', { argv: ['a'], key_ref: 'ssh/ops' }, true],
    ['a secret as a text', { argv: ['a'], key: 'abc' }, false],
    ['a map of templates', { argv: ['a'], env: { A: '{{ inputs.n }}' } }, true],
  ])('looks into the inputs of actions: %s', (_, given, isTaken) => {
    const step = { kind: 'action_task', id: 's', action: 'ssh.run', with: { host: 'web-1', ...given } };
    const errors = errorsOf(validate, { api: 'xyn/v1', id: 'a', inputs: { n: 'int' }, plan: [step] });
    expect([errors.length === 0, told(errors)]).toEqual([isTaken, isTaken ? [] : expect.anything()]);
  });

  it('knows the names of actions and providers', () => {
    const plan = (step: JsonObject): Json => ({ api: 'xyn/v1', id: 'a', plan: [{ id: 's', ...step }] });
    const call = (action: string): Json => plan({ kind: 'action_task', action, with: { url: 'http://127.0.0.1/' } });
    expect(told(errorsOf(validate, call('http.call')))).toEqual([]);
    expect(errorsOf(validate, call('http.cal'))).not.toEqual([]);
    const ask = (provider: string): Json => plan({ kind: 'agent_task', provider, model: 'm', prompt: 'p' });
    expect(errorsOf(validate, ask('anthropic'))).toEqual([]);
    expect(errorsOf(validate, ask('antropic'))).not.toEqual([]);
    expect(errorsOf(validate, plan({ kind: 'gat', mode: 'manual' }))).not.toEqual([]);
  });
});

/** A place for fields: the document with them, and where they stand. */
interface Frame {
  at: string;
  document: (fields: JsonObject) => JsonObject;
  /** Fields that make it this place. */
  own: JsonObject;
  /** Only the first field that does not belong is told. */
  oneByOne?: true;
}

const STEP: JsonObject = { kind: 'transform', id: 'z', set: {} };
const v1 = (fields: JsonObject): JsonObject => ({ api: 'xyn/v1', id: 'a', plan: [STEP], ...fields });
const v0 = (fields: JsonObject): JsonObject => ({ id: 'a', trigger: { event_type: 'a.b' }, plan: [STEP], ...fields });
const inStep = (at: string, own: JsonObject, step: (fields: JsonObject) => JsonObject): Frame => ({
  at: `/plan/0${at}`,
  own,
  document: (fields) => v1({ plan: [{ id: 's', ...step(fields) }] }),
});

const FRAMES: Readonly<Record<string, Frame>> = {
  'a v1 document': { at: '', own: v1({}), document: (fields) => fields },
  'a v0 document': { at: '', own: v0({}), document: (fields) => fields },
  ...Object.fromEntries(
    STEP_KINDS.flatMap((kind): [string, Frame][] => [
      [`a ${kind}`, { at: '/plan/0', own: { kind, id: 's' }, document: (fields) => v1({ plan: [fields] }) }],
      [`a v0 ${kind}`, { at: '/plan/0', own: { kind, id: 's' }, document: (fields) => v0({ plan: [fields] }) }],
    ]),
  ),
  'a trigger': { at: '/triggers/0', own: {}, document: (fields) => v1({ triggers: [fields] }) },
  'a schedule': { at: '/triggers/0/schedule', own: {}, document: (fields) => v1({ triggers: [{ schedule: fields }] }) },
  'a v0 trigger': { at: '/trigger', own: {}, document: (fields) => v0({ trigger: fields }) },
  limits: { at: '/limits', own: {}, document: (fields) => v1({ limits: fields }) },
  policy: { at: '/policy', own: {}, document: (fields) => v1({ policy: fields }) },
  'a v0 input': { at: '/inputs/0', own: { name: 'n' }, document: (fields) => v0({ inputs: [fields] }) },
  'a v0 output': { at: '/outputs/0', own: { name: 'n' }, document: (fields) => v0({ outputs: [fields] }) },
  'the handler of a plan': { at: '/on_error/0', own: {}, document: (fields) => v1({ on_error: [fields] }) },
  'a handler': inStep('/on_error/0', {}, (fields) => ({ kind: 'transform', set: {}, on_error: [fields] })),
  retry: inStep('/retry', {}, (fields) => ({ kind: 'block', do: [STEP], retry: fields })),
  backoff: inStep('/retry/backoff', {}, (fields) => ({ kind: 'block', do: [STEP], retry: { backoff: fields } })),
  declare: inStep('/declare', {}, (fields) => ({ kind: 'action_task', action: 'http.call', declare: fields })),
  'an assertion': inStep('/assert/0', { that: 'true' }, (fields) => ({ kind: 'transform', assert: [fields] })),
  'a case': inStep('/cases/0', {}, (fields) => ({ kind: 'switch', cases: [fields] })),
  'a default': inStep('/default', { do: [STEP] }, (fields) => ({ kind: 'switch', cases: [], default: fields })),
  'a branch': inStep('/branches/b', { do: [STEP] }, (fields) => ({ kind: 'parallel', branches: { b: fields } })),
  'a type': {
    at: '/inputs/n',
    own: { type: 'string' },
    oneByOne: true,
    document: (fields) => v1({ inputs: { n: fields } }),
  },
};

/** Every name that any map of the language has or will have, and one that none has. */
function candidates(): string[] {
  const names = new Set(['zzz', 'schedule', 'webhook', 'dedupe', 'until', 'tokens', 'usd', 'anyOf', 'format', '$ref']);
  const collect = (json: Json): void => {
    if (Array.isArray(json)) json.forEach(collect);
    if (!isJsonObject(json)) return;
    if (isJsonObject(json['properties'])) Object.keys(json['properties']).forEach((name) => names.add(name));
    Object.values(json).forEach(collect);
  };
  const { $defs } = documentSchema(context);
  collect($defs as Json);
  for (const kind of STEP_KINDS) {
    const { later = [], forbidden = {}, needsV1 = [] } = stepFields(kind, 'xyn/v1');
    for (const name of [...later, ...needsV1, ...Object.keys(forbidden)]) names.add(name);
  }
  return [...names];
}

const REFUSED = new Set(['field_unknown', 'modifier_forbidden', 'input_schema_invalid']);

async function refusedByCompiler({ at, document, own, oneByOne }: Frame, names: readonly string[]): Promise<string[]> {
  const refused: string[] = [];
  // A list of problems has a longest length.
  const atOnce = oneByOne === true ? 1 : MAX_PROBLEMS / 5;
  for (let from = 0; from < names.length; from += atOnce) {
    const some = names.slice(from, from + atOnce);
    const fields = { ...Object.fromEntries(some.map((name) => [name, null])), ...own };
    const { problems } = await compileBlueprint(Buffer.from(JSON.stringify(document(fields))), context);
    for (const { code, path, message } of problems) {
      const name = path.slice(at.length + 1);
      // Of a word of a type also its value may be wrong.
      if (code === 'input_schema_invalid' && !message.includes('not available')) continue;
      if (REFUSED.has(code) && path.startsWith(`${at}/`) && some.includes(name)) refused.push(name);
    }
  }
  return [...new Set(refused)].sort();
}

function refusedBySchema({ at, document, own }: Frame, names: readonly string[]): string[] {
  const fields = { ...Object.fromEntries(names.map((name) => [name, null])), ...own };
  const found = errorsOf(validate, document(fields)).flatMap(({ keyword, instancePath, params }) =>
    keyword === 'additionalProperties' && instancePath === at ? [String(params['additionalProperty'])] : [],
  );
  return [...new Set(found)].sort();
}

describe('the fields of', () => {
  const all = candidates();

  it.each(Object.keys(FRAMES))('%s are those that the compiler takes', async (name) => {
    const frame = FRAMES[name] as Frame;
    const names = all.filter((one) => !(one in frame.own) && !(frame.at === '' && one === 'api'));
    const refused = await refusedByCompiler(frame, names);
    const v0Holder = /^a v0 (wait|block|switch|parallel|for_each)$/.test(name);
    // A kind that a dialect does not have has no fields.
    if (v0Holder) return expect(errorsOf(validate, frame.document(frame.own))).not.toEqual([]);
    expect(refused).toContain('zzz');
    expect(refusedBySchema(frame, names)).toEqual(refused);
  });
});
