import { ActionFailure } from '../domain/action.js';
import {
  AgentFailure,
  type AgentAnswer,
  type AgentArtifacts,
  type AgentContext,
  type AgentRequest,
  type AgentRouter,
} from '../domain/agent.js';
import type { JsonObject } from '../domain/json.js';
import type { Footprint } from '../domain/records.js';
import { anthropicProvider } from './anthropic.js';
import { agentFailure, failureFrom } from './failures.js';
import { openAiProvider } from './openai.js';
import { outputCheck, textOutputs } from './output.js';
import { overridden, type ModelRef, type Override } from './overrides.js';
import { conversationOf, repairOf } from './prompt.js';
import type { Conversation, Provider, ProviderAccess } from './provider.js';
import { redact } from './redact.js';
import { scriptedProvider } from './scripted.js';

/** Artifacts are waited for this long; an answer is not lost over them. */
const KEEP_PATIENCE_MS = 3_000;

const BUILD = { openai: openAiProvider, anthropic: anthropicProvider } as const;

/** The providers that there is an adapter for. */
type ProviderName = keyof typeof BUILD;

/** What a router is made of. */
export interface AgentRouterOptions {
  /** `off`: every question fails; `scripted`: canned answers for every provider; `providers`: those with access. */
  mode: 'off' | 'scripted' | 'providers';
  /** Asked for at every question; undefined: no key is set. */
  access: Record<ProviderName, () => ProviderAccess | undefined>;
  overrides: readonly Override[];
  /** Values that are masked in artifacts and failures. */
  secrets: () => Iterable<string>;
  artifacts: AgentArtifacts;
}

/** One question with everything that happens on its way. */
interface Question {
  options: AgentRouterOptions;
  request: AgentRequest;
  context: AgentContext;
  asked: ModelRef;
  used: ModelRef;
  replies: JsonObject[];
  usage: { tokensIn: number; tokensOut: number; requests: number };
}

/** The one way to all models. */
export function createAgentRouter(options: AgentRouterOptions): AgentRouter {
  return { ask: (request, context) => ask(options, request, context) };
}

async function ask(options: AgentRouterOptions, request: AgentRequest, context: AgentContext): Promise<AgentAnswer> {
  const asked = { provider: request.provider, model: request.model };
  const chosen = overridden(options.overrides, asked);
  const used = options.mode === 'scripted' ? { ...chosen, provider: 'scripted' } : chosen;
  const usage = { tokensIn: 0, tokensOut: 0, requests: 0 };
  const question: Question = { options, request, context, asked, used, replies: [], usage };
  const provider = providerOf(options, used);
  const conversation = conversationOf({ ...request, model: used.model });
  const prompt = keep(question, 'prompt', { system: conversation.system, messages: [...conversation.turns] });
  try {
    const outputs = await answer(question, provider, conversation);
    await keep(question, 'answer', { replies: question.replies });
    return { outputs, footprints: footprintsOf(question) };
  } catch (error) {
    const failure = toFailure(question, error);
    await keep(question, 'answer', { replies: question.replies, error: describe(failure) });
    throw failure;
  } finally {
    await prompt;
  }
}

async function answer(question: Question, provider: Provider, conversation: Conversation): Promise<JsonObject> {
  const check = conversation.output === undefined ? undefined : outputCheck(conversation.output);
  const first = await turn(question, provider, conversation);
  if (check === undefined) return textOutputs(first);
  const checked = check(first);
  if ('fields' in checked) return { ...checked.fields, ...textOutputs(first) };
  const second = await turn(question, provider, repairOf(conversation, first, checked.problems));
  const repaired = check(second);
  if ('fields' in repaired) return { ...repaired.fields, ...textOutputs(second) };
  throw agentFailure('output_invalid', `The answer does not fit the step's output: ${repaired.problems}`, {
    excerpt: redact(second, question.options.secrets()),
  });
}

async function turn(question: Question, provider: Provider, conversation: Conversation): Promise<string> {
  const { usage, context, replies } = question;
  context.signal.throwIfAborted();
  usage.requests += 1;
  const reply = await provider.complete(conversation, context.signal);
  usage.tokensIn += reply.tokensIn;
  usage.tokensOut += reply.tokensOut;
  replies.push({ text: reply.text, tokens_in: reply.tokensIn, tokens_out: reply.tokensOut });
  if (reply.text.trim() === '') throw agentFailure('agent_refused', 'The model said nothing.', { detail: 'empty' });
  return reply.text;
}

function providerOf(options: AgentRouterOptions, { provider }: ModelRef): Provider {
  if (options.mode === 'scripted') return scriptedProvider();
  if (options.mode === 'off') {
    throw agentFailure('provider_disabled', 'Agents are switched off in this environment (XYN_AGENTS=off).');
  }
  if (!isProvider(provider)) {
    const known = Object.keys(BUILD).join(', ');
    throw agentFailure('provider_unknown', `There is no provider ${provider}; there are ${known}.`);
  }
  const access = options.access[provider]();
  if (access !== undefined) return BUILD[provider](access);
  const variable = `${provider.toUpperCase()}_API_KEY`;
  throw agentFailure('provider_disabled', `${provider} has no key in this environment; set ${variable}.`);
}

function isProvider(name: string): name is ProviderName {
  return Object.hasOwn(BUILD, name);
}

/** Keeps what was spent beside what went wrong; an abort stays what it is. */
function toFailure(question: Question, error: unknown): unknown {
  const { options, context, used } = question;
  if (context.signal.aborted) return context.signal.reason;
  const failure = failureFrom(used.provider, error, (text) => redact(text, options.secrets()));
  return new AgentFailure(failure.facts, footprintsOf(question), { cause: failure.cause });
}

function footprintsOf({ asked, used, usage }: Question): Footprint[] {
  if (usage.requests === 0) return [];
  const replaced = asked.provider !== used.provider || asked.model !== used.model;
  const dims = {
    provider: used.provider,
    model: used.model,
    ...(replaced ? { asked_provider: asked.provider, asked_model: asked.model } : {}),
  };
  return [
    { metric: 'tokens_in', quantity: usage.tokensIn, unit: 'tokens', dims },
    { metric: 'tokens_out', quantity: usage.tokensOut, unit: 'tokens', dims },
    { metric: 'request_count', quantity: usage.requests, unit: 'count', dims },
  ];
}

/** Leaves a masked artifact; whatever goes wrong with it is no matter of the step. */
async function keep(question: Question, what: 'prompt' | 'answer', content: object): Promise<void> {
  const { options, context, asked, used } = question;
  const text = JSON.stringify({ asked, used, ...content }, undefined, 2);
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), KEEP_PATIENCE_MS);
  const givenUp = new Promise<void>((resolve) => patience.signal.addEventListener('abort', () => resolve()));
  try {
    const name = `agent-${context.attempt}-${what}.json`;
    await Promise.race([
      options.artifacts.keep(context.runId, context.path, name, redact(text, options.secrets())),
      givenUp,
    ]);
  } catch {
    // The port's own log tells of it.
  } finally {
    clearTimeout(timer);
  }
}

function describe(failure: unknown): JsonObject {
  if (!(failure instanceof ActionFailure)) return { code: 'aborted' };
  const { code, message, detail, status, excerpt } = failure.facts;
  return {
    code,
    message,
    ...(detail === undefined ? {} : { detail }),
    ...(status === undefined ? {} : { status }),
    ...(excerpt === undefined ? {} : { excerpt }),
  };
}
