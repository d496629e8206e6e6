import { isJsonObject, type Json, type JsonObject } from '../../src/domain/json.js';

/** An expression that has no value. */
export class Bad extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

interface Names {
  variable(name: string): Json | undefined;
}

/** The few expressions that generated plans hold: paths, `==`, `<` and literals. */
export function evaluate(tree: unknown, names: Names, extra: JsonObject = {}): Json {
  if (!Array.isArray(tree)) return tree as Json;
  const [operator, left, right] = tree as [string, unknown, unknown];
  if (operator === 'v') {
    const value = extra[left as string] ?? names.variable(left as string);
    if (value === undefined) throw new Bad('expression_error');
    return value;
  }
  const value = evaluate(left, names, extra);
  if (operator === '.') {
    if (!isJsonObject(value) || value[right as string] === undefined) throw new Bad('expression_error');
    return value[right as string] as Json;
  }
  const other = evaluate(right, names, extra);
  if (operator === '==') return JSON.stringify(value) === JSON.stringify(other);
  if (typeof value !== 'number' || typeof other !== 'number') throw new Bad('expression_error');
  return value < other;
}

/** Renders a map of values, whole placeholders only. */
export function renderAll(values: Record<string, unknown>, names: Names, extra: JsonObject = {}): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]): [string, Json] => {
      const isTree = typeof value === 'object' && value !== null && '$' in value;
      return [key, isTree ? evaluate(value.$, names, extra) : (value as Json)];
    }),
  );
}
