import type { EventFacts, EventLine, EventStats } from '../../domain/event-console.js';
import type { Json } from '../../domain/json.js';
import { html, href, type Html } from '../html.js';
import { completionList } from '../parts/filter-completion.js';
import type { Fragment } from '../parts/fragment.js';
import type { Parts } from '../parts/parts.js';
import { withTerm } from '../parts/filter-terms.js';
import { savedViews, type SavedView } from '../parts/saved-views.js';
import { statusOf, type Status } from '../status.js';
import { needsText } from '../home/attention.js';
import { template, viewOf } from '../template.js';
import { EVENT_FILTER_KEYS } from './filter.js';
import { eventCode } from './event-code.js';
import { histogram } from './histogram.js';
import { verdictList } from './verdicts.js';
import { aboutEvent, outcomeLook } from './words.js';

/** All that the event console shows. */
export interface EventsView {
  q: string;
  /** A term of the filter that says nothing; null: none. */
  problem: string | null;
  /** How the text of the filter can go on. */
  words: readonly string[];
  lines: readonly EventLine[];
  older: string | null;
  /** Events above the list; 0 while it begins with the newest. */
  newer: number;
  /** Where the list begins; null: with the newest. */
  before: string | null;
  stats: EventStats;
  /** What the home page lists; above 20 only that there is more. */
  needsYou: number;
  selected: EventFacts | null;
  /** Filters with names. */
  views: readonly SavedView[];
  csrf: string;
}

const pageTemplate = template<Record<string, unknown>>(import.meta.url, './events.eta');
const rowTemplate = template<Record<string, unknown>>(import.meta.url, './event-row.eta');
const detailTemplate = template<Record<string, unknown>>(import.meta.url, './event-detail.eta');

function chips({ q, stats }: EventsView): object[] {
  const became = /(?:^|\s)became:(\S+)/.exec(q)?.[1] ?? null;
  const isImportant = /(?:^|\s)is:important(?:\s|$)/.test(q);
  const chip = (label: string, value: string | null, n: number, look?: Status): object => ({
    label,
    n: stats.is_counted ? n : null,
    look,
    href: href('/ui/events', { q: withTerm(withTerm(q, 'is', null), 'became', value) }),
    isCurrent: !isImportant && became === value,
  });
  return [
    chip('All', null, stats.all),
    chip('Started a run', 'started', stats.started, statusOf('done', '')),
    chip('No match', 'nomatch', stats.nomatch, statusOf('skipped', '')),
    chip('Held', 'held', stats.held, statusOf('held', '')),
    chip('Refused', 'refused', stats.refused, statusOf('fail', '')),
    {
      label: 'Important',
      n: stats.is_counted ? stats.important : null,
      look: statusOf('warn', ''),
      href: href('/ui/events', { q: withTerm(withTerm(q, 'became', null), 'is', 'important') }),
      isCurrent: isImportant,
    },
  ];
}

/** A row's link keeps the list where it is. */
function rowLink(view: EventsView, eventId: string): string {
  const first = view.lines[0]?.seq;
  const before = view.before ?? (first === undefined ? null : String(BigInt(first) + 1n));
  return href(`/ui/events/${eventId}`, { q: view.q, before });
}

function detail(view: EventsView, ui: Parts): Html {
  const { selected } = view;
  if (selected === null) return detailTemplate({ selected }, ui);
  const { event, verdicts } = selected;
  const reserved = event.event_name.startsWith('xyn.') && !event.event_name.startsWith('xyn.cicd.');
  const started = verdicts.filter(({ verdict }) => verdict === 'started').length;
  const shown = { event_name: event.event_name, ...eventBody(event) };
  const { code, hidden } = eventCode(shown as Json);
  const chain = selected.chain.map((one) => ({ ...one, isThis: one.event_id === event.event_id }));
  return detailTemplate(
    {
      selected,
      event,
      verdicts,
      verdictList: verdictList(verdicts, ui),
      started,
      reserved,
      code,
      hidden,
      chain,
      repeats: selected.repeats,
    },
    ui,
  );
}

function eventBody({
  occurred_at,
  env_id,
  actor,
  correlation_id,
  run_id,
  step_id,
  resource,
  data,
}: EventFacts['event']) {
  return { occurred_at, env_id, actor, correlation_id, run_id, step_id, resource, data };
}

/** The console; new rows come in only while its list begins with the newest. */
export function eventsPage(view: EventsView, ui: Parts): { main: Html; fragments: Fragment[] } {
  const selectedId = view.selected?.event.event_id;
  const rows = view.lines.map((line) => {
    const isSelected = line.event_id === selectedId;
    const parts = {
      look: outcomeLook(line),
      about: aboutEvent(line),
      link: rowLink(view, line.event_id),
      isSelected,
      ...line,
    };
    return { id: `event-${line.event_id}`, html: rowTemplate(parts, ui) };
  });
  // A column of times is as wide as its widest; what only rows know would have all of them laid out before the first is painted.
  const longest = Math.max(0, ...view.lines.map(({ occurred_at: at }) => ui.format.moment(at, ui.clock, true).length));
  const dated = longest > 'DD MMM HH:MM:SS'.length ? 'is-yeared' : longest > 'HH:MM:SS'.length ? 'is-dated' : '';
  const look = `${dated}${ui.firstScreen(rows.length)}`.trim();
  const list = html`<ul id="event-list" class="${look}" data-testid="event-list" data-list>
    ${rows.map((row) => row.html)}
  </ul>`;
  const { refused, held } = view.stats;
  const figures = html`${ui.format.cappedCount(view.stats.all)} in the last hour ·
  ${ui.format.count(view.stats.started)} started a run · ${ui.format.count(refused + held)} refused or held`;
  const head = html`<p class="sub" id="event-head">
    <span>${view.stats.is_counted ? figures : 'Those of the last hour are being counted.'}</span>
  </p>`;
  const newer = html`<div id="newer-events">
    ${
      view.newer === 0
        ? ''
        : html`<a
            class="new-rows"
            data-testid="new-events"
            href="${href(selectedId === undefined ? '/ui/events' : `/ui/events/${selectedId}`, { q: view.q })}"
            >${ui.format.cappedCount(view.newer, 1_000)} new ${view.newer === 1 ? 'event' : 'events'} · show</a
          >`
    }
  </div>`;
  const drawn = { list, head, newer, detail: detail(view, ui), ...histogram(view, ui), chips: chips(view) };
  const older = view.older === null ? null : href('/ui/events', { q: view.q, before: view.older });
  const words = completionList('event-filter', view.words);
  const isRead = view.problem === null;
  const saved = savedViews({ path: '/ui/events', q: view.q, isRead, views: view.views, csrf: view.csrf }, ui);
  const more = {
    needsText: needsText(view.needsYou),
    saved,
    older,
    keys: EVENT_FILTER_KEYS,
    none: rows.length === 0,
    words,
  };
  const main = pageTemplate(viewOf(view, drawn, more), ui);
  const fragments = [
    { id: 'event-head', html: head },
    { id: 'newer-events', html: newer },
    { id: 'event-list', html: list, rows },
  ];
  return { main, fragments };
}
