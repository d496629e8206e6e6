import type { DraftDiffDto } from '../../domain/drafts.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { plural } from '../format.js';
import { html, join, type Html } from '../html.js';
import { jsonValue } from '../parts/json-value.js';
import { textDiff } from '../parts/changed-lines.js';
import { visibleText } from '../parts/hidden-characters.js';
import type { Parts } from '../parts/parts.js';
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
  /** Fields that somebody outside wrote; `items`: only these places of a list. */
  outside: Readonly<Record<string, { by: readonly ('event' | 'agent')[]; items: readonly number[] | null }>>;
  only: 'each' | 'maybe' | null;
  hash: string;
  /** Of a promotion: what the draft would change in the blueprint that is active. */
  promotes?: DraftDiffDto;
}

/** More actions than this are put into groups. */
const MOST_SINGLE = 20;

const itemTemplate = template<Record<string, unknown>>(import.meta.url, './decision-action.eta');

/** What happens on approval, in a sentence; after the decision, what was asked. */
export function effectsSentence(
  actions: readonly DecisionAction[],
  env: { name: string; stage: string },
  isOpen = true,
): string {
  if (actions.length === 0)
    return isOpen ? `If you approve, the run goes on in ${env.name}` : `The run was to go on in ${env.name}`;
  const targets = new Set(actions.flatMap((one) => one.targets)).size;
  const isMore = actions.some((one) => one.targets.length === 0 && one.later.length > 0);
  const each = actions.filter(({ only }) => only === 'each').length;
  const upTo = actions.some(({ only }) => only === 'maybe') ? 'up to ' : '';
  const isOne = actions.length === 1 && upTo === '';
  const verb = isOpen ? (isOne ? 'runs' : 'run') : `${isOne ? 'was' : 'were'} to run`;
  const runs = `${upTo}${plural(actions.length, 'action')} ${verb}`;
  const against = targets === 0 ? '' : ` against ${isMore ? 'at least ' : ''}${plural(targets, 'target')}`;
  const loops = each === 0 ? '' : `, ${each === actions.length ? '' : `${each} of them `}once for each item of a loop`;
  const whole = `${runs}${against} in ${env.stage}${loops}`;
  return isOpen ? `If you approve, ${whole}` : whole.charAt(0).toUpperCase() + whole.slice(1);
}

const WRITERS = { event: 'the sender of the event', agent: 'an agent' } as const;

function marked(value: Html, by: readonly ('event' | 'agent')[], ui: Parts): Html {
  return ui.outside(value, by.map((one) => WRITERS[one]).join(' and '));
}

/** A program with its arguments, each apart from the next one, and those from outside marked one by one. */
function vectorOf(argv: readonly Json[], written: DecisionAction['outside'][string] | undefined, ui: Parts): Html {
  const shown = argv.map((one, index) => {
    const text = html`${visibleText(JSON.stringify(one))}`;
    return written?.items?.includes(index) === true ? html`<span class="outside">${text}</span>` : text;
  });
  const vector = html`<code class="wrap">[${join(shown, ', ')}]</code>`;
  if (written === undefined) return vector;
  return written.items === null ? marked(vector, written.by, ui) : html`${vector}${marked(html``, written.by, ui)}`;
}

function actionItem(one: DecisionAction, number: number, ui: Parts): Html {
  const fields = Object.entries(one.input)
    // What stands as the target already is not said twice.
    .filter(
      ([name, value]) => !(/^(host|target)s?$/.test(name) && typeof value === 'string' && one.targets.includes(value)),
    )
    .map(([name, value]) => {
      const written = one.outside[name];
      if (name === 'argv' && Array.isArray(value)) return { name: 'Runs', value: vectorOf(value, written, ui) };
      const draft = name === 'draft_id' ? promotedDraft(one) : null;
      const shown = draft === null ? jsonValue(value) : draftLink(draft);
      return { name, value: written === undefined ? shown : marked(shown, written.by, ui) };
    });
  const target = Object.entries(one.outside).find(([name]) => /^(host|target)s?$/.test(name))?.[1];
  const targetsBy = target === undefined ? null : target.by.map((by) => WRITERS[by]).join(' and ');
  return itemTemplate({ ...one, number, fields, targetsBy, diff: promotedDiff(one, ui) }, ui);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The draft that an action would make a version: nobody decides about that by its id. */
export function promotedDraft({ action, input }: Pick<DecisionAction, 'action' | 'input'>): string | null {
  const { draft_id: id } = input;
  return action === 'blueprints.promote' && typeof id === 'string' && UUID.test(id) ? id : null;
}

/** What a promotion changes in the document, as far as it fits. */
function promotedDiff({ promotes }: DecisionAction, ui: Parts): Html | null {
  if (promotes === undefined) return null;
  const { from, to, lines, draft_id: id } = promotes;
  if (lines.length === 0) return ui.note('info', 'mute', ['The active version has this text already.']);
  const side = (one: DraftDiffDto['from']): string =>
    'revision' in one ? `revision ${one.revision}` : one.version === null ? 'no version' : `version ${one.version}`;
  return textDiff({ name: html`${side(from)} to ${side(to)}`, lines, rest: `/ui/drafts/${id}/diff` }, ui);
}

function draftLink(id: string): Html {
  return html`<a href="/ui/drafts/${id}/diff">what changes</a> in
    <a href="/ui/drafts/${id}">draft ${id.slice(0, 8)}</a>`;
}

/** Targets that differ in their numbers only are alike. */
function patternOf(targets: readonly string[]): string {
  return [...new Set(targets.map((one) => one.replace(/\d+/g, '*')))].sort().join(', ');
}

/** All actions in their order; many of them in groups by action and target pattern, destructive ones never folded. */
export function actionList(actions: readonly DecisionAction[], ui: Parts): Html {
  const numbered = actions.map((one, index) => ({ one, number: index + 1 }));
  const items = (list: typeof numbered): Html =>
    html`<ol>
      ${list.map(({ one, number }) => actionItem(one, number, ui))}
    </ol>`;
  if (numbered.length <= MOST_SINGLE) return items(numbered);
  const groups = new Map<string, typeof numbered>();
  for (const entry of numbered) {
    const key = [entry.one.action, entry.one.effect, patternOf(entry.one.targets)].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return join(
    [...groups].map(([key, list]) => {
      const [action = '', effect, pattern = ''] = key.split('\n');
      const targets = new Set(list.flatMap(({ one }) => one.targets)).size;
      const against =
        targets === 0 ? '' : html` against ${plural(targets, 'target')} <code>${visibleText(pattern)}</code>`;
      const title = html`<b>${plural(list.length, 'action')}</b> <code>${visibleText(action)}</code>${against}`;
      if (effect === 'destructive')
        return html`<div class="act-group" data-testid="gate-group">
          <p>${title} <span class="tag final">cannot be undone</span></p>
          ${items(list)}
        </div>`;
      return html`<details class="act-group" data-testid="gate-group">
        <summary>${title}</summary>
        ${items(list)}
      </details>`;
    }),
  );
}
