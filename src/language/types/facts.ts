import { readsOfTree } from '../../domain/expression/reads.js';
import type { Tree } from '../../domain/expression/tree.js';

/** What surely holds at a place: paths (`pathKey`) that are there and not null. Immutable. */
export interface Facts {
  readonly present: ReadonlySet<string>;
  readonly nonNull: ReadonlySet<string>;
}

export const NO_FACTS: Facts = { present: new Set(), nonNull: new Set() };

/** Names a path of variable and keys, however it is written; undefined for other trees. */
export function pathKey(tree: Tree): string | undefined {
  const keys = pathOf(tree);
  return keys === undefined ? undefined : JSON.stringify(keys);
}

/** The variable and the static keys of a path. */
export function pathOf(tree: Tree): string[] | undefined {
  if (!Array.isArray(tree)) return undefined;
  const [op, target, key] = tree;
  if (op === 'v') return [target as string];
  if (op !== '.' && op !== '.?' && op !== '[]' && op !== '[?]' && op !== 'has') return undefined;
  if (typeof key !== 'string') return undefined;
  const base = pathOf(target as Tree);
  return base === undefined ? undefined : [...base, key];
}

/** Both. */
export function joined(a: Facts, b: Facts): Facts {
  if (a === NO_FACTS) return b;
  if (b === NO_FACTS) return a;
  return { present: new Set([...a.present, ...b.present]), nonNull: new Set([...a.nonNull, ...b.nonNull]) };
}

/** Without what is known of variables that a list has anew. */
export function without(facts: Facts, variables: readonly string[]): Facts {
  const kept = (keys: ReadonlySet<string>): Set<string> =>
    new Set([...keys].filter((key) => !variables.includes((JSON.parse(key) as string[])[0] as string)));
  return facts === NO_FACTS ? facts : { present: kept(facts.present), nonNull: kept(facts.nonNull) };
}

/** The paths of which a path is made: what holds them is there, too. */
const prefixes = (keys: readonly string[]): string[] =>
  keys.slice(0, -1).map((_, ix) => JSON.stringify(keys.slice(0, ix + 1)));

const isThere = (keys: readonly string[] | undefined): Facts => {
  if (keys === undefined) return NO_FACTS;
  const all = new Set([...prefixes(keys), JSON.stringify(keys)]);
  return { present: all, nonNull: all };
};

const isPresent = (keys: readonly string[] | undefined): Facts => {
  if (keys === undefined) return NO_FACTS;
  const before = prefixes(keys);
  return { present: new Set([...before, JSON.stringify(keys)]), nonNull: new Set(before) };
};

const isLiteral = (tree: Tree): boolean => tree !== null && typeof tree !== 'object';

/** What follows from an expression being true, or false (language §6.2). */
export function factsOf(tree: Tree, truth: boolean): Facts {
  if (!Array.isArray(tree)) return NO_FACTS;
  const [op, ...parts] = tree as [string, ...Tree[]];
  switch (op) {
    case '!':
      return factsOf(parts[0] as Tree, !truth);
    case '&&':
    case '||':
      return truth === (op === '&&') ? parts.map((part) => factsOf(part, truth)).reduce(joined) : NO_FACTS;
    case '==':
    case '!=':
      return truth === (op === '==') ? ofEqual(parts as [Tree, Tree]) : ofUnequal(parts as [Tree, Tree]);
    case 'has':
      return truth ? isPresent(pathOf(tree)) : NO_FACTS;
    case 'in':
      return truth ? ofMember(parts as [Tree, Tree]) : NO_FACTS;
    case 'c':
      return truth && (parts[0] as unknown) === 'hasValue' ? isPresent(pathOf(parts[1] as Tree)) : NO_FACTS;
    default:
      return NO_FACTS;
  }
}

function ofEqual([a, b]: [Tree, Tree]): Facts {
  const [path, value] = isLiteral(b) ? [a, b] : [b, a];
  const keys = isLiteral(value) ? pathOf(path) : undefined;
  const failed = isOutcome(keys) && value !== 'completed' ? isThere(['error']) : NO_FACTS;
  return [isThere(keys), ofStatus(keys), failed].reduce(joined);
}

function ofUnequal([a, b]: [Tree, Tree]): Facts {
  const keys = pathOf(isLiteral(b) || b === null ? a : b);
  if (a === null || b === null) return isThere(keys);
  return isOutcome(keys) && (a === 'completed' || b === 'completed') ? isThere(['error']) : NO_FACTS;
}

/** What did not complete has an error. */
function isOutcome(keys: readonly string[] | undefined): boolean {
  return keys?.join('.') === 'run.outcome';
}

/** Who looks at the status of a step, or of one round of a loop, reads neither its outputs nor its error by accident. */
function ofStatus(keys: readonly string[] | undefined): Facts {
  const isStep = keys?.[0] === 'steps' && keys.length === 3;
  if (keys?.at(-1) !== 'status' || !(isStep || keys.length === 2)) return NO_FACTS;
  const owner = keys.slice(0, -1);
  return joined(isPresent([...owner, 'outputs']), isPresent([...owner, 'error']));
}

function ofMember([key, container]: [Tree, Tree]): Facts {
  const keys = typeof key === 'string' ? pathOf(container) : undefined;
  return keys === undefined ? NO_FACTS : isPresent([...keys, key as string]);
}

/** Outputs of the steps whose status an expression looks at: who does that knows that they may be absent. */
export function factsOfStatusTests(tree: Tree): Facts {
  if (!mentions(tree, 'status')) return NO_FACTS;
  return readsOfTree(tree)
    .map((keys) => ofStatus(keys))
    .reduce(joined, NO_FACTS);
}

/** Whether a word stands anywhere in a tree: most have no reads worth collecting. */
function mentions(tree: unknown, word: string): boolean {
  if (!Array.isArray(tree)) return tree === word;
  for (const part of tree) if (mentions(part, word)) return true;
  return false;
}

/** The conditions that all hold where a condition holds, each as text. */
export function conjuncts(tree: Tree): string[] {
  const parts = Array.isArray(tree) && tree[0] === '&&' ? tree.slice(1) : [tree];
  return parts.map((part) => JSON.stringify(part));
}
