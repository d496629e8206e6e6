import type { JsonObject } from '../domain/json.js';

/** One message of a conversation. */
export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

/** What goes to a model. */
export interface Conversation {
  model: string;
  system: string;
  turns: readonly Turn[];
  /** JSON Schema that the answer must fit; the words of it are part of `system` already. */
  output?: JsonObject;
  /** The same, as far as the provider may hold the model to it while it writes; absent: it is not asked to. */
  structured?: JsonObject;
}

/** What one request has used so far, as the provider reports it. */
export interface RequestUsage {
  tokensIn: number;
  tokensOut: number;
}

/** A way to models: one wire format at one address. */
export interface Provider {
  /**
   * One request, never repeated.
   * @param meter is told of tokens as soon as the provider reports them: answers that break off were paid for, too.
   * @returns what the model said.
   * @throws ActionFailure with a code of `failures.ts`; whatever is the reason of `signal` once that aborted.
   */
  complete(
    conversation: Conversation,
    signal: AbortSignal,
    meter: (usage: Partial<RequestUsage>) => void,
  ): Promise<string>;
}

/** Where a provider is and how it knows us. */
export interface ProviderAccess {
  baseUrl: string;
  apiKey: string;
}
