import type { ProblemKind } from './words.js';

/** A signed head as the drawing shows it. */
export interface SignedHead {
  seq: number;
  hash: string;
  at: string;
}

/** What a verification found. */
export interface CheckView {
  report: {
    ok: boolean;
    linked: number;
    heads: number;
    first_problem?: {
      kind: ProblemKind;
      seq?: number;
      audit_id?: string;
      expected_hash?: string;
      found_hash?: string;
      message: string;
    };
  };
  at: string;
  tookMs: number;
}

/** The trail as a whole. */
export interface AuditStateView {
  head: { seq: number; hash: string; linked_at: Date } | null;
  since: Date | null;
  pending: number;
  last: CheckView | null;
  checkingSince: string | null;
  /** Links that stand one after the other, smallest number first. */
  shown: readonly { seq: number; hash: string }[];
  /** Signed heads, oldest first. */
  signed: readonly SignedHead[];
}
