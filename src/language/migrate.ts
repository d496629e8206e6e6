import { isMap, isScalar, isSeq, parseDocument, visit, type Document, type Pair, type YAMLMap } from 'yaml';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { Plan, Val } from '../domain/plan.js';
import { compileBlueprint } from './compile-document.js';
import type { CompileContext } from './compile.js';
import { splitTemplate } from './expression/template.js';
import { renamesOf, withRenamedSteps, type StepRenames } from './migrate-names.js';
import type { Problem } from './problem.js';

/** The document in v1; `problems` then are those of the v1 form. Without a text, those of the document as it is. */
export interface Migration {
  text?: string;
  problems: Problem[];
}

/**
 * The v1 form of a v0 document (language §1.1), with its comments; a v1 document comes back as it is. Ids that v1 does not
 * take are renamed with their references.
 * @throws Error when the v1 form compiles to another plan: a defect of ours, which must not reach anybody's file.
 */
export async function migrateDocument(bytes: Uint8Array, context: CompileContext): Promise<Migration> {
  const { compiled, problems } = await compileBlueprint(bytes, context);
  if (compiled === undefined) return { problems };
  const source = new TextDecoder().decode(bytes);
  const { plan } = compiled;
  if (plan.language === 'xyn/v1') return { text: source, problems };
  // The reader has taken it: there are no aliases, and no key stands twice.
  const document = parseDocument(source, { uniqueKeys: false });
  const renames = renamesOf(plan);
  rewrite(document, plan, renames);
  const text = document.toString({ lineWidth: 0 });
  const after = await compileBlueprint(new TextEncoder().encode(text), context);
  if (after.compiled !== undefined && !isSame(plan, after.compiled.plan, renames)) {
    throw new Error('migrate: the v1 form compiles to another plan');
  }
  return { text, problems: after.problems };
}

function rewrite(document: Document, plan: Plan, renames: StepRenames): void {
  const top = document.contents as YAMLMap;
  renameReferences(top, renames);
  for (const step of mapsIn(top.get('plan'))) rewriteStep(step, renames);
  rewriteTrigger(document, top);
  replaceList(document, top, 'inputs', () => 'any');
  replaceList(document, top, 'outputs', (name) => outputOf(plan.outputs[name], renames));
  top.items.unshift(document.createPair('api', 'xyn/v1'));
}

function mapsIn(list: unknown): YAMLMap[] {
  return isSeq(list) ? list.items.filter((item) => isMap(item)) : [];
}

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** Renames a key and leaves everything else at its place. */
function renameKey(map: YAMLMap, from: string, to: string): void {
  const pair = map.items.find((one) => keyOf(one) === from);
  if (pair === undefined) return;
  if (map.has(to)) map.delete(from);
  else if (isScalar(pair.key)) pair.key.value = to;
}

function rewriteStep(step: YAMLMap, renames: StepRenames): void {
  const id = step.get('id', true);
  const renamed = isScalar(id) ? renames.get(String(id.value)) : undefined;
  if (step.get('kind') === 'agent_task') {
    renameKey(step, 'agent', 'provider');
    renameKey(step, 'prompt_template', 'prompt');
  }
  const set = step.get('set');
  if (isMap(set)) for (const [from, to] of renamed?.outputs ?? []) renameKey(set, from, to);
  if (isScalar(id) && renamed !== undefined) id.value = renamed.id;
}

function rewriteTrigger(document: Document, top: YAMLMap): void {
  const pair = top.items.find((one) => keyOf(one) === 'trigger');
  if (pair === undefined || !isMap(pair.value)) return;
  renameKey(pair.value, 'event_type', 'event');
  const list = document.createNode([]);
  list.items.push(pair.value as never);
  renameKey(top, 'trigger', 'triggers');
  pair.value = list;
}

/** Makes a list of `{name}` a map; comments at an entry move to its key. */
function replaceList(document: Document, top: YAMLMap, field: string, valueOf: (name: string) => Json): void {
  const pair = top.items.find((one) => keyOf(one) === field);
  if (pair === undefined) return;
  const map = document.createNode({}) as unknown as YAMLMap;
  if (isSeq(pair.value) && pair.value.commentBefore != null) map.commentBefore = pair.value.commentBefore;
  for (const item of mapsIn(pair.value)) {
    const name = item.get('name', true);
    if (!isScalar(name)) continue;
    const made = document.createPair(String(name.value), valueOf(String(name.value)));
    const [key, value] = [made.key, made.value];
    const before = item.commentBefore ?? (item.items[0]?.key as { commentBefore?: string } | undefined)?.commentBefore;
    const behind = name.comment ?? item.comment;
    if (isScalar(key) && before != null) key.commentBefore = before;
    if (isScalar(value) && behind != null) value.comment = behind;
    map.items.push(made);
  }
  pair.value = map;
}

/** An output of v0, which is the field of a step or nothing, in words. */
function outputOf(bound: Val | undefined, renames: StepRenames): Json {
  const keys: string[] = [];
  let tree: unknown = isJsonObject(bound as Json) ? (bound as JsonObject)['$'] : undefined;
  for (; Array.isArray(tree) && tree[0] === '.'; tree = tree[1]) keys.unshift(String(tree[2]));
  const [id, , name] = keys;
  return id === undefined ? null : `{{steps.${renames.get(id)?.id ?? id}.outputs.${name}}}`;
}

/** Conditions are expressions as a whole. */
const CONDITIONS: ReadonlySet<string> = new Set(['filter', 'that']);

function renameReferences(top: YAMLMap, renames: StepRenames): void {
  if (renames.size === 0) return;
  visit(top, {
    Scalar(at, node, path) {
      if (at === 'key' || typeof node.value !== 'string') return;
      const parent = path.at(-1) as Pair | undefined;
      const isCondition = at === 'value' && parent !== undefined && CONDITIONS.has(keyOf(parent));
      node.value = inText(node.value, isCondition, renames);
    },
  });
}

function inText(text: string, isCondition: boolean, renames: StepRenames): string {
  if (!text.includes('{{')) return isCondition ? withRenamedSteps(text, renames) : text;
  const split = splitTemplate(text);
  if ('code' in split) return text;
  return split.parts
    .map((part) => ('text' in part ? part.text : `{{${withRenamedSteps(part.expression, renames)}}}`))
    .join('');
}

/** Whether two plans differ in nothing but dialect, digests and what was renamed. */
function isSame(before: Plan, after: Plan, renames: StepRenames): boolean {
  const names = new Map<string, string>();
  for (const [from, { id, outputs }] of renames)
    [[from, id] as const, ...outputs].forEach((pair) => names.set(...pair));
  const told = (plan: Plan): string => canonicalJson(renamed(withoutDigests(plan), names));
  return told(before) === told(after);
}

function withoutDigests(plan: Plan): Json {
  return { ...plan, language: '', digest: '', source: '' } as unknown as Json;
}

function renamed(json: Json, names: ReadonlyMap<string, string>): Json {
  if (typeof json === 'string') return names.get(json) ?? json;
  if (Array.isArray(json)) return json.map((item) => renamed(item, names));
  if (!isJsonObject(json)) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [names.get(key) ?? key, renamed(value, names)]));
}
