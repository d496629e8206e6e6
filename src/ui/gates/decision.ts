import type { DecisionDto, GateDetailDto, RunDto } from '../../domain/dtos.js';
import type { StepStatus } from '../../domain/engine/state.js';
import { html, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import { jsonValue } from '../parts/json-value.js';
import type { Parts } from '../parts/parts.js';
import { decisionStatus, gateStatus, stepStatus, statusOf, type Status } from '../status.js';
import { template } from '../template.js';
import { actionList, effectsSentence, type DecisionAction } from './actions.js';
import { hasLines, linesOf, planChanges, seenActions, type ActionChange, type SeenAction } from './plan-changes.js';
import { textDiff } from '../parts/changed-lines.js';
import { lineDiff } from '../../domain/line-diff.js';

/** What a form came back with. */
export interface DecisionAttempt {
  /** Problems by field: `reason`, `confirm-<n>`; and `form` for the whole. */
  problems: Readonly<Record<string, string>>;
  reason: string;
  /** What the person had read; set when the gate changed meanwhile. */
  changedFrom?: readonly SeenAction[];
}

/** All that the page of a gate shows. */
export interface DecisionView {
  gate: GateDetailDto;
  run: RunDto;
  steps: readonly {
    step_id: string;
    path: string;
    name: string;
    kind: string;
    status: StepStatus;
    skip_reason: string | null;
  }[];
  stepTotal: number | null;
  actions: readonly DecisionAction[];
  isHandled: boolean;
  env: { name: string; stage: string };
  viewer: string;
  csrf: string;
  attempt?: DecisionAttempt;
}

/** Whether the viewer may decide, and if not, why. */
export interface Standing {
  mayDecide: boolean;
  why: string | null;
  mine: DecisionDto | undefined;
}

const pageTemplate = template<Record<string, unknown>>(import.meta.url, './decision.eta');
const changesTemplate = template<Record<string, unknown>>(import.meta.url, './decision-changes.eta');
const effectsTemplate = template<Record<string, unknown>>(import.meta.url, './decision-effects.eta');
const sideTemplate = template<Record<string, unknown>>(import.meta.url, './decision-side.eta');

/** What keeps the viewer from deciding: what the service would refuse, and agents, which never count. */
export function standingOf(gate: GateDetailDto, viewer: string): Standing {
  const known = gate.decisions.filter((one) => one.actor === viewer && one.status !== 'refused');
  const mine = gate.purpose === 'recovery' ? known.find((one) => one.status === 'submitted') : known.at(-1);
  if (gate.status !== 'open') return { mayDecide: false, why: null, mine };
  if (mine !== undefined)
    return { mayDecide: false, why: 'You decided already; the first decision of a person stands.', mine };
  if (viewer.startsWith('agent:')) return { mayDecide: false, why: 'Agents never decide.', mine };
  return { mayDecide: true, why: null, mine };
}

/** The fields in which the target's name has to be typed: one for each irreversible action where it matters. */
export function confirmations(
  view: Pick<DecisionView, 'actions' | 'env' | 'gate'>,
): { field: string; target: string; name: string }[] {
  if (view.gate.purpose === 'recovery' || !/^(stage|prod)$/.test(view.env.stage)) return [];
  return view.actions.flatMap((one, index) =>
    one.effect === 'destructive'
      ? [{ field: `confirm-${index + 1}`, target: one.targets[0] ?? one.action, name: one.name }]
      : [],
  );
}

/** The question of a gate. @param asked what a recovery gate asks about, where that is known. */
export function gateQuestion(
  gate: { message: string | null; purpose: string; path: string },
  [asked]: readonly Pick<DecisionAction, 'action' | 'targets'>[] = [],
): string {
  if (gate.purpose === 'recovery') {
    if (asked?.targets[0] === undefined) return `Did ${gate.path.replace(/~recover$/, '')} happen?`;
    return `Did ${asked.action} on ${asked.targets[0]} happen?`;
  }
  return gate.message ?? `Approve ${gate.path}?`;
}

interface Person {
  actor: string;
  note: string;
  isYou: boolean;
  decision?: DecisionDto;
}

/** Who approved, who may, who may not and why. */
function people({ gate, run, viewer }: DecisionView): Person[] {
  const decided = gate.decisions.filter((one) => one.status !== 'refused');
  // Who emitted an event asked for nothing.
  const requester = gate.status === 'open' && run.event_id === null ? [run.actor] : [];
  const open = [...new Set([...gate.approvers, ...requester])];
  const rest = open.filter((name) => !decided.some((one) => one.actor === name));
  return [
    ...decided.map((decision) => ({
      actor: decision.actor,
      note: decision.actor === run.actor ? 'started the run' : '',
      isYou: decision.actor === viewer,
      decision,
    })),
    ...rest.map((actor) => ({ actor, isYou: actor === viewer, note: noteOf(actor, gate, run.actor) })),
  ];
}

function noteOf(actor: string, { approvers }: GateDetailDto, requester: string): string {
  if (actor.startsWith('agent:')) return 'agent, may not';
  const mayDecide = approvers.includes(actor) ? 'may decide' : '';
  return actor === requester ? ['started the run', mayDecide].filter(Boolean).join(', ') : mayDecide;
}

const WORDS: Record<DecisionDto['decision'], Status> = {
  approve: statusOf('done', 'approved'),
  reject: statusOf('fail', 'rejected'),
  done: statusOf('done', 'it happened'),
  retry: statusOf('retry', 'do it again'),
  fail: statusOf('fail', 'fail the step'),
};

function changesOf({ attempt, actions }: DecisionView): ActionChange[] {
  return attempt?.changedFrom === undefined ? [] : planChanges(attempt.changedFrom, actions);
}

/** What the gate asks for now beside what was read: texts line by line, the rest field by field; nothing where only names are known. */
function changesCard(view: DecisionView, ui: Parts): Html | null {
  const changes = changesOf(view).filter(({ fields }) => fields.length > 0);
  if (changes.length === 0) return null;
  const shown = changes.map((one) => ({
    ...one,
    fields: one.fields
      .filter((field) => !hasLines(field))
      .map(({ name, was, now }) => ({
        name,
        was: was === undefined ? null : jsonValue(was),
        now: now === undefined ? null : jsonValue(now),
      })),
    texts: one.fields.filter(hasLines).map(({ name, was, now }) => {
      const [before, after] = [linesOf(was), linesOf(now)];
      return textDiff({ name: ui.text(name), lines: lineDiff(before, after) }, ui);
    }),
  }));
  return changesTemplate({ changes: shown }, ui);
}

function effects(view: DecisionView, ui: Parts): Html {
  const title =
    view.gate.purpose === 'recovery'
      ? 'What was sent, and nobody knows what became of it'
      : effectsSentence(view.actions, view.env, view.gate.status === 'open');
  return effectsTemplate({ ...view, title, list: actionList(view.actions, ui) }, ui);
}

function side(view: DecisionView, ui: Parts): Html {
  const { gate } = view;
  const standing = standingOf(gate, view.viewer);
  const isNamed = gate.approvers.length === 0 || gate.approvers.includes(view.viewer);
  return sideTemplate(
    {
      ...view,
      standing,
      isNamed,
      people: people(view),
      words: WORDS,
      decisionStatus,
      confirmations: confirmations(view),
      changes: changesOf(view),
      isRefused: view.attempt !== undefined,
      problems: view.attempt?.problems ?? {},
      reason: view.attempt?.reason ?? '',
    },
    ui,
  );
}

/** The page on which a gate is read and decided. */
export function gateDecision(view: DecisionView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const { gate, run } = view;
  const known = view.steps.filter(({ status, path }) => status !== 'created' && path !== gate.path).slice(-8);
  const status = html`<span id="gate-status">${ui.status(gateStatus(gate), true)}</span>`;
  const facts = html`<ul id="gate-known">
    ${known.map(
      (step) =>
        html`<li class="line">
          ${ui.mark(stepStatus(step.status, step.skip_reason))}<span class="grow">${ui.text(step.name)}</span
          ><a class="quiet soft small" href="${`/ui/runs/${run.run_id}?step=${encodeURIComponent(step.path)}`}"
            >${ui.text(step.path)}</a
          >
        </li>`,
    )}
  </ul>`;
  const aside = html`<div id="gate-side">${side(view, ui)}</div>`;
  const effectsCard = effects(view, ui);
  const main = pageTemplate(
    {
      ...view,
      question: gateQuestion(gate, view.actions),
      status,
      facts,
      hasFacts: known.length > 0,
      aside,
      effects: effectsCard,
      changesCard: changesCard(view, ui),
      seen: seenActions(view.actions),
      mayDecide: standingOf(gate, view.viewer).mayDecide,
    },
    ui,
  );
  const fragments = [
    { id: 'gate-status', html: status },
    { id: 'gate-effects', html: effectsCard },
    { id: 'gate-known', html: facts },
    { id: 'gate-side', html: aside },
  ];
  return { main, fragments };
}
