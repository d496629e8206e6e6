import { z } from 'zod';
import { XynFault } from '../../domain/fault.js';
import {
  confirmations,
  gateDecision,
  gateQuestion,
  standingOf,
  type DecisionAttempt,
} from '../../ui/gates/decision.js';
import { promotedDraft, type DecisionAction } from '../../ui/gates/actions.js';
import { gateInbox } from '../../ui/gates/inbox.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { timestamp, uuid } from '../schemas/common.js';
import { href } from '../../ui/html.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const PAGE_SIZE = 50;
const position = z.strictObject({ opened_at: timestamp, gate_id: uuid });
const inboxQuery = z.object({
  status: z.enum(['open', 'approved', 'rejected', 'expired', 'cancelled', 'all']).default('open'),
  cursor: z.string().max(500).optional(),
});

const inbox = page({
  path: '/gates',
  privilege: 'gate.read',
  query: inboxQuery,
  load: async ({ services, query, ui }) => {
    const filter = query.status === 'all' ? {} : { status: query.status };
    const listing = { name: 'ui/gates', filter };
    const key = await services.cursors.key();
    const after = query.cursor === undefined ? {} : { cursor: decodeCursor(key, listing, position, query.cursor) };
    const { items, next } = await services.gates.list({ ...filter, ...after, limit: PAGE_SIZE });
    const older =
      next === null ? null : href('/ui/gates', { status: query.status, cursor: encodeCursor(key, listing, next) });
    const subjects = await services.overview.gateSubjects(items.map(({ gate_id: id }) => id));
    // What stands on one page is counted on it; only more than that is asked for, and up to two seconds old.
    const isWhole = query.status === 'open' && query.cursor === undefined && older === null;
    const open = isWhole ? items.length : (await services.overview.counts()).gates;
    const { main, fragments } = gateInbox({ status: query.status, gates: items, subjects, older, open }, ui);
    const live = { topics: ['gates' as const], fragments };
    return { title: 'Gates', nav: 'gates', crumb: 'Gates', testId: 'page-gates', main, live };
  },
});

/** Promotions of one gate that show their text; a person reads no more. */
const MOST_DIFFS = 3;

function untold(error: unknown): undefined {
  if (!(error instanceof XynFault)) throw error;
  return undefined;
}

/** Promotions with what they would change; one whose draft cannot be read has its link alone. */
async function withDiffs({ services }: UiCall, actions: readonly DecisionAction[]): Promise<DecisionAction[]> {
  const drafts = [...new Set(actions.flatMap((one) => promotedDraft(one) ?? []))].slice(0, MOST_DIFFS);
  const read = drafts.map(async (id) => [id, await services.drafts.diff(id).catch(untold)] as const);
  const diffs = new Map(await Promise.all(read));
  return actions.map((one) => {
    const promotes = diffs.get(promotedDraft(one) ?? '');
    return promotes === undefined ? one : { ...one, promotes };
  });
}

async function decisionPage(call: UiCall, attempt?: DecisionAttempt): Promise<PageAnswer> {
  const { services, env, caller, csrf, ui } = call;
  const facts = await services.overview.gate(call.param('gate_id'));
  const actions = await withDiffs(call, facts.actions);
  const view = { ...facts, actions, env, csrf, viewer: caller.actor, ...(attempt === undefined ? {} : { attempt }) };
  const { main, fragments } = gateDecision(view, ui);
  const question = gateQuestion(facts.gate, facts.actions);
  const above = [
    { label: 'Gates', href: '/ui/gates' },
    { label: facts.run.name, href: `/ui/runs/${facts.run.run_id}` },
  ];
  const topics = ['gates', `run/${facts.run.run_id}`] as const;
  return {
    title: question,
    nav: 'gates',
    above,
    crumb: question,
    testId: 'page-gate',
    main,
    live: { topics, fragments },
  };
}

const decision = page({ path: '/gates/:gate_id', privilege: 'gate.read', load: (call) => decisionPage(call) });

/** Longer than any set of bindings that a gate may cover. */
const MOST_SEEN = 200_000;
const seenAction = z.union([
  z.tuple([z.string(), z.string()]),
  z.tuple([z.string(), z.string(), z.record(z.string(), z.json())]),
]);
const seenActions = z.array(seenAction);

/** What the person had read, as the form says; nothing when it says nothing that makes sense. */
function seenIn(text: string): z.infer<typeof seenActions> {
  try {
    return seenActions.safeParse(JSON.parse(text)).data ?? [];
  } catch {
    return [];
  }
}
const decideBody = z.looseObject({
  decision: z.enum(['approve', 'reject', 'done', 'retry', 'fail']),
  digest: z.string().max(100),
  opened_at: timestamp,
  seen: z.string().max(MOST_SEEN),
  reason: z.string().max(2_000).default(''),
});
type DecideBody = z.infer<typeof decideBody>;

/** What is missing in the form; empty: nothing. */
async function problemsOf(call: UiCall, body: DecideBody): Promise<Record<string, string>> {
  const facts = await call.services.overview.gate(call.param('gate_id'));
  const problems: Record<string, string> = {};
  if (!standingOf(facts.gate, call.caller.actor).mayDecide) return problems;
  if (body.reason.trim() === '') problems['reason'] = 'Say why in a few words; it is kept with the decision.';
  if (body.decision !== 'approve') return problems;
  for (const { field, target } of confirmations({ ...facts, env: call.env })) {
    const typed = body[field];
    if (typeof typed !== 'string' || typed.trim() !== target) problems[field] = `Type ${target} as it is written here.`;
  }
  return problems;
}

/** Refusals that are no mistake of the page: they are told where the form stood, with what was typed. */
const TOLD = [
  'gate_changed',
  'gate_closed',
  'gate_already_decided',
  'gate_decision_refused',
  'reason_required',
  'request_invalid',
];

const decide = form({
  path: '/gates/:gate_id/decide',
  isBelow: true,
  privilege: 'gate.decide',
  body: decideBody,
  handle: async (call) => {
    const { body, caller, services } = call;
    const here = { ...call, here: `/ui/gates/${call.param('gate_id')}` };
    const problems = await problemsOf(call, body);
    const again = (status: number, more: Partial<DecisionAttempt>): Promise<PageAnswer> =>
      decisionPage(here, { problems, reason: body.reason, ...more }).then((answer) => ({
        ...answer,
        status,
        here: here.here,
      }));
    if (Object.keys(problems).length > 0) return again(422, {});
    try {
      await services.gates.decide(caller, call.param('gate_id'), {
        decision: body.decision,
        reason: body.reason.trim(),
        seen: { digest: body.digest === '' ? null : body.digest, opened_at: body.opened_at },
      });
    } catch (error) {
      if (!(error instanceof XynFault) || !TOLD.includes(error.code)) throw error;
      const changed = error.code === 'gate_changed' ? { changedFrom: seenIn(body.seen) } : {};
      const text =
        error.code === 'gate_changed' ? 'Refused: the plan changed. Read what it asks for now.' : error.message;
      return again(409, { problems: { form: text }, ...changed });
    }
    return { location: here.here };
  },
});

export const gatePages = [inbox, decision];
export const gateForms = [decide];
