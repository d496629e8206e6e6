import { createHash } from 'node:crypto';
import type { ActionCatalog } from '../domain/action-catalog.js';
import { isJsonObject, type JsonObject } from '../domain/json.js';
import { digestedText } from '../domain/plan-digest.js';
import type { Keep, Plan, PlanNode } from '../domain/plan.js';
import type { Read } from '../domain/expression/reads.js';
import { defined } from './document/defined.js';
import {
  checkRollback,
  inputsSchema,
  readHead,
  readInputs,
  readLimits,
  readOutputs,
  readPolicy,
  topFields,
} from './document/envelope.js';
import { Fields } from './document/fields.js';
import { isHolderNode, PlanCompiler, straightLength } from './document/holders.js';
import { ListReader, type StepDraft } from './document/lists.js';
import { Places, type Names } from './document/names.js';
import { Report } from './document/report.js';
import { checkSecretTexts } from './document/secret-texts.js';
import type { Dialect } from './document/step-fields.js';
import type { ProviderInfo } from './document/steps.js';
import { TriggerReader } from './document/triggers.js';
import { TypeReader } from './document/types.js';
import { Values } from './document/values.js';
import type { Problem } from './problem.js';
import { pointerToken, type Source } from './source.js';
import { nearestName } from './suggestion.js';
import { checkTypes } from './types/check.js';

/** Bytes of a plan's canonical text, at most (language §8.1). */
const MAX_PLAN_BYTES = 262_144;

/** What a document is compiled against. */
export interface CompileContext {
  actions: ActionCatalog;
  providers: readonly ProviderInfo[];
}

export interface Compiled {
  plan: Plan;
  /** Where each node of the plan stands in the document. */
  debug: JsonObject;
  /** Limits that the document sets by itself, by their names, with their places in the text. */
  writtenLimits: ReadonlyMap<string, { line: number; column: number }>;
  /** Warnings. */
  problems: Problem[];
}

/** A plan, or what keeps the document from becoming one; `problems` holds warnings as well. */
export interface CompileResult {
  compiled?: Compiled;
  problems: Problem[];
}

/**
 * Compiles a document that was read: all problems at once.
 * @param digest `sha256:` and hex over the document's bytes.
 */
export function compileSource(source: Source, digest: string, context: CompileContext): CompileResult {
  const report = new Report(source);
  const { value } = source;
  if (!isJsonObject(value)) {
    report.add('blueprint_not_object', '', 'A blueprint is a map.');
    return { problems: report.problems() };
  }
  const dialect = dialectOf(report, value);
  if (dialect === undefined) return { problems: report.problems() };
  const { plan, nodes } = build(report, value, dialect, context);
  if (plan === undefined || !report.isClean) return { problems: report.problems() };
  const { whole, bytes } = withDigest(plan, digest);
  if (bytes > MAX_PLAN_BYTES) {
    report.add('limit_plan', '/plan', 'The plan is over 256 KiB.', { suggestion: 'split it into several blueprints' });
    return { problems: report.problems() };
  }
  const problems = report.problems();
  const debug = { nodes: nodes.map(({ path, fields }) => ({ path, ...report.placeOf(fields.pointer) })) };
  const { limits } = value;
  const written = isJsonObject(limits) ? Object.keys(limits) : [];
  const writtenLimits = new Map(written.map((name) => [name, report.placeOf(`/limits/${pointerToken(name)}`)]));
  return { compiled: { plan: whole, debug, writtenLimits, problems }, problems };
}

/** The plan with its digests, and the length of its canonical text, which is written once for both. */
function withDigest(plan: Plan, source: string): { whole: Plan; bytes: number } {
  const text = digestedText(plan);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  // The members that the text lacks, with a comma for the two braces.
  const lacking = Buffer.byteLength(JSON.stringify({ digest, source })) - 1;
  return { whole: { ...plan, digest, source }, bytes: Buffer.byteLength(text) + lacking };
}

function dialectOf(report: Report, value: JsonObject): Dialect | undefined {
  if (!Object.hasOwn(value, 'api')) return 'xyn/v0';
  const { api } = value;
  if (api === 'xyn/v1') return api;
  const suggestion = typeof api === 'string' ? (nearestName(api, ['xyn/v1']) ?? 'xyn/v1') : 'xyn/v1';
  report.add('api_unknown', '/api', 'Known is `xyn/v1`; without `api` a document is v0.', { suggestion });
  return undefined;
}

interface Built {
  plan?: Plan;
  nodes: readonly StepDraft[];
}

