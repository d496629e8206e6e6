import { canonicalJson } from './json.js';
import { sha256Hex } from './hash.js';
import type { Plan } from './plan.js';

/**
 * The digest of a plan (language §8.1): `sha256:` and hex over its RFC 8785 form without `digest` and `source`, so that
 * comments, white space and the order of keys do not change it. Costs milliseconds for the largest plan: keep the answer.
 */
export function planDigest(plan: Plan): string {
  const { digest: _digest, source: _source, ...content } = plan;
  return `sha256:${sha256Hex(canonicalJson(content))}`;
}
