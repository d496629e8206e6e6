import type { Tree, TreeNode } from '../../domain/expression/tree.js';
import { any, nameOf, type Type } from './type.js';

/** Where a problem of an expression is told. `part` is the operand, counted from 0, that the problem is about. */
export interface ExpressionReport {
  error(code: string, node: TreeNode, part: number | 'key' | undefined, message: string, suggestion?: string): void;
  warn(code: string, node: TreeNode, part: number | 'key' | undefined, message: string, suggestion?: string): void;
  /** The text that an operand was written as. */
  textOf(node: TreeNode, part: number): string | undefined;
}

/** Operands as the rules of operators and functions want them. */
export interface Operands {
  node: TreeNode;
  trees: readonly Tree[];
  types: readonly Type[];
  report: ExpressionReport;
}

/** What is said of an optional where a value is wanted. */
export const OPTIONAL = 'This may be absent: say what it is then.';

/** A call around an operand. */
export function suggested(report: ExpressionReport, node: TreeNode, part: number, name: string): string | undefined {
  const written = report.textOf(node, part);
  return written === undefined ? undefined : `${name}(${written})`;
}

/** Reports operands that may be null or absent where a value is wanted. @returns the operand's type without that. */
export function valueOf({ node, types, report }: Operands, ix: number): Type {
  const type = types[ix] as Type;
  if (type.is === 'optional') {
    report.error('expression_type', node, ix, OPTIONAL, '.orValue(…)');
    return any(type.tainted);
  }
  if (type.nullable && type.is !== 'null')
    report.warn('maybe_missing', node, ix, `This may be null, not ${nameOf(type)}.`);
  return type;
}
