/** One thing that is wrong with a document, or worth a warning, and where. */
export interface Problem {
  /** A row of the table in the language's description, lower snake_case. */
  code: string;
  severity: 'error' | 'warning';
  /** JSON pointer (RFC 6901) of the value, or of the key's value for problems with keys; `''` is the whole document. */
  path: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units as editors count. */
  column: number;
  message: string;
  /** What to write instead. */
  suggestion?: string;
}

/** Problems shown at most: who has more mends these first. */
export const MAX_PROBLEMS = 50;

/** The problems in the order of the text, at most 50 of them; warnings are dropped before errors are. */
export function sortedProblems(problems: readonly Problem[]): Problem[] {
  const byPlace = (a: Problem, b: Problem): number => a.line - b.line || a.column - b.column;
  const errorsFirst = problems
    .toSorted(byPlace)
    .toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  return errorsFirst.slice(0, MAX_PROBLEMS).sort(byPlace);
}
