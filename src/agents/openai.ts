import { AnswerText, boundedFetch, isStream } from './bounded-fetch.js';
import { agentFailure } from './failures.js';
import type { Conversation, Provider, ProviderAccess, RequestUsage } from './provider.js';

interface Usage {
  prompt_tokens?: number;
  completion_tokens?: number;
}

interface Said {
  content?: string | null;
  refusal?: string | null;
}

/** An answer, or an event of one: what is read of it. Servers of many makers leave members out, so none is required. */
interface Completion {
  choices?: { message?: Said; delta?: Said; finish_reason?: string | null }[];
  usage?: Usage | null;
}

/** The SDK's own limit would end long answers: the step's timeout decides. */
const NO_SDK_TIMEOUT_MS = 24 * 3_600_000;

/**
 * Chat completions, the wire format that OpenAI and servers like it speak. A stream is asked for; a server that answers
 * with one JSON body instead is understood as well.
 */
export function openAiProvider(access: ProviderAccess): Provider {
  return {
    async complete(conversation, signal, meter) {
      // Loaded at the first question: workers without agents do not pay for it.
      // One after the other: both are parts of one graph of modules.
      const { OpenAI } = await import('openai');
      const { Stream } = await import('openai/streaming');
      const client = new OpenAI({
        apiKey: access.apiKey,
        adminAPIKey: null,
        organization: null,
        project: null,
        webhookSecret: null,
        baseURL: access.baseUrl,
        maxRetries: 0,
        timeout: NO_SDK_TIMEOUT_MS,
        logLevel: 'off',
        fetch: boundedFetch(signal),
      });
      const response = await client.chat.completions.create(request(conversation), { signal }).asResponse();
      if (!isStream(response)) return fromBody((await response.json()) as Completion, meter);
      const events = Stream.fromSSEResponse<Completion>(response, new AbortController(), client);
      return fromStream(events, signal, meter);
    },
  };
}

function request({ model, system, turns, structured }: Conversation) {
  return {
    model,
    messages: [{ role: 'system' as const, content: system }, ...turns],
    stream: true as const,
    stream_options: { include_usage: true },
    ...(structured === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema' as const,
            json_schema: { name: 'output', schema: structured, strict: true },
          },
        }),
  };
}

type Meter = (usage: Partial<RequestUsage>) => void;

async function fromStream(events: AsyncIterable<Completion>, signal: AbortSignal, meter: Meter): Promise<string> {
  const text = new AnswerText();
  let refusal = '';
  let finish: string | undefined;
  for await (const event of events) {
    const choice = event.choices?.[0];
    text.add(choice?.delta?.content ?? '');
    refusal += (choice?.delta?.refusal ?? '').slice(0, 1_000);
    finish = choice?.finish_reason ?? finish;
    tell(meter, event.usage);
  }
  // The SDK ends the loop without an error when the request was aborted.
  signal.throwIfAborted();
  if (finish === undefined) throw agentFailure('provider_unavailable', 'The answer of openai broke off.');
  return said(text.toString(), finish, refusal);
}

function fromBody(body: Completion, meter: Meter): string {
  tell(meter, body.usage);
  const choice = body.choices?.[0];
  if (choice === undefined) throw agentFailure('provider_unavailable', 'The answer of openai has no choices.');
  const text = new AnswerText();
  text.add(choice.message?.content ?? '');
  return said(text.toString(), choice.finish_reason ?? 'stop', choice.message?.refusal ?? '');
}

function tell(meter: Meter, usage: Usage | null | undefined): void {
  if (usage) meter({ tokensIn: usage.prompt_tokens ?? 0, tokensOut: usage.completion_tokens ?? 0 });
}

function said(text: string, finish: string, refusal: string): string {
  if (refusal !== '' || finish === 'content_filter') {
    throw agentFailure('agent_refused', 'The model declined to answer.', { detail: 'refusal', excerpt: refusal });
  }
  if (finish === 'length') {
    throw agentFailure('response_too_large', 'The answer was cut off at the longest that the model may write.', {
      detail: 'model_limit',
    });
  }
  return text;
}
