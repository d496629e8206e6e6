/** A key of a scenario that names steps: an id, or an address in which `[*]` stands for any iteration (language §11). */
export interface StepPattern {
  key: string;
  /** The id of the step that the key ends with. */
  step: string;
  /** Numbers of attempts of blocks are part of the key. */
  namesAttempt: boolean;
  matches(path: string): boolean;
  /** The higher, the more exact. */
  exactness: number;
}

const DERIVED = /~[a-z]+(\[\d+\])?$/;

/** The id of the step that an address ends with, without iteration, attempt, branch or derived part. */
export function stepIdOf(address: string): string {
  const last = address.replace(DERIVED, '').split('.').at(-1) ?? '';
  return last.replace(/([[:#!]).*$/, '');
}

/** The address without the numbers of attempts of blocks. */
export function withoutAttempts(path: string): string {
  return path.replace(/#\d+/g, '');
}

/** What a key of a scenario matches. */
export function stepPattern(key: string): StepPattern {
  const namesAttempt = key.includes('#');
  const isId = /^[A-Za-z][\w-]*(~[a-z]+)?$/.test(key);
  const isPrefix = key.endsWith(']');
  const source = key.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\[\\*\\]', '\\[\\d+\\]');
  const pattern = new RegExp(`^(?:.*\\.)?${source}${isPrefix ? '(?:\\..*)?' : ''}$`);
  return {
    key,
    step: stepIdOf(key),
    namesAttempt,
    matches: (path) => pattern.test(namesAttempt ? path : withoutAttempts(path)),
    exactness: rankOf(key, { isId, isPrefix }) * 10_000 + key.length,
  };
}

function rankOf(key: string, { isId, isPrefix }: { isId: boolean; isPrefix: boolean }): number {
  if (isId) return 1;
  if (isPrefix) return key.includes('[*]') ? 0 : 0.5;
  return key.includes('[*]') ? 2 : 3;
}

/** The most exact of the patterns that match. */
export function bestMatch<T extends { pattern: StepPattern }>(candidates: readonly T[], path: string): T | undefined {
  let best: T | undefined;
  for (const one of candidates) {
    if (one.pattern.matches(path) && (best === undefined || one.pattern.exactness > best.pattern.exactness)) best = one;
  }
  return best;
}
