import type { DecisionDto, GateDetailDto, RunDto } from '../../domain/dtos.js';
import type { StepStatus } from '../../domain/engine/state.js';
import type { JsonObject } from '../../domain/json.js';
import { html, join, type Html } from '../html.js';
import type { Fragment } from '../parts/fragment.js';
import { jsonValue } from '../parts/json-value.js';
import type { Parts } from '../parts/parts.js';
import { decisionStatus, gateStatus, stepStatus, statusOf, type Status } from '../status.js';
import { template } from '../template.js';

/** One action that the gate lets run. */
export interface DecisionAction {
  path: string;
  name: string;
  action: string;
  pack: string | null;
  effect: 'read' | 'write' | 'destructive' | 'agent' | 'unknown';
  idempotency: 'safe' | 'keyed' | 'none' | null;
  targets: readonly string[];
  input: JsonObject;
  later: readonly string[];
  hash: string;
}

/** What a form came back with. */
export interface DecisionAttempt {
  /** Problems by field: `reason`, `confirm-<n>`; and `form` for the whole. */
  problems: Readonly<Record<string, string>>;
  reason: string;
  /** Bindings that the person had read: `path=hash` lines; set when the gate changed meanwhile. */
  changedFrom?: readonly string[];
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

/** More actions than this are put into groups. */
const MOST_SINGLE = 20;

const pageTemplate = template<Record<string, unknown>>(import.meta.url, './decision.eta');
const actionTemplate = template<Record<string, unknown>>(import.meta.url, './decision-action.eta');
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

/** The question of a gate. */
export function gateQuestion(gate: { message: string | null; purpose: string; path: string }): string {
  if (gate.purpose === 'recovery') return `Did ${gate.path.replace(/~recover$/, '')} happen?`;
  return gate.message ?? `Approve ${gate.path}?`;
}

function actionItem(one: DecisionAction, number: number, ui: Parts): Html {
  const { argv, ...rest } = one.input;
  const vector = Array.isArray(argv) ? JSON.stringify(argv) : null;
  const fields = Object.entries(vector === null ? one.input : rest)
    .filter(
      ([name, value]) => !(/^(host|target)s?$/.test(name) && typeof value === 'string' && one.targets.includes(value)),
    )
    .map(([name, value]) => ({
      name,
      value: jsonValue(value),
    }));
  return actionTemplate({ ...one, number, vector, fields }, ui);
}

/** One group of actions of the same kind; destructive ones are never folded away. */
function groupedActions(view: DecisionView, ui: Parts): Html {
  const numbered = view.actions.map((one, index) => ({ one, number: index + 1 }));
  const items = (list: typeof numbered): Html => join(list.map(({ one, number }) => actionItem(one, number, ui)));
  if (numbered.length <= MOST_SINGLE)
    return html`<ol>
      ${items(numbered)}
    </ol>`;
  const groups = new Map<string, typeof numbered>();
  for (const entry of numbered) {
    const key = `${entry.one.action} ${entry.one.effect}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return join(
    [...groups.values()].map((list) => {
      const { action, effect } = (list[0] as (typeof numbered)[number]).one;
      const isFinal = effect === 'destructive';
      const targets = new Set(list.flatMap(({ one }) => one.targets)).size;
      const title = html`<b>${ui.format.plural(list.length, 'action')}</b> <code>${action}</code> against
        ${ui.format.plural(targets, 'target')}`;
      if (isFinal)
        return html`<div class="act-group">
          <p>${title}</p>
          <ol>
            ${items(list)}
          </ol>
        </div>`;
      return html`<details class="act-group">
        <summary>${title}</summary>
        <ol>
          ${items(list)}
        </ol>
      </details>`;
    }),
  );
}

function changes(view: DecisionView): { path: string; what: string }[] {
  const before = new Map((view.attempt?.changedFrom ?? []).map((line) => line.split('=', 2) as [string, string]));
  const now = new Map(view.actions.map((one) => [one.path, one.hash]));
  const gone = [...before.keys()].filter((path) => !now.has(path)).map((path) => ({ path, what: 'no longer runs' }));
  const other = [...now].flatMap(([path, hash]) => {
    const was = before.get(path);
    if (was === hash) return [];
    return [{ path, what: was === undefined ? 'was not there' : 'runs with other arguments' }];
  });
  return [...gone, ...other];
}

/** Who approved, who may, who may not. */
function people(view: DecisionView): { actor: string; note: string; isYou: boolean; decision?: DecisionDto }[] {
  const decided = view.gate.decisions.filter((one) => one.status !== 'refused');
  const rest = view.gate.approvers.filter((name) => !decided.some((one) => one.actor === name));
  return [
    ...decided.map((decision) => ({
      actor: decision.actor,
      note: '',
      isYou: decision.actor === view.viewer,
      decision,
    })),
    ...rest.map((actor) => ({
      actor,
      isYou: actor === view.viewer,
      note: actor.startsWith('agent:') ? 'agent, may not' : 'may decide',
    })),
  ];
}

const WORDS: Record<DecisionDto['decision'], Status> = {
  approve: statusOf('done', 'approved'),
  reject: statusOf('fail', 'rejected'),
  done: statusOf('done', 'it happened'),
  retry: statusOf('retry', 'do it again'),
  fail: statusOf('fail', 'fail the step'),
};

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
      changes: view.attempt?.changedFrom === undefined ? [] : changes(view),
      problems: view.attempt?.problems ?? {},
      reason: view.attempt?.reason ?? '',
      seen: view.actions.map((one) => `${one.path}=${one.hash}`).join('\n'),
    },
    ui,
  );
}

/** The page on which a gate is read and decided. */
export function gateDecision(view: DecisionView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const { gate, run } = view;
  const targets = new Set(view.actions.flatMap((one) => one.targets)).size;
  const known = view.steps.filter(({ status, path }) => status !== 'created' && path !== gate.path).slice(-8);
  const status = html`<span id="gate-status">${ui.status(gateStatus(gate.status), true)}</span>`;
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
  const main = pageTemplate(
    {
      ...view,
      question: gateQuestion(gate),
      targets,
      status,
      facts,
      hasFacts: known.length > 0,
      aside,
      actionList: groupedActions(view, ui),
      mayDecide: standingOf(gate, view.viewer).mayDecide,
    },
    ui,
  );
  const fragments = [
    { id: 'gate-status', html: status },
    { id: 'gate-known', html: facts },
    { id: 'gate-side', html: aside },
  ];
  return { main, fragments };
}
