import type { Plan } from '../domain/plan.js';
import { nameSlug, RESERVED_NAMES } from './document/step-fields.js';

/** Steps that v1 calls otherwise, and names in their `set`, by the names they had. */
export type StepRenames = ReadonlyMap<string, { id: string; outputs: ReadonlyMap<string, string> }>;

const V1_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const MAX_NAME = 63;

const isV1Name = (name: string): boolean => V1_NAME.test(name) && !RESERVED_NAMES.has(name);

/** New names for those that v1 does not take; names that it takes keep theirs, and no two become one. */
function newNames(names: readonly string[]): Map<string, string> {
  const taken = new Set(names.filter(isV1Name));
  const renamed = new Map<string, string>();
  for (const name of names) {
    if (isV1Name(name)) continue;
    const slug = nameSlug(name) ?? 'step';
    const base = RESERVED_NAMES.has(slug) ? `${slug}_` : slug;
    let free = base;
    for (let count = 2; taken.has(free); count += 1) {
      const end = `_${count}`;
      free = `${base.slice(0, MAX_NAME - end.length)}${end}`;
    }
    taken.add(free);
    renamed.set(name, free);
  }
  return renamed;
}

/** What a plan's steps must be called in v1. */
export function renamesOf(plan: Plan): StepRenames {
  const ids = newNames(plan.nodes.map(({ id }) => id));
  const found = new Map<string, { id: string; outputs: ReadonlyMap<string, string> }>();
  for (const node of plan.nodes) {
    const outputs = newNames(node.kind === 'transform' ? node.set.map(([name]) => name) : []);
    const id = ids.get(node.id);
    if (id !== undefined || outputs.size > 0) found.set(node.id, { id: id ?? node.id, outputs });
  }
  return found;
}

const QUOTED = String.raw`[rR]?(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`;
const ACCESS = String.raw`\s*(?:(?<dot>\.\s*\??)\s*(?<word>[A-Za-z_]\w*)|(?<open>\[\s*\??)\s*(?<text>"[^"\\]*"|'[^'\\]*')\s*\])`;
/** A quoted text, which stays; or `steps` with the accesses behind it. */
const TOKEN = new RegExp(`${QUOTED}|(?<![\\w.]\\s*)steps(?:${ACCESS.replace(/\?<\w+>/g, '?:')})+`, 'g');
const ONE_ACCESS = new RegExp(ACCESS, 'g');

/** An expression with the steps that it reads, and their renamed outputs, under their new names. */
export function withRenamedSteps(expression: string, renames: StepRenames): string {
  return expression.replace(TOKEN, (token) => (token.startsWith('steps') ? chain(token, renames) : token));
}

function chain(token: string, renames: StepRenames): string {
  let depth = 0;
  let renamed: ReturnType<StepRenames['get']>;
  const accesses = token.slice('steps'.length).replace(ONE_ACCESS, (access: string, ...rest: unknown[]) => {
    const { dot, word, open, text } = rest.at(-1) as Record<string, string | undefined>;
    const name = word ?? text?.slice(1, -1) ?? '';
    depth += 1;
    if (depth === 1) renamed = renames.get(name);
    const fresh = depth === 1 ? renamed?.id : depth === 3 ? renamed?.outputs.get(name) : undefined;
    if (fresh === undefined) return access;
    return dot === undefined ? `${open}"${fresh}"]` : `${dot}${fresh}`;
  });
  return `steps${accesses}`;
}
