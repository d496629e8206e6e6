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
}

/** What a model said, and what it cost. Absent token counts were not reported and count as 0. */
export interface Reply {
  text: string;
  tokensIn: number;
  tokensOut: number;
}

/** A way to models: one wire format at one address. */
export interface Provider {
  /**
   * One request, never repeated.
   * @throws ActionFailure with a code of `failures.ts`; whatever is the reason of `signal` once that aborted.
   */
  complete(conversation: Conversation, signal: AbortSignal): Promise<Reply>;
}

/** Where a provider is and how it knows us. */
export interface ProviderAccess {
  baseUrl: string;
  apiKey: string;
}
