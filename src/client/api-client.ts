import { createHash, randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { readEventStream } from './event-stream.js';
import { ERROR_CODES, type ErrorCode } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import { auditListSchema, auditReportSchema, type auditListQuery } from '../http/schemas/audit.js';
import {
  activatedBlueprintSchema,
  appliedBlueprintSchema,
  blueprintDetailSchema,
  blueprintListSchema,
  previewSchema,
  validationSchema,
} from '../http/schemas/blueprint.js';
import { artifactListSchema, artifactSchema, type artifactListQuery } from '../http/schemas/artifacts.js';
import {
  draftDetailSchema,
  draftDiffSchema,
  draftListSchema,
  draftReportSchema,
  draftTestSchema,
  promotedDraftSchema,
  savedDraftSchema,
  type draftListQuery,
} from '../http/schemas/draft.js';
import { errorResponseSchema, type pageQuery } from '../http/schemas/common.js';
import { eventDetailSchema, eventListSchema, type eventListQuery } from '../http/schemas/event.js';
import { gateDecidedSchema, gateDetailSchema, gateListSchema, type gateListQuery } from '../http/schemas/gate.js';
import { healthSchema } from '../http/schemas/health.js';
import {
  footprintListSchema,
  rerunSchema,
  runDetailSchema,
  runListSchema,
  runSchema,
  stepDetailSchema,
  stepListSchema,
  type runListQuery,
} from '../http/schemas/run.js';
import {
  backfillSchema,
  scheduleDetailSchema,
  scheduleListSchema,
  triggeredScheduleSchema,
  type scheduleListQuery,
} from '../http/schemas/schedule.js';
import { again } from './again.js';
import type { ApiClientOptions } from './options.js';
import { allOf, type Query, type QueryOf } from './listing.js';
import { doctorSchema } from '../http/schemas/doctor.js';
import type {
  Event,
  Run,
  Rerun,
  RunDetail,
  Step,
  GateDetail,
  Validation,
  PlanPreview,
  Applied,
  BlueprintDetail,
  DraftDetail,
  DraftDiff,
  DraftTest,
  DraftToSave,
  Artifact,
  GateDecided,
  ScheduleDetail,
  Backfill,
  DoctorReport,
} from './answers.js';

export type * from './answers.js';

const TIMEOUT_MS = 15_000;
const RETRIES = 2;
/** The largest artifact over a slow line. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
/** A stream gives a sign of life every 15 s; after three missed ones the connection is taken for dead. */
const SILENCE_MS = 45_000;
/** JSON is YAML: documents of both forms go under this type. */
const YAML = 'text/yaml; charset=utf-8';

interface RequestOptions {
  query?: Query;
  /** An object is sent as JSON, bytes as a document. */
  body?: object;
  headers?: Record<string, string>;
}

/** The API of a running Xyn. Every method throws the `XynFault` that the server answered, or `not_running`. */
export class ApiClient {
  readonly #options: ApiClientOptions;

  constructor(options: ApiClientOptions) {
    this.#options = options;
  }

  async emitEvent(
    event: { event_name: string; data: JsonObject; resource?: { type: string; id: string } },
    idempotencyKey?: string,
  ): Promise<Event> {
    return this.#call('POST', '/events', eventDetailSchema, { body: event, headers: keyed(idempotencyKey) });
  }

  async listEvents(query: QueryOf<typeof eventListQuery>): Promise<z.infer<typeof eventListSchema>> {
    return this.#call('GET', '/events', eventListSchema, { query });
  }

  async getEvent(eventId: string): Promise<Event> {
    return this.#call('GET', `/events/${encodeURIComponent(eventId)}`, eventDetailSchema);
  }

  /** What is wrong; `cursor` goes on where an earlier look had to end. */
  async doctor(cursor?: string): Promise<DoctorReport> {
    return this.#call('GET', '/doctor', doctorSchema, { query: { cursor } });
  }

  async listRuns(query: QueryOf<typeof runListQuery>): Promise<z.infer<typeof runListSchema>> {
    return this.#call('GET', '/runs', runListSchema, { query });
  }

  async getRun(runId: string): Promise<RunDetail> {
    return this.#call('GET', `/runs/${encodeURIComponent(runId)}`, runDetailSchema);
  }

  async listSteps(runId: string, query: QueryOf<typeof pageQuery> = {}): Promise<z.infer<typeof stepListSchema>> {
    return this.#call('GET', `/runs/${encodeURIComponent(runId)}/steps`, stepListSchema, { query });
  }

  /** All steps of a run, however many pages they take. */
  async steps(runId: string): Promise<Step[]> {
    const steps: Step[] = [];
    for await (const step of allOf((page) => this.listSteps(runId, page))) steps.push(step);
    return steps;
  }

  async getStep(runId: string, stepId: string): Promise<z.infer<typeof stepDetailSchema>> {
    const path = `/runs/${encodeURIComponent(runId)}/steps/${encodeURIComponent(stepId)}`;
    return this.#call('GET', path, stepDetailSchema);
  }

  async listFootprints(
    runId: string,
    query: QueryOf<typeof pageQuery> = {},
  ): Promise<z.infer<typeof footprintListSchema>> {
    return this.#call('GET', `/runs/${encodeURIComponent(runId)}/footprints`, footprintListSchema, { query });
  }

  async cancelRun(runId: string, reason: string): Promise<Run> {
    return this.#call('POST', `/runs/${encodeURIComponent(runId)}/cancel`, runSchema, { body: { reason } });
  }

  /** Repeats an ended run, or with `dry_run` only says what that would do. */
  async rerunRun(
    runId: string,
    request: { from?: string; inputs?: JsonObject; latest?: boolean; dry_run?: boolean },
    key?: string,
  ): Promise<Rerun> {
    const path = `/runs/${encodeURIComponent(runId)}/rerun`;
    return this.#call('POST', path, rerunSchema, { body: request, headers: keyed(key) });
  }

  async listGates(query: QueryOf<typeof gateListQuery>): Promise<z.infer<typeof gateListSchema>> {
    return this.#call('GET', '/gates', gateListSchema, { query });
  }

  async getGate(gateId: string): Promise<GateDetail> {
    return this.#call('GET', `/gates/${encodeURIComponent(gateId)}`, gateDetailSchema);
  }

  async decideGate(
    gateId: string,
    decision: { decision: string; reason?: string; outputs?: JsonObject },
  ): Promise<GateDecided> {
    return this.#call('POST', `/gates/${encodeURIComponent(gateId)}/decide`, gateDecidedSchema, { body: decision });
  }

  async startRun(request: { blueprint_ref: string; inputs: JsonObject; name?: string }, key?: string): Promise<Run> {
    return this.#call('POST', '/runs', runSchema, { body: request, headers: keyed(key) });
  }

  /** What is wrong with a document; never throws for that. */
  async validateBlueprint(document: Uint8Array): Promise<Validation> {
    return orProblems(this.#call('POST', '/blueprints/validate', validationSchema, { body: document }));
  }

  /** Applies a document, or tells what is wrong with it. */
  async applyBlueprint(document: Uint8Array): Promise<Applied | Validation> {
    return orProblems(this.#call('POST', '/blueprints', appliedBlueprintSchema, { body: document }));
  }

  /** What a run would do, or what is wrong with the document. */
  async previewPlan(request: {
    source?: string;
    blueprint_ref?: string;
    inputs: JsonObject;
    event?: JsonObject;
  }): Promise<PlanPreview | Validation> {
    return orProblems(this.#call('POST', '/blueprints/plan', previewSchema, { body: request }));
  }

  async listBlueprints(query: QueryOf<typeof pageQuery>): Promise<z.infer<typeof blueprintListSchema>> {
    return this.#call('GET', '/blueprints', blueprintListSchema, { query });
  }

  async getBlueprint(blueprintId: string): Promise<BlueprintDetail> {
    return this.#call('GET', `/blueprints/${encodeURIComponent(blueprintId)}`, blueprintDetailSchema);
  }

  /** Makes a version that is there the active one. */
  async activateBlueprint(
    blueprintId: string,
    request: { version: number; reason?: string },
  ): Promise<z.infer<typeof activatedBlueprintSchema>> {
    const path = `/blueprints/${encodeURIComponent(blueprintId)}/activate`;
    return this.#call('POST', path, activatedBlueprintSchema, { body: request });
  }

  /** Keeps a document as the newest revision of the draft of that name. */
  async saveDraft(draft: DraftToSave, idempotencyKey?: string): Promise<z.infer<typeof savedDraftSchema>> {
    return this.#call('POST', '/drafts', savedDraftSchema, { body: draft, headers: keyed(idempotencyKey) });
  }

  async listDrafts(query: QueryOf<typeof draftListQuery>): Promise<z.infer<typeof draftListSchema>> {
    return this.#call('GET', '/drafts', draftListSchema, { query });
  }

  async getDraft(draftId: string): Promise<DraftDetail> {
    return this.#call('GET', `/drafts/${encodeURIComponent(draftId)}`, draftDetailSchema);
  }

  /** What changed; default: from the active version to the newest revision. */
  async diffDraft(draftId: string, query: { from?: string; to?: string } = {}): Promise<DraftDiff> {
    return this.#call('GET', `/drafts/${encodeURIComponent(draftId)}/diff`, draftDiffSchema, { query });
  }

  async validateDraft(draftId: string): Promise<z.infer<typeof draftReportSchema>> {
    return this.#call('POST', `/drafts/${encodeURIComponent(draftId)}/validate`, draftReportSchema);
  }

  async testDraft(draftId: string, scenarios: string): Promise<DraftTest> {
    const path = `/drafts/${encodeURIComponent(draftId)}/test`;
    return this.#call('POST', path, draftTestSchema, { body: { scenarios } });
  }

  async promoteDraft(
    draftId: string,
    request: { expected_revision?: number; reason?: string } = {},
  ): Promise<z.infer<typeof promotedDraftSchema>> {
    return this.#call('POST', `/drafts/${encodeURIComponent(draftId)}/promote`, promotedDraftSchema, { body: request });
  }

  async listSchedules(query: QueryOf<typeof scheduleListQuery>): Promise<z.infer<typeof scheduleListSchema>> {
    return this.#call('GET', '/schedules', scheduleListSchema, { query });
  }

  async getSchedule(scheduleId: string): Promise<ScheduleDetail> {
    return this.#call('GET', schedulePath(scheduleId), scheduleDetailSchema);
  }

  async pauseSchedule(scheduleId: string, note: string): Promise<ScheduleDetail> {
    return this.#call('POST', schedulePath(scheduleId, '/pause'), scheduleDetailSchema, { body: { note } });
  }

  async resumeSchedule(scheduleId: string, note?: string): Promise<ScheduleDetail> {
    const body = note === undefined ? {} : { note };
    return this.#call('POST', schedulePath(scheduleId, '/resume'), scheduleDetailSchema, { body });
  }

  /** Fires a schedule now. */
  async triggerSchedule(
    scheduleId: string,
    request: { overlap?: string } = {},
    key?: string,
  ): Promise<z.infer<typeof triggeredScheduleSchema>> {
    const path = schedulePath(scheduleId, '/trigger');
    return this.#call('POST', path, triggeredScheduleSchema, { body: request, headers: keyed(key) });
  }

  /** Fires a schedule for its times in a range of the past, or with `dry_run` tells which these are. */
  async backfillSchedule(
    scheduleId: string,
    request: { from: string; to: string; dry_run: boolean; overlap?: string },
    key?: string,
  ): Promise<Backfill> {
    const path = schedulePath(scheduleId, '/backfill');
    return this.#call('POST', path, backfillSchema, { body: request, headers: keyed(key) });
  }

  async listArtifacts(query: QueryOf<typeof artifactListQuery>): Promise<z.infer<typeof artifactListSchema>> {
    return this.#call('GET', '/artifacts', artifactListSchema, { query });
  }

  /** Keeps bytes; `about` says what they are called and belong to. */
  async createArtifact(
    about: { name: string; kind?: string; run_id?: string; step_id?: string; sha256?: string },
    bytes: Uint8Array,
    { contentType = 'application/octet-stream', key }: { contentType?: string; key?: string } = {},
  ): Promise<Artifact> {
    const headers = { 'Content-Type': 'application/octet-stream', ...keyed(key) };
    const query = { ...about, content_type: contentType };
    return this.#call('POST', '/artifacts', artifactSchema, { query, body: bytes, headers });
  }

  async getArtifact(artifactId: string): Promise<Artifact> {
    return this.#call('GET', `/artifacts/${encodeURIComponent(artifactId)}`, artifactSchema);
  }

  /**
   * The bytes of an artifact, piece by piece; the last piece comes only when all of them fit the digest.
   * @throws XynFault `artifact_not_found`, `digest_mismatch`
   */
  async *downloadArtifact({ artifact_id: id, sha256 }: Artifact): AsyncGenerator<Uint8Array> {
    const url = new URL(`${this.#options.url}/api/v1/artifacts/${encodeURIComponent(id)}/download`);
    const signal = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    const response = await fetch(url, { redirect: 'manual', signal }).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    if (!response.ok || response.body === null) throw this.#faultOf(response.status, await response.text());
    const hash = createHash('sha256');
    let held: Uint8Array | undefined;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      if (held !== undefined) yield held;
      hash.update(chunk);
      held = chunk;
    }
    if (hash.digest('hex') !== sha256) {
      throw new XynFault('digest_mismatch', 'What came is not the artifact: its bytes do not fit the digest.');
    }
    if (held !== undefined) yield held;
  }

  async listAudit(query: QueryOf<typeof auditListQuery>): Promise<z.infer<typeof auditListSchema>> {
    return this.#call('GET', '/audit', auditListSchema, { query });
  }

  async verifyAudit(): Promise<z.infer<typeof auditReportSchema>> {
    return this.#call('GET', '/audit/verify', auditReportSchema);
  }

  async getHealth(): Promise<z.infer<typeof healthSchema>> {
    return this.#call('GET', '/health', healthSchema);
  }

  /**
   * One connection to a stream; ends when the server ends it.
   * `after` is the id of the last message of an earlier connection; `signal` leaves the stream.
   * @throws XynFault `not_running` when the server cannot be reached or falls silent; what it answers.
   */
  async *stream(
    path: string,
    query: Query,
    { after, signal }: { after?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<{ type: string; id: string; data: unknown }> {
    const url = this.#urlOf(path, query);
    const silence = new AbortController();
    const aborted = AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]);
    const timer = setTimeout(() => silence.abort(), SILENCE_MS);
    try {
      const headers = { ...this.#headers(), Accept: 'text/event-stream', ...(after && { 'Last-Event-ID': after }) };
      const response = await fetch(url, { headers, redirect: 'manual', signal: aborted }).catch((error: unknown) => {
        throw this.#unreachable(error);
      });
      if (!response.ok || response.body === null) throw this.#faultOf(response.status, await response.text());
      if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) {
        throw this.#notXyn(response.status);
      }
      const messages = readEventStream(response.body as AsyncIterable<Uint8Array>, () => timer.refresh());
      for await (const { data, ...message } of messages) yield { ...message, data: parseJson(data) };
    } catch (error) {
      throw error instanceof XynFault ? error : this.#unreachable(error);
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  /** Every call can be repeated without harm: by its nature, or since it carries a key. */
  async #call<T>(method: string, path: string, schema: z.ZodType<T>, options: RequestOptions = {}): Promise<T> {
    const url = this.#urlOf(path, options.query ?? {});
    const { status, text } = await again(this.#options.retries ?? RETRIES, () => this.#fetch(method, url, options));
    if (status < 200 || status > 299) throw this.#faultOf(status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) throw this.#notXyn(status);
    return parsed.data;
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(`${this.#options.url}/api/v1${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }

  #headers(): Record<string, string> {
    const { actor, program = 'xyn-client' } = this.#options;
    return {
      Accept: 'application/json',
      'User-Agent': program,
      ...(actor === undefined ? {} : { 'X-Xyn-Actor': actor }),
    };
  }

  async #fetch(
    method: string,
    url: URL,
    { body, headers }: RequestOptions,
  ): Promise<{ status: number; text: string; headers: Headers }> {
    const { timeoutMs = TIMEOUT_MS } = this.#options;
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...this.#headers(),
          ...(body === undefined ? {} : { 'Content-Type': body instanceof Uint8Array ? YAML : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, text: await response.text(), headers: response.headers };
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): XynFault {
    const { url, timeoutMs = TIMEOUT_MS } = this.#options;
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    const what = isTimeout ? `${url} did not answer within ${timeoutMs / 1_000} s.` : `Nothing answers at ${url}.`;
    const next = 'Start Xyn with `xynctl up`, or say where it runs with --url or XYN_URL.';
    return new XynFault('not_running', `${what} ${next}`, { cause: error });
  }

  #faultOf(status: number, text: string): XynFault {
    const parsed = errorResponseSchema.safeParse(parseJson(text));
    if (!parsed.success) return this.#notXyn(status);
    const { error, correlation_id: correlationId } = parsed.data;
    const details = { ...error.details, ...(correlationId === null ? {} : { correlation_id: correlationId }) };
    // What is wrong with a document has codes of its own; the rest of the program knows the fault by one.
    if (validationSchema.safeParse(error.details).success)
      return new XynFault('blueprint_invalid', error.message, { details });
    // A newer server may know codes that this program does not.
    if (isErrorCode(error.code)) return new XynFault(error.code, error.message, { details });
    return new XynFault('internal', `${error.code}: ${error.message}`, { details });
  }

  #notXyn(status: number): XynFault {
    const { url, program = 'this client' } = this.#options;
    return new XynFault(
      'not_running',
      `What answers at ${url} (status ${status}) is not the API of Xyn, or of another version than ${program}.`,
    );
  }
}

function schedulePath(scheduleId: string, below = ''): string {
  return `/schedules/${encodeURIComponent(scheduleId)}${below}`;
}

/** The key that makes a repeat harmless: the caller's, or one of this call. */
function keyed(key: string = randomUUID()): Record<string, string> {
  return { 'Idempotency-Key': key };
}

async function orProblems<T>(answer: Promise<T>): Promise<T | Validation> {
  try {
    return await answer;
  } catch (error) {
    const report = error instanceof XynFault ? validationSchema.safeParse(error.details) : undefined;
    if (report?.success !== true) throw error;
    return report.data;
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
