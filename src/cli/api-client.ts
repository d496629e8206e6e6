import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../domain/error-codes.js';
import { XynFault } from '../domain/fault.js';
import type { JsonObject } from '../domain/json.js';
import {
  appliedBlueprintSchema,
  blueprintDetailSchema,
  blueprintListSchema,
  validationSchema,
} from '../http/schemas/blueprint.js';
import { artifactListSchema, artifactSchema } from '../http/schemas/artifacts.js';
import { errorResponseSchema, MAX_LIMIT } from '../http/schemas/common.js';
import { eventDetailSchema, eventListSchema } from '../http/schemas/event.js';
import { gateDecidedSchema, gateDetailSchema, gateListSchema } from '../http/schemas/gate.js';
import { runDetailSchema, runListSchema, runSchema, stepListSchema } from '../http/schemas/run.js';

export type Event = z.infer<typeof eventDetailSchema>;
export type Run = z.infer<typeof runSchema>;
export type RunDetail = z.infer<typeof runDetailSchema>;
export type Step = z.infer<typeof stepListSchema>['items'][number];
export type GateDetail = z.infer<typeof gateDetailSchema>;
export type Validation = z.infer<typeof validationSchema>;
export type Applied = z.infer<typeof appliedBlueprintSchema>;
export type BlueprintDetail = z.infer<typeof blueprintDetailSchema>;
export type Artifact = z.infer<typeof artifactSchema>;
export type GateDecided = z.infer<typeof gateDecidedSchema>;

export interface ApiClientOptions {
  /** Without a slash at the end. */
  url: string;
  /** Who calls; recorded as unproven. */
  actor: string;
  /** Version of this program. */
  version: string;
}

/** A decision waits up to 5 s for the run; anything else is quicker. */
const TIMEOUT_MS = 15_000;
/** The largest artifact over a slow line. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
/** JSON is YAML: documents of both forms go under this type. */
const YAML = 'text/yaml; charset=utf-8';

type Query = Readonly<Record<string, string | number | undefined>>;

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
    const headers = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey };
    return this.#call('POST', '/events', eventDetailSchema, { body: event, headers });
  }

  async listEvents(query: Query): Promise<z.infer<typeof eventListSchema>> {
    return this.#call('GET', '/events', eventListSchema, { query });
  }

  async getEvent(eventId: string): Promise<Event> {
    return this.#call('GET', `/events/${encodeURIComponent(eventId)}`, eventDetailSchema);
  }

  async listRuns(query: Query): Promise<z.infer<typeof runListSchema>> {
    return this.#call('GET', '/runs', runListSchema, { query });
  }

  async getRun(runId: string): Promise<RunDetail> {
    return this.#call('GET', `/runs/${encodeURIComponent(runId)}`, runDetailSchema);
  }

  /** All steps of a run, however many pages they take. */
  async steps(runId: string): Promise<Step[]> {
    const steps: Step[] = [];
    let cursor: string | null = null;
    do {
      const query: Query = { limit: MAX_LIMIT, cursor: cursor ?? undefined };
      const page: z.infer<typeof stepListSchema> = await this.#call(
        'GET',
        `/runs/${encodeURIComponent(runId)}/steps`,
        stepListSchema,
        { query },
      );
      steps.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return steps;
  }

  async cancelRun(runId: string, reason: string): Promise<Run> {
    return this.#call('POST', `/runs/${encodeURIComponent(runId)}/cancel`, runSchema, { body: { reason } });
  }

  async listGates(query: Query): Promise<z.infer<typeof gateListSchema>> {
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
    const headers = key === undefined ? {} : { 'Idempotency-Key': key };
    return this.#call('POST', '/runs', runSchema, { body: request, headers });
  }

  /** What is wrong with a document; never throws for that. */
  async validateBlueprint(document: Uint8Array): Promise<Validation> {
    return orProblems(this.#call('POST', '/blueprints/validate', validationSchema, { body: document }));
  }

  /** Applies a document, or tells what is wrong with it. */
  async applyBlueprint(document: Uint8Array): Promise<Applied | Validation> {
    return orProblems(this.#call('POST', '/blueprints', appliedBlueprintSchema, { body: document }));
  }

  async listBlueprints(query: Query): Promise<z.infer<typeof blueprintListSchema>> {
    return this.#call('GET', '/blueprints', blueprintListSchema, { query });
  }

  async getBlueprint(blueprintId: string): Promise<BlueprintDetail> {
    return this.#call('GET', `/blueprints/${encodeURIComponent(blueprintId)}`, blueprintDetailSchema);
  }

  async listArtifacts(query: Query): Promise<z.infer<typeof artifactListSchema>> {
    return this.#call('GET', '/artifacts', artifactListSchema, { query });
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

  async #call<T>(method: string, path: string, schema: z.ZodType<T>, options: RequestOptions = {}): Promise<T> {
    const url = new URL(`${this.#options.url}/api/v1${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const { status, text } = await this.#fetch(method, url, options);
    if (status < 200 || status > 299) throw this.#faultOf(status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success) throw this.#notXyn(status);
    return parsed.data;
  }

  async #fetch(method: string, url: URL, { body, headers }: RequestOptions): Promise<{ status: number; text: string }> {
    const { actor, version } = this.#options;
    try {
      const response = await fetch(url, {
        method,
        headers: {
          Accept: 'application/json',
          'User-Agent': `xynctl/${version}`,
          'X-Xyn-Actor': actor,
          ...(body === undefined ? {} : { 'Content-Type': body instanceof Uint8Array ? YAML : 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): XynFault {
    const { url } = this.#options;
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    const what = isTimeout ? `${url} did not answer within ${TIMEOUT_MS / 1_000} s.` : `Nothing answers at ${url}.`;
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
    const { url, version } = this.#options;
    return new XynFault(
      'not_running',
      `What answers at ${url} (status ${status}) is not the API of Xyn, or of another version than ${version}.`,
    );
  }
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
