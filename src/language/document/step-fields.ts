import type { HolderNode, StepKind } from '../../domain/plan.js';
import type { FieldNames } from './fields.js';
import type { Report } from './report.js';

/** The two front ends of the language. */
export type Dialect = 'xyn/v0' | 'xyn/v1';

const COMMON = ['kind', 'id', 'name'];
const FIELDS: Readonly<Record<StepKind, FieldNames>> = {
  action_task: { known: ['action', 'with', 'key', 'declare', 'mode'], later: ['risk', 'resource'] },
  agent_task: {
    known: ['provider', 'model', 'prompt', 'system', 'output', 'max_turns', 'data'],
    later: ['tools', 'budget'],
  },
  gate: {
    known: ['mode', 'message', 'approvers', 'require', 'reject', 'reason'],
    later: ['form', 'remind', 'escalate'],
  },
  transform: { known: ['set', 'assert'] },
  wait: { known: ['for', 'until'], later: ['event'] },
  block: { known: ['do', 'finally', 'rollback'] },
  switch: { known: ['cases', 'default'] },
  parallel: { known: ['branches', 'join', 'mode', 'concurrency'] },
  for_each: { known: ['in', 'do', 'as', 'concurrency', 'mode', 'tolerate', 'while', 'max_items'] },
};
const ATTEMPTED: ReadonlySet<StepKind> = new Set(['action_task', 'agent_task', 'block']);
const LATER_MODIFIERS = ['requires', 'undo', 'lock', 'publishes'];
const NEVER_ON_LEAVES = ['finally', 'rollback'];

export const STEP_KINDS = Object.keys(FIELDS) as StepKind[];
/** Kinds of the language that this release does not run yet. */
export const LATER_KINDS = ['blueprint'];

/** Whether steps of a kind hold lists of steps. */
export function isHolderKind(kind: StepKind): kind is HolderNode['kind'] {
  return kind === 'block' || kind === 'switch' || kind === 'parallel' || kind === 'for_each';
}

/** What steps may say, by kind and dialect: asked for at every step. */
const kept: Readonly<Record<Dialect, Map<StepKind, FieldNames>>> = { 'xyn/v0': new Map(), 'xyn/v1': new Map() };

/** What a step of that kind may say. */
export function stepFields(kind: StepKind, dialect: Dialect): FieldNames {
  const names = kept[dialect].get(kind) ?? namesOf(kind, dialect);
  kept[dialect].set(kind, names);
  return names;
}

function namesOf(kind: StepKind, dialect: Dialect): FieldNames {
  const own = FIELDS[kind];
  const known = [...COMMON, ...own.known];
  if (dialect === 'xyn/v0') {
    const aliases = kind === 'agent_task' ? ['agent', 'prompt_template'] : [];
    if (kind === 'action_task') known.splice(known.indexOf('mode'), 1);
    const needsV1 = [
      ...(kind === 'action_task' ? ['mode'] : []),
      'when',
      'timeout',
      'retry',
      'outputs',
      'on_error',
      ...LATER_MODIFIERS,
      ...NEVER_ON_LEAVES,
    ];
    return { known: [...known, ...aliases], later: own.later ?? [], needsV1 };
  }
  const allowed = {
    outputs: kind !== 'switch' && kind !== 'parallel',
    timeout: kind !== 'transform' && kind !== 'wait',
    retry: ATTEMPTED.has(kind),
  };
  const modifiers = [
    'when',
    'on_error',
    ...Object.keys(allowed).filter((name) => allowed[name as keyof typeof allowed]),
  ];
  const forbidden: Record<string, string> = {};
  for (const name of NEVER_ON_LEAVES) forbidden[name] = `\`${name}\` does not stand on a ${kind}.`;
  for (const name of Object.keys(allowed)) forbidden[name] = `\`${name}\` does not stand on a ${kind}.`;
  return { known: [...known, ...modifiers], later: [...(own.later ?? []), ...LATER_MODIFIERS], forbidden };
}

const V1_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const V0_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
/** Words of the expression language, which v1 takes as no name. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  (
    'as break const continue else false for function if import in let loop namespace null package return true ' +
    'var void while'
  ).split(' '),
);

/** The nearest name that v1 takes; undefined where nothing of it remains. */
export function nameSlug(name: string): string | undefined {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 63);
  return slug === '' ? undefined : slug;
}

/** Whether a name of a step, input, output or entry is well formed; reports it if not. */
export function checkName(
  report: Report,
  dialect: Dialect,
  name: string,
  pointer: string,
  what: 'value' | 'key' = 'value',
): boolean {
  if (!(dialect === 'xyn/v0' ? V0_NAME : V1_NAME).test(name)) {
    const message = 'A name is lower case: letters, digits and `_`, at most 63 characters, and starts with a letter.';
    report.add('id_format', pointer, message, { what, suggestion: nameSlug(name) });
    return false;
  }
  if (dialect === 'xyn/v0' || !RESERVED_NAMES.has(name)) return true;
  report.add('name_reserved', pointer, `\`${name}\` is a word of the expression language.`, { what });
  return false;
}
