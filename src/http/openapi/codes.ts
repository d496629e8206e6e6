import { ERROR_CODES, type ErrorCode } from '../../domain/error-codes.js';
import type { Route } from '../route.js';

/** What every route can answer: what is no request of ours, who calls, and what is behind it. */
const ALWAYS: readonly ErrorCode[] = [
  'request_malformed',
  'header_too_large',
  'header_duplicate',
  'request_timeout',
  'host_unknown',
  'path_encoding',
  'query_duplicate',
  'request_invalid',
  'db_unavailable',
  'internal',
];
const BODY: readonly ErrorCode[] = ['body_too_large', 'unsupported_media_type'];
const JSON_BODY: readonly ErrorCode[] = [
  'invalid_json',
  'body_not_object',
  'json_depth',
  'json_duplicate_key',
  'forbidden_key',
  'number_range',
  'string_invalid',
];

/** The codes that a route can answer with, those of documents left out: they are the compiler's. */
export function errorCodesOf(route: Route): ErrorCode[] {
  const isListing = route.id.startsWith('list');
  const codes: ErrorCode[] = [
    ...ALWAYS,
    ...(route.path.includes(':') ? (['not_found'] as const) : []),
    ...(isListing ? (['limit_range', 'range_invalid', 'cursor_invalid'] as const) : []),
    ...(route.method === 'POST' ? (['origin_forbidden', 'audit_unavailable'] as const) : []),
    ...(route.body === undefined ? [] : [...BODY, ...JSON_BODY]),
    ...(route.keyed === undefined ? [] : (['idempotency_key_invalid', 'idempotency_mismatch'] as const)),
    ...(route.errors ?? []),
  ];
  return [...new Set(codes)];
}

/** Whether the route answers with what is wrong with a document. */
export function hasDocumentCodes({ takesDocument, documentCodes }: Route): boolean {
  return takesDocument || documentCodes === true;
}

/** Codes by the status that they are answered with. A document's own problems come with 400, 413 and 422. */
export function errorsByStatus(route: Route): Map<number, ErrorCode[]> {
  const byStatus = new Map<number, ErrorCode[]>(
    hasDocumentCodes(route) ? [400, 413, 422].map((status) => [status, []]) : [],
  );
  for (const code of errorCodesOf(route)) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}
