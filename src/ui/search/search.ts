import type { BlueprintDto, RunDto } from '../../domain/dtos.js';
import { gateQuestion } from '../gates/decision.js';
import { html, join, type Html, type Part } from '../html.js';
import type { Parts } from '../parts/parts.js';
import { navigation, type NavKey, type View } from '../shell/navigation.js';
import { runStatus, statusOf, type Status } from '../status.js';

/** What was found for a few typed characters. */
export interface SearchView {
  q: string;
  view: View;
  gates: readonly {
    gate_id: string;
    path: string;
    purpose: 'approval' | 'recovery';
    message: string | null;
    run_name: string;
    expires_at: Date | null;
  }[];
  runs: readonly RunDto[];
  blueprints: readonly BlueprintDto[];
}

interface Hit {
  href: string;
  mark: Status | string;
  text: Part;
  aside?: Part;
}

function deadlineOf(expiresAt: Date | null, ui: Parts): Part {
  if (expiresAt === null) return '';
  return expiresAt.getTime() <= ui.clock.now ? 'time is up' : html`${ui.left(expiresAt.toISOString())} left`;
}

/** Keys that lead to a page, as the list of keys says. */
const KEY_OF: Partial<Record<NavKey, string>> = {
  home: 'g h',
  gates: 'g g',
  events: 'g e',
  runs: 'g r',
  launch: 'n',
  blueprints: 'g b',
  audit: 'g a',
};

function groupsOf({ q, view, gates, runs, blueprints }: SearchView, ui: Parts): { title: string; hits: Hit[] }[] {
  const places = navigation(view).flatMap(({ links }) => links);
  const wanted = q.toLowerCase();
  return [
    {
      title: 'Needs you',
      hits: gates.map((one) => ({
        href: `/ui/gates/${one.gate_id}`,
        mark: one.purpose === 'recovery' ? statusOf('unknown', 'Outcome unknown') : statusOf('gate', 'Gate'),
        text: html`${ui.text(gateQuestion(one))} · ${ui.text(one.run_name)}`,
        aside: deadlineOf(one.expires_at, ui),
      })),
    },
    {
      title: 'Go to',
      hits: places
        .filter(({ label }) => label.toLowerCase().includes(wanted))
        .slice(0, q === '' ? 5 : 8)
        .map(({ key, label, href }) => ({
          href,
          mark: key,
          text: label,
          aside: KEY_OF[key] === undefined ? '' : html`<kbd aria-hidden="true">${KEY_OF[key]}</kbd>`,
        })),
    },
    {
      title: 'Runs',
      hits: runs.map((run) => ({
        href: `/ui/runs/${run.run_id}`,
        mark: runStatus({ status: run.status }),
        text: ui.text(run.name),
        aside: ui.time(run.started_at ?? run.created_at),
      })),
    },
    {
      title: 'Blueprints',
      hits: blueprints.map((one) => ({
        href: `/ui/blueprints/${encodeURIComponent(one.blueprint_id)}`,
        mark: 'blueprints',
        text:
          one.name === one.blueprint_id
            ? ui.text(one.name)
            : html`${ui.text(one.name)} <code class="meta">${one.blueprint_id}</code>`,
      })),
    },
  ].filter(({ hits }) => hits.length > 0);
}

/** The results, as options of the palette and as a list of links. */
export function searchResults(view: SearchView, ui: Parts): Html {
  let number = 0;
  const groups = groupsOf(view, ui).map(({ title, hits }) => {
    const options = hits.map(({ href, mark, text, aside = '' }) => {
      number += 1;
      const sign = typeof mark === 'string' ? ui.icon(mark) : ui.mark(mark);
      return html`<a role="option" aria-selected="false" id="${`hit-${number}`}" href="${href}"
        >${sign}<span class="grow cut">${text}</span><span class="meta tabular">${aside}</span></a
      >`;
    });
    return html`<div role="group" aria-label="${title}">
      <div class="group" aria-hidden="true">${title}</div>
      ${options}
    </div>`;
  });
  return groups.length === 0 ? html`<p class="empty">Nothing is called “${ui.text(view.q)}”.</p>` : join(groups);
}

/** The same as a page of its own, for browsers without script. */
export function searchPage(view: SearchView, ui: Parts): Html {
  return html`<div class="head">
      <div><h1>Search</h1></div>
    </div>
    <form class="filters" role="search" method="get" action="/ui/_search">
      <label class="query"
        >${ui.icon('search', true)}<span class="sr">Search</span
        ><input name="q" value="${view.q}" maxlength="100" /></label
      ><button class="button">Search</button>
    </form>
    <section class="card palette-page" aria-label="Results">
      <div class="found" role="listbox" aria-label="Results">${searchResults(view, ui)}</div>
    </section>`;
}
