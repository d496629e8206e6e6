import { canonicalJson } from './json.js';
import { sha256Hex } from './hash.js';
import type { Plan } from './plan.js';

/**
 * The text over which a plan's digest is taken: its RFC 8785 form without `digest` and `source`, so that comments, white
 * space and the order of keys do not change it.
 */
export function digestedText(plan: Plan): string {
  const { digest: _digest, source: _source, ...content } = plan;
  return canonicalJson(content);
}

/**
 * The digest of a plan (language §8.1): `sha256:` and hex over `digestedText`. Costs milliseconds for the largest plan:
 * keep the answer.
 */
export function planDigest(plan: Plan): string {
  return `sha256:${sha256Hex(digestedText(plan))}`;
}
