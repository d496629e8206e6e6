import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { json, type BadInput } from './case.js';

/*
 * Groups B-J (JSON and transport), B-P (pages and filters), B-E (events) and the part of B-H that needs no
 * authentication. Fields of a request are judged together, so their code is `request_invalid` and the rule that the
 * catalogue names stands in `details.problems`: J09, J10, J18, J19, P05, P07. Elsewhere:
 *   J12: no encoding is taken at all, so a wrong gzip is 415 like any other. J15 names no run, so it is `not_found`.
 *   P04: a cursor holds a position and no time, so none expires. P08: `paging.test.ts`.
 *   E09: an event that no blueprint wants is kept with no verdicts: 201. E12, E13: `accepted.test.ts`.
 *   H12: a second request with a key waits for the first and gets its answer, which is more than 409 would tell.
 */

const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
const event = (data: string): string => `{"event_name":"bad.input","data":${data}}`;
const get = (
  id: string,
  what: string,
  path: string,
  answer: readonly [number, string],
  more: Partial<BadInput> = {},
) => ({
  id,
  what,
  path: `/api/v1${path}`,
  status: answer[0],
  code: answer[1],
  ...more,
});
const RUNS = { path: '/api/v1/runs' };
const plain = { 'content-type': 'application/json' };

export const JSON_CASES: readonly BadInput[] = [
  json('J01', 'no JSON', '{"event_name":', [400, 'invalid_json']),
  json('J01b', 'a comment', '{"event_name":"a.b"} // x', [400, 'invalid_json']),
  json('J01c', 'NaN', event('{"n":NaN}'), [400, 'invalid_json']),
  json('J01d', 'bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), [
    400,
    'invalid_json',
  ]),
  json('J02a', 'a scalar', '1', [400, 'body_not_object']),
  json('J02b', 'a list', '[]', [400, 'body_not_object']),
  json('J02c', 'null', 'null', [400, 'body_not_object']),
  { ...json('J03a', 'no type', event('{}'), [415, 'unsupported_media_type']), headers: {} },
  json('J03b', 'text', event('{}'), [415, 'unsupported_media_type'], { headers: { 'content-type': 'text/plain' } }),
  json('J03c', 'UTF-7', event('{}'), [415, 'unsupported_media_type'], {
    headers: { 'content-type': 'application/json; charset=utf-7' },
  }),
  json('J03d', 'a form', 'event_name=a.b', [415, 'unsupported_media_type'], {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  }),
  json('J04', 'a key twice', '{"event_name":"a.b","event_name":"a.c"}', [400, 'json_duplicate_key']),
  json('J05a', '__proto__', event('{"__proto__":{"x":1}}'), [400, 'forbidden_key']),
  json('J05b', 'constructor, escaped', event('{"constr\\u0075ctor":1}'), [400, 'forbidden_key']),
  json('J06a', '65 levels', deep(65), [400, 'json_depth']),
  json('J06b', '5,000 levels', deep(5_000), [400, 'json_depth']),
  json('J06c', '100,000 open lists', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, [400, 'json_depth']),
  json('J07a', '1e999', event('{"n":1e999}'), [422, 'number_range']),
  json('J07b', '2^53 + 1', event('{"n":9007199254740993}'), [422, 'number_range']),
  json('J08a', 'half a character', event('{"t":"\\ud800"}'), [422, 'string_invalid']),
  json('J08b', 'NUL', event('{"t":"\\u0000"}'), [422, 'string_invalid']),
  json('J08c', 'NUL in a key', event('{"t\\u0000":1}'), [422, 'string_invalid']),
  json('J09a', 'an operator in a body', '{"event_name":{"contains":""}}', [422, 'request_invalid'], {
    rule: 'type_mismatch',
  }),
  get('J09b', 'an operator in a query', '/runs?blueprint_id[contains]=', [422, 'request_invalid'], {
    rule: 'field_unknown',
  }),
  ...['tenantId', 'status', 'createdBy', 'owner_org_id'].map((field, ix) =>
    json(
      `J10${'abcd'[ix] ?? ''}`,
      `the field ${field}`,
      `{"event_name":"a.b","${field}":"x"}`,
      [422, 'request_invalid'],
      {
        rule: 'field_unknown',
      },
    ),
  ),
  json('J11', '1 MiB and a byte', `{"blueprint_ref":"a"}${' '.repeat(1_048_576 - 20)}`, [413, 'body_too_large'], RUNS),
  json('J12a', 'gzip that is none', event('{}'), [415, 'unsupported_media_type'], {
    headers: { 'content-encoding': 'gzip' },
  }),
  json('J12b', 'gzip', gzipSync(event('{}')), [415, 'unsupported_media_type'], {
    headers: { 'content-encoding': 'gzip' },
  }),
  json('J12c', 'an unknown encoding', event('{}'), [415, 'unsupported_media_type'], {
    headers: { 'content-encoding': 'x' },
  }),
  get('J13a', 'a run that is no UUID', '/runs/1', [404, 'not_found']),
  get('J13b', 'a gate that is no UUID', "/gates/x'%20OR%201=1--", [404, 'not_found']),
  get('J13c', 'a UUID with braces', `/events/{${randomUUID()}}`, [404, 'not_found']),
  get('J13d', 'a schedule that is not there', '/schedules/bp.none:1', [404, 'schedule_not_found']),
  get('J13e', 'NUL in a schedule id', '/schedules/a%00b', [404, 'not_found']),
  json('C10', 'a pause without a note', '{}', [422, 'request_invalid'], { path: '/api/v1/schedules/bp.a:1/pause' }),
  json('C11', 'an overlap that is none', '{"overlap":"kill"}', [422, 'request_invalid'], {
    path: '/api/v1/schedules/bp.a:1/trigger',
  }),
  json('C12', 'a backfill without an end', '{"from":"2026-11-01T00:00:00Z"}', [422, 'request_invalid'], {
    path: '/api/v1/schedules/bp.a:1/backfill',
  }),
  json('C13', 'a schedule that is not there', '{"note":"x"}', [404, 'schedule_not_found'], {
    path: '/api/v1/schedules/bp.a:1/pause',
  }),
  get('J14', 'a broken escape', '/runs/%E0%A4%A', [400, 'path_encoding']),
  get('J15a', 'a way up in a parameter', '/runs/..%2fevents', [404, 'not_found']),
  get('J15b', 'a way up to a file', '/artifacts/..%2f..%2f..%2fetc%2fpasswd/download', [404, 'not_found']),
  get('J15c', 'a way up in a blueprint id', '/blueprints/..%2f..%2fx', [404, 'blueprint_unknown']),
  get('J15d', 'NUL in a blueprint id', '/blueprints/a%00b', [404, 'not_found']),
  get('J16a', 'DELETE', '/runs', [405, 'method_not_allowed'], {
    method: 'DELETE',
    header: ['allow', 'POST, GET, HEAD'],
  }),
  get('J16b', 'a method that only WebDAV has', '/health', [405, 'method_not_allowed'], {
    method: 'PROPFIND',
    header: ['allow', 'GET, HEAD'],
  }),
  get('J16c', 'TRACE', '/health', [405, 'method_not_allowed'], { method: 'TRACE' }),
  get('J17', 'another method in a header', '/health', [405, 'method_not_allowed'], {
    method: 'POST',
    headers: { 'x-http-method-override': 'GET', 'x-method-override': 'GET' },
  }),
  json('J18', 'a date that does not exist, in a field of its own', '{"event_name":"a.b","occurred_at":"2026-02-30"}', [
    422,
    'request_invalid',
  ]),
  json('J19a', 'a text of 200,000 characters', `{"blueprint_ref":"${'x'.repeat(200_000)}"}`, [422, 'request_invalid'], {
    ...RUNS,
    rule: 'string_too_long',
  }),
  json('J19b', 'a name of 1,000 characters', `{"event_name":"a.${'b'.repeat(998)}"}`, [422, 'event_name_format']),
];

