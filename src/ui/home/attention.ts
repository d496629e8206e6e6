import type { RunDto } from '../../domain/dtos.js';
import { countWord } from '../format.js';
import { gateQuestion } from '../gates/decision.js';
import { effectTags, type Effect } from '../gates/effect-tags.js';
import { html, href, join, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { template } from '../template.js';

/** An open gate as the home page gets it. */
export interface HomeGate {
  gate_id: string;
  run_id: string;
  path: string;
  purpose: 'approval' | 'recovery';
  message: string | null;
  approvers: readonly string[];
  require: number;
  approvals: number;
  opened_at: Date;
  expires_at: Date | null;
  /** What it lets run, or asks about. */
  effects: readonly Effect[];
  run_name: string;
  run_actor: string;
}

/** What may need the viewer. */
export interface Needs {
  /** Those that the viewer may decide, the next deadline first; one more than is shown says that there are more. */
  gates: readonly HomeGate[];
  /** Failed runs that nobody took: not repeated, and their blueprint has not completed since. */
  failures: readonly RunDto[];
  /** Blueprints with held starts. */
  held: readonly { blueprint_id: string; name: string; events: number; held_at: Date; expires_at: Date }[];
  counts: { gates: number; running: number };
}

/** More of what needs somebody than this is a link. */
const MOST_SHOWN = 20;

interface Attention {
  id: string;
  href: string;
  look: Status;
  title: Html;
  about: Html;
  tags: { text: Part; look: string }[];
  opened: string;
  until: string | null;
  action: string;
}

const attentionTemplate = template<Record<string, unknown>>(import.meta.url, './attention.eta');

/** More targets than these are counted. */
const MOST_TARGETS = 3;

function targetsText(effects: readonly Effect[], ui: Parts): Html {
  const targets = [...new Set(effects.flatMap((one) => one.targets))];
  if (targets.length === 0) return html`the target`;
  const named = targets.slice(0, MOST_TARGETS).map((one) => html`<code>${ui.text(one)}</code>`);
  const rest = targets.length - named.length;
  return html`${join(named, ', ')}${rest > 0 ? ` and ${String(rest)} more` : ''}`;
}

function gateItem(gate: HomeGate, ui: Parts): Attention {
  const isRecovery = gate.purpose === 'recovery';
  const approvals = {
    text: `${gate.approvals} of ${gate.require} ${gate.require === 1 ? 'approval' : 'approvals'}`,
    look: '',
  };
  return {
    id: gate.gate_id,
    href: `/ui/gates/${gate.gate_id}`,
    look: isRecovery ? statusOf('unknown', 'Outcome unknown') : statusOf('gate', 'Gate'),
    title: ui.text(gateQuestion(gate, gate.effects)),
    about: isRecovery
      ? html`Nobody knows whether it ran, and it is not sent again. Look at ${targetsText(gate.effects, ui)}, then say
        what you found.`
      : html`${ui.text(gate.run_name)} · asked ${ui.ago(gate.opened_at.toISOString())}, started by
        ${ui.text(gate.run_actor)}${gate.effects.every(({ targets }) => targets.length === 0) ? '' : html` · ${targetsText(gate.effects, ui)}`}`,
    tags: [...effectTags(gate.effects), isRecovery ? { text: ui.text(gate.run_name), look: 'cut' } : approvals],
    opened: gate.opened_at.toISOString(),
    until: gate.expires_at?.toISOString() ?? null,
    action: isRecovery ? 'Resolve' : 'Review',
  };
}

function failureItem(run: RunDto, ui: Parts): Attention {
  const code = typeof run.error?.['code'] === 'string' ? run.error['code'] : 'failed';
  const path = typeof run.error?.['path'] === 'string' ? run.error['path'] : run.blueprint_id;
  const message = typeof run.error?.['message'] === 'string' ? run.error['message'] : '';
  return {
    id: run.run_id,
    href: `/ui/runs/${run.run_id}`,
    look: statusOf('fail', 'Failed run'),
    title: html`${ui.text(run.name)} failed`,
    about: html`<code>${ui.text(path)}</code>:
      <code>${ui.text(code)}</code>${message === '' ? '' : html` · ${ui.text(message)}`}`,
    tags: [],
    opened: run.completed_at ?? run.created_at,
    until: null,
    action: 'Open',
  };
}

function heldItem(one: Needs['held'][number], ui: Parts): Attention {
  return {
    id: `held-${one.blueprint_id}`,
    href: href('/ui/events', { q: 'became:held' }),
    look: statusOf('held', 'Held starts'),
    title: html`${ui.format.plural(one.events, 'start')} of ${ui.text(one.name)} ${one.events === 1 ? 'is' : 'are'} held`,
    about: html`It starts too often. They begin when there is room; the first is given up at
    ${ui.time(one.expires_at.toISOString())}.`,
    tags: [],
    opened: one.held_at.toISOString(),
    until: one.expires_at.toISOString(),
    action: 'Look',
  };
}

/** How many things need the viewer; more than are shown are not counted. */
export function needsText(needed: number): string {
  if (needed === 0) return 'Nothing needs you';
  if (needed === 1) return 'One thing needs you';
  return needed > MOST_SHOWN
    ? `More than ${countWord(MOST_SHOWN)} things need you`
    : `${countWord(needed)} things need you`;
}

/** What needs the viewer, by its deadline; what has none comes after that, in the order gates, failed runs. */
export function attention(
  needs: Needs & { isFirstStart?: boolean },
  ui: Parts,
): { list: Html; needed: number; all: number; headline: string; deadline: string | null } {
  const { gates, failures, held, counts } = needs;
  const items = [
    ...gates.map((gate) => gateItem(gate, ui)),
    ...held.map((one) => heldItem(one, ui)),
    ...failures.map((run) => failureItem(run, ui)),
  ].sort((a, b) => (a.until ?? '9').localeCompare(b.until ?? '9'));
  const isCapped = items.length > MOST_SHOWN;
  const needed = Math.min(items.length, MOST_SHOWN);
  const others = gates.length > MOST_SHOWN ? 0 : Math.max(0, counts.gates - gates.length);
  const more = isCapped ? (gates.length >= MOST_SHOWN ? '/ui/gates' : '/ui/runs?q=status%3Afailed') : null;
  const shown = { items: items.slice(0, MOST_SHOWN), needed, isCapped, more, others };
  const list = attentionTemplate({ ...shown, isFirstStart: needs.isFirstStart === true }, ui);
  const deadline = items.find(({ id, until }) => until !== null && !id.startsWith('held-'))?.until ?? null;
  return { list, needed, all: items.length, headline: `${needsText(items.length)}.`, deadline };
}
