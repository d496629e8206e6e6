/** How the edges answer an error: HTTP status, process exit code, whether the same call may succeed later. */
export interface ErrorRow {
  status: number;
  exit: number;
  retryable: boolean;
  /** One line for `docs/errors.md`. */
  help: string;
}

const row = (status: number, exit: number, retryable: boolean, help: string): ErrorRow => ({
  status,
  exit,
  retryable,
  help,
});

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused (conflict or policy), 5 unavailable, 70 our defect. */
export const ERROR_CODES = {
  // requests
  invalid_json: row(400, 2, false, 'The body is not JSON.'),
  json_duplicate_key: row(400, 2, false, 'The body has a key twice.'),
  json_depth: row(400, 2, false, 'The body is nested more than 64 levels deep.'),
  forbidden_key: row(400, 2, false, 'A key like `__proto__` is not taken.'),
  number_range: row(422, 2, false, 'A number is too large to be kept exactly.'),
  string_invalid: row(422, 2, false, 'A text holds NUL or half a character (unpaired surrogate).'),
  body_not_object: row(400, 2, false, 'The body must be a JSON object.'),
  body_too_large: row(413, 2, false, 'The body or document is larger than its bound.'),
  unsupported_media_type: row(415, 2, false, 'Send `Content-Type: application/json`.'),
  request_invalid: row(422, 2, false, 'A field is missing, unknown or of a wrong type; `details` lists every problem.'),
  method_not_allowed: row(405, 2, false, 'The path exists, the method does not; see `Allow`.'),
  not_found: row(404, 3, false, 'Nothing is there, or it is not yours to see.'),
  query_duplicate: row(400, 2, false, 'A query parameter came twice.'),
  path_encoding: row(400, 2, false, 'The path has an invalid percent escape.'),
  cursor_invalid: row(400, 2, false, 'The cursor is not one that this listing gave.'),
  limit_range: row(422, 2, false, 'A number or list is outside its bounds.'),
  range_invalid: row(422, 2, false, 'The beginning of a range is after its end.'),
  idempotency_key_invalid: row(400, 2, false, '`Idempotency-Key` takes 1 to 255 printable ASCII characters.'),
  idempotency_mismatch: row(422, 4, false, 'The same key came with another body.'),
  host_unknown: row(421, 4, false, 'The `Host` header is no name of this server; see `XYN_ALLOWED_HOSTS`.'),
  origin_forbidden: row(403, 4, false, 'A page of another site must not change anything here.'),
  csrf_invalid: row(403, 4, false, 'A form came without the token of its page; open the page again.'),
  header_too_large: row(431, 2, false, 'The headers are larger than 16 KiB.'),
  header_duplicate: row(400, 2, false, 'A header came twice of which a request has one.'),
  request_malformed: row(400, 2, false, 'What came is not HTTP.'),
  request_timeout: row(408, 5, true, 'The request did not arrive in time.'),
  // catalog, engine and servers
  event_name_format: row(422, 2, false, 'Event names are dotted and lower case, like `checkmk.alert`.'),
  event_name_reserved: row(422, 4, false, 'Events of the engine itself cannot be emitted.'),
  blueprint_unknown: row(404, 3, false, 'No blueprint has that id; `xynctl blueprints list` shows all.'),
  blueprint_disabled: row(409, 4, false, 'The blueprint is switched off.'),
  blueprint_invalid: row(422, 2, false, 'The blueprint has problems; `details` lists them with line and column.'),
  draft_not_found: row(404, 3, false, 'No draft has that id, or it has no such revision.'),
  draft_changed: row(409, 4, false, 'Somebody saved the draft meanwhile; go on from its newest revision.'),
  invalid_definition: row(422, 2, false, 'A definition is a text or a map of 1 byte to 512 KiB.'),
  invalid_schema: row(422, 2, false, 'Only drafts of blueprints can be validated and tested.'),
  validation_failed: row(409, 4, false, 'The newest revision of the draft was not validated, or has errors.'),
  tests_missing: row(409, 4, false, 'The policy of the blueprint wants scenarios, and none passed.'),
  conflict: row(409, 4, false, 'Another version became active since the work on the draft began.'),
  plan_digest_mismatch: row(500, 70, false, 'The stored plan does not fit its digest.'),
  input_invalid: row(422, 2, false, 'An input has a wrong value.'),
  input_missing: row(422, 2, false, 'A required input is missing.'),
  input_unknown: row(422, 2, false, 'The blueprint declares no such input.'),
  run_not_found: row(404, 3, false, 'No run has that id.'),
  step_not_found: row(404, 3, false, 'The run has no such step.'),
  artifact_not_found: row(404, 3, false, 'No artifact has that id.'),
  filename_invalid: row(422, 2, false, 'The name of an artifact is a plain file name of at most 255 bytes.'),
  limit_artifact: row(413, 2, false, 'An artifact has at most 250 MiB.'),
  artifact_storage_full: row(507, 5, true, 'The disk or the quota of the store of artifacts is full.'),
  digest_mismatch: row(422, 1, false, 'Bytes do not fit their SHA-256: they changed on the way.'),
  artifact_damaged: row(
    500,
    1,
    false,
    'The stored bytes of an artifact do not fit its SHA-256; restore them from a backup.',
  ),
  range_not_satisfiable: row(416, 2, false, 'The range lies outside of the bytes of the artifact.'),
  event_not_found: row(404, 3, false, 'No event has that id.'),
  schedule_not_found: row(404, 3, false, 'No schedule has that id; `xynctl schedules list` shows all.'),
  backfill_limit: row(422, 2, false, 'A backfill covers at most 100 times of a schedule.'),
  run_closed: row(409, 4, false, 'The run has already ended.'),
  gate_not_found: row(404, 3, false, 'No gate has that id.'),
  gate_closed: row(409, 4, false, 'The gate no longer waits.'),
  gate_changed: row(409, 4, false, 'The gate now asks for something else than what was read; read it again.'),
  gate_already_decided: row(409, 4, false, 'You decided otherwise before; the first decision stands.'),
  gate_decision_refused: row(409, 4, false, 'The run refused the decision.'),
  decision_unknown: row(422, 2, false, 'The gate does not take that decision.'),
  reason_required: row(422, 2, false, 'This gate wants a reason.'),
  audit_unavailable: row(503, 5, true, 'The audit trail cannot be written, so nothing was done.'),
  audit_broken: row(500, 1, false, 'The audit trail does not verify.'),
  db_unavailable: row(503, 5, true, 'Postgres does not answer.'),
  db_migration_failed: row(
    500,
    1,
    false,
    'A migration failed, was edited after it was applied, or the database is newer.',
  ),
  temporal_unavailable: row(503, 5, true, 'The Temporal server does not answer.'),
  streams_exhausted: row(503, 5, true, 'As many live streams are open as `XYN_MAX_STREAMS` allows.'),
  server_start_failed: row(
    500,
    5,
    false,
    'An embedded server could not be started; the message says why and what to do.',
  ),
  server_missing: row(500, 5, false, 'No Temporal server or Postgres binaries can be had; the message lists the ways.'),
  data_dir_unusable: row(500, 5, false, 'The folder for state cannot be written or read by the servers.'),
  port_taken: row(500, 5, false, 'A port that was asked for is in use.'),
  already_running: row(409, 4, false, 'Another `xynctl up` uses this folder.'),
  not_running: row(503, 5, true, 'Xyn does not run here; start it with `xynctl up`.'),
  config_invalid: row(500, 2, false, 'A setting has a wrong value.'),
  secrets_read_only: row(409, 4, false, 'Secrets can be read here, not written.'),
  history_mismatch: row(409, 1, false, 'The history does not fit the code of today.'),
  internal: row(500, 70, false, 'A defect of Xyn; the log has the details.'),
} as const satisfies Record<string, ErrorRow>;

/** A stable code of `docs/errors.md`. */
export type ErrorCode = keyof typeof ERROR_CODES;
