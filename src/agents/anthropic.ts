import type { Message, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages';
import { AnswerText, boundedFetch, isStream } from './bounded-fetch.js';
import { agentFailure } from './failures.js';
import type { Conversation, Provider, ProviderAccess, RequestUsage } from './provider.js';

/** The wire format wants a bound; every current model may write this much. */
const MAX_TOKENS = 8_192;
/** The SDK's own limit would end long answers: the step's timeout decides. */
const NO_SDK_TIMEOUT_MS = 24 * 3_600_000;

/** The messages API. A stream is asked for; a server that answers with one JSON body instead is understood as well. */
export function anthropicProvider(access: ProviderAccess): Provider {
  return {
    async complete(conversation, signal, meter) {
      // Loaded at the first question: workers without agents do not pay for it.
      // One after the other: both are parts of one graph of modules.
      const { Anthropic } = await import('@anthropic-ai/sdk');
      const { Stream } = await import('@anthropic-ai/sdk/streaming');
      const client = new Anthropic({
        apiKey: access.apiKey,
        webhookKey: null,
        baseURL: access.baseUrl,
        maxRetries: 0,
        timeout: NO_SDK_TIMEOUT_MS,
        logLevel: 'off',
        fetch: boundedFetch(signal),
      });
      const response = await client.messages.create(request(conversation), { signal }).asResponse();
      if (!isStream(response)) return fromBody((await response.json()) as Partial<Message>, meter);
      const events = Stream.fromSSEResponse<RawMessageStreamEvent>(response, new AbortController(), client);
      return fromStream(events, signal, meter);
    },
  };
}

function request({ model, system, turns, structured }: Conversation) {
  return {
    model,
    system,
    messages: [...turns],
    max_tokens: MAX_TOKENS,
    stream: true as const,
    ...(structured === undefined
      ? {}
      : { output_config: { format: { type: 'json_schema' as const, schema: structured } } }),
  };
}

/** What a message counts; servers of other makers leave members out. */
type ReportedUsage = Partial<
  Pick<Message['usage'], 'input_tokens' | 'cache_creation_input_tokens' | 'cache_read_input_tokens' | 'output_tokens'>
>;

/** Read from and written to the provider's cache is input as well. */
function usageOf(usage: ReportedUsage = {}): RequestUsage {
  const { input_tokens: fresh, cache_creation_input_tokens: written, cache_read_input_tokens: read } = usage;
  return { tokensIn: (fresh ?? 0) + (written ?? 0) + (read ?? 0), tokensOut: usage.output_tokens ?? 0 };
}

type Meter = (usage: Partial<RequestUsage>) => void;

async function fromStream(
  events: AsyncIterable<RawMessageStreamEvent>,
  signal: AbortSignal,
  meter: Meter,
): Promise<string> {
  const text = new AnswerText();
  let stop: string | undefined;
  for await (const event of events) {
    if (event.type === 'message_start') {
      meter(usageOf(event.message.usage));
    } else if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
      text.add(event.delta.text);
    } else if (event.type === 'message_delta') {
      stop = event.delta.stop_reason ?? stop;
      meter({ tokensOut: event.usage.output_tokens });
    }
  }
  // The SDK ends the loop without an error when the request was aborted.
  signal.throwIfAborted();
  if (stop === undefined) throw agentFailure('provider_unavailable', 'The answer of anthropic broke off.');
  return said(text.toString(), stop);
}

function fromBody(body: Partial<Message>, meter: Meter): string {
  meter(usageOf(body.usage));
  if (!Array.isArray(body.content)) {
    throw agentFailure('provider_unavailable', 'The answer of anthropic has no content.');
  }
  const text = new AnswerText();
  for (const block of body.content) if (block.type === 'text') text.add(block.text);
  return said(text.toString(), body.stop_reason ?? 'end_turn');
}

function said(text: string, stop: string): string {
  if (stop === 'refusal') {
    throw agentFailure('agent_refused', 'The model declined to answer.', { detail: 'refusal', excerpt: text });
  }
  if (stop === 'model_context_window_exceeded') {
    throw agentFailure('context_too_long', 'Prompt, data and answer are longer than the model takes.');
  }
  if (stop === 'max_tokens') {
    throw agentFailure('response_too_large', `The answer was cut off after ${MAX_TOKENS} tokens.`, {
      detail: 'model_limit',
    });
  }
  return text;
}
