import type { Json, JsonObject } from '../../domain/json.js';
import { DEFAULT_BACKOFF, type Retry } from '../../domain/plan.js';
import type { Tree } from '../../domain/expression/tree.js';
import { nearestName } from '../suggestion.js';
import { defined } from './defined.js';
import type { Fields } from './fields.js';
import type { Report } from './report.js';

const SECOND_MS = 1_000;
const LONGEST_MS = 30 * 86_400_000;

/** What `retry` says depends on what it repeats. */
export interface RetryFacts {
  /** Codes that it can fail with; absent: any. */
  codes?: readonly string[] | undefined;
  mayRepeat: boolean;
  /** Reads `until`; absent: it has none. */
  until?: ((json: Json, pointer: string) => Tree) | undefined;
}

/**
 * The `retry` of a step.
 * @param fallback attempts where none are written.
 * @param facts of what is repeated.
 */
export function readRetry(
  report: Report,
  fields: Fields,
  fallback: number,
  { codes, mayRepeat, until }: RetryFacts,
): Retry | undefined {
  const map = fields.object('retry');
  if (map === undefined) return undefined;
  const known = ['attempts', 'backoff', 'deadline', 'only', 'never'];
  const inner = fields.inner('retry', map, { known: [...known, 'until'] });
  const attempts = inner.number('attempts', { min: 1, max: 100 }, true) ?? fallback;
  if (attempts > 1 && !mayRepeat) {
    const message = 'This action may not be repeated: a second call could have a second effect.';
    report.add('retry_forbidden', inner.at('attempts'), message, { suggestion: 'attempts: 1' });
  }
  const pauses = inner.object('backoff');
  const backoff = pauses === undefined ? DEFAULT_BACKOFF : backoffOf(inner, pauses);
  const deadline = inner.duration('deadline', { min: SECOND_MS, max: LONGEST_MS });
  const only = inner.texts('only');
  const never = inner.texts('never');
  for (const name of ['only', 'never']) checkCodes(report, inner, name, codes);
  if (inner.has('until') && until === undefined) {
    const message = '`until` repeats what only reads; this step may change something.';
    const options = { what: 'key', suggestion: 'a loop with `while`' } as const;
    report.add('until_forbidden', inner.at('until'), message, options);
  }
  const asked = inner.has('until') ? until?.(inner.get('until') as Json, inner.at('until')) : undefined;
  return { attempts, backoff, ...defined({ deadline_ms: deadline, only, never, until: asked }) };
}

function backoffOf(inner: Fields, pauses: JsonObject): Retry['backoff'] {
  const fields = inner.inner('backoff', pauses, { known: ['first', 'factor', 'max', 'jitter'] });
  const range = { min: SECOND_MS, max: LONGEST_MS };
  return {
    first_ms: fields.duration('first', range) ?? DEFAULT_BACKOFF.first_ms,
    factor: fields.number('factor', { min: 1, max: 100 }, false) ?? DEFAULT_BACKOFF.factor,
    max_ms: fields.duration('max', range) ?? DEFAULT_BACKOFF.max_ms,
    jitter: fields.number('jitter', { min: 0, max: 1 }, false) ?? DEFAULT_BACKOFF.jitter,
  };
}

/** Warns of codes that a step cannot fail with. */
export function checkCodes(report: Report, fields: Fields, name: string, known: readonly string[] | undefined): void {
  const list = fields.get(name);
  if (known === undefined || !Array.isArray(list)) return;
  list.forEach((code, ix) => {
    if (typeof code !== 'string' || code.endsWith('*') || known.includes(code)) return;
    const message = `This step cannot fail with \`${code}\`.`;
    const suggestion = nearestName(code, known);
    report.add('error_code_unknown', `${fields.at(name)}/${ix}`, message, { suggestion });
  });
}

/** Retry where none is written. */
export function defaultRetry(attempts: number): Retry {
  return { attempts, backoff: DEFAULT_BACKOFF };
}
