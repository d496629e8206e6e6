import { ActionFailure } from '../domain/action.js';
import type { AgentAnswer, AgentArtifacts, AgentContext, AgentRequest, AgentRouter } from '../domain/agent.js';
import type { JsonObject } from '../domain/json.js';
import type { Footprint } from '../domain/records.js';
import { anthropicProvider } from './anthropic.js';
import { agentFailure, failureFrom, refusesSchema } from './failures.js';
import { openAiProvider } from './openai.js';
import { overridden, type ModelRef, type Override } from './overrides.js';
import { conversationOf, repairOf } from './prompt.js';
import type { Conversation, Provider, ProviderAccess, RequestUsage } from './provider.js';
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
  /** One for each request that was sent. */
  usage: RequestUsage[];
  plainOnly: Set<string>;
}

/** Models that are remembered to take no schema; they are few. */
const MAX_PLAIN_ONLY = 1_000;

/** The one way to all models. */
export function createAgentRouter(options: AgentRouterOptions): AgentRouter {
  const plainOnly = new Set<string>();
  return { ask: (request, context) => ask({ options, plainOnly }, request, context) };
}

async function ask(
  { options, plainOnly }: Pick<Question, 'options' | 'plainOnly'>,
  request: AgentRequest,
  context: AgentContext,
): Promise<AgentAnswer> {
  const asked = { provider: request.provider, model: request.model };
  const chosen = overridden(options.overrides, asked);
  const used = options.mode === 'scripted' ? { ...chosen, provider: 'scripted' } : chosen;
  const question: Question = { options, plainOnly, request, context, asked, used, replies: [], usage: [] };
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
  // Its checker of schemas is loaded when somebody first asks: most workers never do.
  const { outputCheck, textOutputs } = await import('./output.js');
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
  const text = await completed(question, provider, conversation);
  const { tokensIn = 0, tokensOut = 0 } = question.usage.at(-1) ?? {};
  question.replies.push({ text, tokens_in: tokensIn, tokens_out: tokensOut });
  if (text.trim() === '') throw agentFailure('agent_refused', 'The model said nothing.', { detail: 'empty' });
  return text;
}

/** Asks for an answer by schema where that can be, and once more without where the provider refuses that. */
async function completed(question: Question, provider: Provider, conversation: Conversation): Promise<string> {
  const { plainOnly, used } = question;
  const { structured, ...plain } = conversation;
  const model = `${used.provider}/${used.model}`;
  if (structured === undefined || plainOnly.has(model)) return request(question, provider, plain);
  try {
    return await request(question, provider, conversation);
  } catch (error) {
    if (question.context.signal.aborted || !refusesSchema(error)) throw error;
    if (plainOnly.size >= MAX_PLAIN_ONLY) plainOnly.clear();
    plainOnly.add(model);
    return request(question, provider, plain);
  }
}

async function request(question: Question, provider: Provider, conversation: Conversation): Promise<string> {
  const { context } = question;
  context.signal.throwIfAborted();
  const usage: RequestUsage = { tokensIn: 0, tokensOut: 0 };
  question.usage.push(usage);
  context.spent(footprintsOf(question));
  return provider.complete(conversation, context.signal, (known) => {
    Object.assign(usage, known);
    context.spent(footprintsOf(question));
  });
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

/** What went wrong, in our words; an abort stays what it is. */
function toFailure(question: Question, error: unknown): unknown {
  const { options, context, used } = question;
  if (context.signal.aborted) return context.signal.reason;
  return failureFrom(used.provider, error, (text) => redact(text, options.secrets()));
}

function footprintsOf({ asked, used, usage }: Question): Footprint[] {
  if (usage.length === 0) return [];
  const total = (metric: keyof RequestUsage): number => usage.reduce((sum, request) => sum + request[metric], 0);
  const replaced = asked.provider !== used.provider || asked.model !== used.model;
  const dims = {
    provider: used.provider,
    model: used.model,
    ...(replaced ? { asked_provider: asked.provider, asked_model: asked.model } : {}),
  };
  return [
    { metric: 'tokens_in', quantity: total('tokensIn'), unit: 'tokens', dims },
    { metric: 'tokens_out', quantity: total('tokensOut'), unit: 'tokens', dims },
    { metric: 'request_count', quantity: usage.length, unit: 'count', dims },
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