const [EARLIER, LATER] = ['2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z'];

export const PAGE_CASES: readonly BadInput[] = [
  ...['0', '-1', '1e9', 'abc', '201', '', '1.5', '0x10'].map((limit, ix) =>
    get(`P01${'abcdefgh'[ix] ?? ''}`, `limit=${limit}`, `/runs?limit=${limit}`, [422, 'limit_range']),
  ),
  get('P02a', 'a cursor of garbage', '/runs?cursor=garbage', [400, 'cursor_invalid']),
  get('P02b', 'a cursor of NUL', '/events?cursor=%00', [400, 'cursor_invalid']),
  get('P02c', 'a cursor that was made up', `/gates?cursor=${Buffer.from('["x",{}]').toString('base64url')}`, [
    400,
    'cursor_invalid',
  ]),
  get('P02d', 'a cursor of 2,000 characters', `/audit?cursor=${'a'.repeat(2_000)}`, [422, 'request_invalid'], {
    rule: 'string_too_long',
  }),
  get('P05a', 'sort=password', '/runs?sort=password', [422, 'request_invalid'], { rule: 'field_unknown' }),
  get('P05b', 'sort=id;drop', '/events?sort=id;drop', [422, 'request_invalid'], { rule: 'field_unknown' }),
  get('P06', 'a parameter twice', '/gates?status=open&status=expired', [400, 'query_duplicate']),
  get('P07a', '10,000 characters', `/runs?correlation_id=${'x'.repeat(10_000)}`, [422, 'request_invalid'], {
    rule: 'string_too_long',
  }),
  get('P09', 'a range that ends before it begins', `/events?from=${LATER}&to=${EARLIER}`, [422, 'range_invalid']),
  get('P09b', 'the same for runs', `/runs?created_from=${LATER}&created_to=${EARLIER}`, [422, 'range_invalid']),
  get('J18c', 'a time before all years', '/runs?created_from=0001-01-01T00:00:00%2B05:00', [422, 'request_invalid'], {
    rule: 'value_invalid',
  }),
  get('J18b', 'a day that does not exist', '/events?from=2026-02-30T00:00:00Z', [422, 'request_invalid'], {
    rule: 'format',
  }),
  get('P07b', 'a status that does not exist', '/runs?status=%25', [422, 'request_invalid'], { rule: 'value_unknown' }),
];

