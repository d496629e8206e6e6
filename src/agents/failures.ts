import { ActionFailure } from '../domain/action.js';

/** What an `agent_task` can fail with beside `timeout` and `cancelled`; the value: whether another attempt may help. */
const CODES = {
  /** Agents are off, or the provider has no key. */
  provider_disabled: false,
  provider_unknown: false,
  /** The provider does not know the key, or the key may not do this. */
  provider_auth_failed: false,
  /** Too many requests at once; its `Retry-After` is kept. */
  rate_limited: true,
  /** The account has nothing left to spend: waiting does not help. */
  quota_exceeded: false,
  /** Not reached, broken off, 5xx, or an answer that is not of the wire format. */
  provider_unavailable: true,
  /** Any other refusal of the request (4xx, redirects). */
  provider_rejected: false,
  model_unknown: false,
  context_too_long: false,
  /** Longer than we take, or than the model may write: it was cut. */
  response_too_large: false,
  /** The model declined or said nothing. */
  agent_refused: true,
  /** The answer does not fit `output`, also after the repair turn. */
  output_invalid: false,
  /** `output` is no JSON Schema that can be checked. */
  output_schema_invalid: false,
} as const;

type AgentCode = keyof typeof CODES;

/** A failure of an `agent_task` in the words of the table above. */
export function agentFailure(
  code: AgentCode,
  message: string,
  more: { detail?: string; status?: number; excerpt?: string; retryAfterMs?: number; cause?: unknown } = {},
): ActionFailure {
  const { detail, status, excerpt, retryAfterMs, cause } = more;
  return new ActionFailure(
    {
      code,
      message,
      retryable: CODES[code],
      ...(detail === undefined ? {} : { detail }),
      ...(status === undefined ? {} : { status }),
      ...(excerpt === undefined ? {} : { excerpt: excerpt.slice(0, EXCERPT_LENGTH) }),
      ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    },
    cause === undefined ? {} : { cause },
  );
}

const EXCERPT_LENGTH = 500;
/** Longer pauses are not asked for (language §4.3). */
const MAX_RETRY_AFTER_MS = 86_400_000;

const TOO_LONG = /context_length_exceeded|context (length|window)|prompt is too long|maximum context|too many tokens/i;
const NO_SCHEMA = /response_format|json_schema|output_config|output_format|structured output/i;
const NO_QUOTA = /insufficient_quota|billing|credit balance/i;

/** What both SDKs know about an error that the provider reported. */
interface ReportedError {
  status?: number | undefined;
  headers?: Headers | undefined;
  error?: unknown;
}

/**
 * Turns what an SDK threw into a failure.
 * @param provider its name, for people.
 * @param mask takes secrets out of what the provider said.
 */
export function failureFrom(provider: string, error: unknown, mask: (text: string) => string): ActionFailure {
  const inner = chainOf(error).find((link) => link instanceof ActionFailure);
  if (inner !== undefined) return inner;
  const { status, message, said } = reported(error);
  const excerpt = mask(said);
  const more = { cause: undefined, excerpt, ...(status === undefined ? {} : { status }) };
  if (TOO_LONG.test(said) || status === 413) {
    return agentFailure('context_too_long', `Prompt and data are longer than the model of ${provider} takes.`, more);
  }
  if (status === 402 || ((status === 429 || status === 400) && NO_QUOTA.test(said))) {
    return agentFailure('quota_exceeded', `The account at ${provider} has no quota left.`, more);
  }
  if (status === 429 || said.includes('rate_limit_error')) {
    const retryAfterMs = retryAfterOf(error);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return agentFailure('rate_limited', `${provider} takes no more requests for now.`, { ...more, ...wait });
  }
  if (status === 401 || status === 403) {
    return agentFailure('provider_auth_failed', `${provider} refused the API key (HTTP ${status}).`, more);
  }
  if (status === 404) return agentFailure('model_unknown', `${provider} does not know the model or address.`, more);
  if (status !== undefined && status < 500 && status !== 408 && status !== 409 && status !== 425) {
    return agentFailure('provider_rejected', `${provider} refused the request (HTTP ${status}).`, more);
  }
  const what =
    status === undefined ? `could not be reached, or broke off: ${mask(message)}` : `failed (HTTP ${status})`;
  const retryAfterMs = retryAfterOf(error);
  return agentFailure('provider_unavailable', `${provider} ${what}.`, {
    ...more,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Whether a provider refused the request because it asked for an answer by schema, which not every model can give. */
export function refusesSchema(error: unknown): boolean {
  const { status, said } = reported(error);
  return status !== undefined && [400, 404, 415, 422, 501].includes(status) && NO_SCHEMA.test(said);
}

/** An error and its causes, outermost first: SDKs wrap what was thrown below them. */
function chainOf(error: unknown): { message: string; cause?: unknown }[] {
  const chain: { message: string; cause?: unknown }[] = [];
  let at = error;
  while (chain.length < 6 && isErrorLike(at)) {
    chain.push(at);
    at = at.cause;
  }
  return chain;
}

function isErrorLike(value: unknown): value is { message: string; cause?: unknown } {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

function reported(error: unknown): { status: number | undefined; message: string; said: string } {
  const chain = chainOf(error);
  const { status, error: body } = (chain[0] ?? {}) as Partial<ReportedError>;
  // The innermost cause says what happened; what is around it only that something did.
  const message = chain.at(-1)?.message ?? 'unknown error';
  return {
    status: typeof status === 'number' ? status : undefined,
    message: message.slice(0, EXCERPT_LENGTH),
    said: body === undefined || body === null ? (chain[0]?.message ?? '') : JSON.stringify(body),
  };
}

function retryAfterOf(error: unknown): number | undefined {
  const { headers } = (error ?? {}) as Partial<ReportedError>;
  const exact = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(exact)) return clamp(exact);
  const written = headers?.get('retry-after')?.trim();
  if (written === undefined || written === '') return undefined;
  const seconds = Number(written);
  if (Number.isFinite(seconds)) return clamp(seconds * 1000);
  const date = Date.parse(written);
  return Number.isNaN(date) ? undefined : clamp(date - Date.now());
}

function clamp(ms: number): number {
  return Math.round(Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS));
}