function build(report: Report, value: JsonObject, dialect: Dialect, context: CompileContext): Built {
  const { actions, providers } = context;
  const fields = new Fields(report, '', value, topFields(dialect));
  checkSecretTexts(report, value);
  const { id, name } = readHead(report, fields);
  const inputs = readInputs(report, fields, dialect);
  const limits = readLimits(fields);
  const policy = readPolicy(fields);
  checkRollback(report, fields);
  const drafted = new ListReader(report, dialect, actions).read(fields);
  const length = straightLength(drafted.root);
  if (length > limits.steps && drafted.all.length <= 500) {
    const message = `The plan runs ${length} steps, more than \`limits.steps\` (${limits.steps}).`;
    report.add('limit_steps', `/plan/${Math.min(limits.steps, drafted.root.steps.length - 1)}`, message);
  }
  const names: Names = {
    report,
    inputs,
    steps: drafted.infos,
    usedInputs: new Set(),
    reads: [],
    places: new Places(),
    placeholders: 0,
  };
  const values = new Values(names);
  const triggers = new TriggerReader(names, values, dialect).read(fields);
  const types = new TypeReader(report);
  const compiler = new PlanCompiler({ dialect, names, values, types, actions, providers, limits });
  const root = compiler.root(drafted, fields);
  const { nodes } = compiler;
  const { outputs, declared } = readOutputs(names, values, fields, { dialect, list: drafted.root.list });
  warnOfUnused(report, names);
  checkTypes({ dialect, names, actions, drafted, nodes, root, triggers, outputs, declared });
  // A step that is wrong has no node: what follows wants all of them.
  if (id === undefined || !report.isClean) return { nodes: [] };
  const plan: Plan = {
    format: 'xyn.plan/0',
    language: dialect,
    id,
    ...defined({ name }),
    digest: '',
    source: '',
    actions: actionLock(nodes, actions),
    children: {},
    policy,
    limits,
    inputs: inputsSchema(inputs),
    outputs,
    triggers,
    root,
    nodes: withKeep(nodes, names.reads),
  };
  return { plan, nodes: drafted.all };
}

function warnOfUnused(report: Report, { inputs, usedInputs }: Names): void {
  for (const [name, { pointer }] of inputs) {
    if (usedInputs.has(name)) continue;
    report.add('unused_input', pointer, `Nothing reads the input \`${name}\`.`, {
      what: pointer.endsWith(`/${pointerToken(name)}`) ? 'key' : 'value',
    });
  }
}

function actionLock(nodes: readonly PlanNode[], actions: ActionCatalog): Plan['actions'] {
  const lock: Plan['actions'] = {};
  for (const node of nodes) {
    const found = node.kind === 'action_task' ? actions.find(node.action) : undefined;
    if (node.kind === 'action_task' && found !== undefined)
      lock[node.action] = { pack: found.pack, contract: found.contract };
  }
  return lock;
}

/**
 * The nodes with what of their outputs is to be kept: what expressions read, and all of what can become the result of a
 * body that has no `outputs` of its own and whose result is read.
 */
function withKeep(nodes: readonly PlanNode[], reads: readonly Read[]): PlanNode[] {
  const readsAll = reads.some(([variable, step]) => variable === 'steps' && step === undefined);
  const byStep = new Map<string, Read[]>(nodes.map(({ id }) => [id, []]));
  for (const read of reads) if (read[0] === 'steps' && read[1] !== undefined) byStep.get(read[1])?.push(read);
  const keeps = nodes.map(({ id }): Keep => (readsAll ? '*' : keepOf(byStep.get(id) ?? [])));
  const readsPrev = reads.some(([variable]) => variable === 'prev');
  nodes.forEach((node, ix) => {
    const isRead = keeps[ix] === '*' || keeps[ix]?.length !== 0 || (node.kind === 'for_each' && readsPrev);
    if (!isHolderNode(node) || !isRead) return;
    // A holder stands before what it holds, so that what is decided here reaches further inside.
    for (const { do: list, outputs } of Object.values(node.bodies)) {
      if (outputs === undefined) keepLast(nodes, keeps, list);
    }
  });
  return nodes.map((node, ix) => ({ ...node, keep: keeps[ix] as Keep }));
}

/** The last step that surely has outputs, and those after it. */
function keepLast(nodes: readonly PlanNode[], keeps: Keep[], list: readonly number[]): void {
  for (const ix of list.toReversed()) {
    keeps[ix] = '*';
    if (nodes[ix]?.when === undefined) return;
  }
}

/** Which of a step's outputs its reads need: paths below `outputs`. */
function keepOf(reads: readonly Read[]): Keep {
  const paths = new Map<string, string[]>();
  for (const [, , field, ...path] of reads) {
    if (field === undefined) return '*';
    if (field !== 'outputs') continue;
    if (path.length === 0) return '*';
    paths.set(JSON.stringify(path), path);
  }
  if (paths.size < 2) return [...paths.values()];
  const sorted = [...paths.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return sorted.filter((path) => !sorted.some((other) => other !== path && other.every((key, ix) => key === path[ix])));
}