export const EVENT_CASES: readonly BadInput[] = [
  json('E09a', 'a name without a dot', '{"event_name":"alert"}', [422, 'event_name_format']),
  json('E09b', 'a name of the engine', '{"event_name":"xyn.run.created"}', [422, 'event_name_reserved']),
  json('E09c', 'no name', '{}', [422, 'request_invalid'], { rule: 'field_required' }),
  json('E11', '256 KiB and a byte', event(`{"t":"${'x'.repeat(262_144 - 41)}"}`), [413, 'body_too_large']),
];

export const HEADER_CASES: readonly BadInput[] = [
  get('H05a', 'a change that another site asks for', '/events', [403, 'origin_forbidden'], {
    method: 'POST',
    headers: { ...plain, origin: 'https://evil.example' },
    body: event('{}'),
  }),
  get('H05b', 'the origin null', '/events', [403, 'origin_forbidden'], {
    method: 'POST',
    headers: { ...plain, origin: 'null' },
    body: event('{}'),
  }),
  get('H08', 'another host', '/health', [421, 'host_unknown'], { headers: { host: 'evil.example' } }),
  get('H08b', 'a forwarded host', '/health', [421, 'host_unknown'], {
    headers: { host: 'evil.example', 'x-forwarded-host': '127.0.0.1' },
  }),
  get('H09', 'a header of 20 KiB', '/health', [431, 'header_too_large'], { headers: { 'x-big': 'x'.repeat(20_480) } }),
  json('H10a', 'an empty key', event('{}'), [400, 'idempotency_key_invalid'], { headers: { 'idempotency-key': '' } }),
  json('H10b', 'a key of 256 characters', event('{}'), [400, 'idempotency_key_invalid'], {
    headers: { 'idempotency-key': 'x'.repeat(256) },
  }),
  json('H10c', 'a key with a tab', event('{}'), [400, 'idempotency_key_invalid'], {
    headers: { 'idempotency-key': 'a\tb' },
  }),
];
