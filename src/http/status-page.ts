import { createHash } from 'node:crypto';
import type { GateDto, RunDto } from '../domain/dtos.js';
import { API_PREFIX } from './route.js';
import type { Health } from './schemas/health.js';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
code { font-size: .9em; overflow-wrap: anywhere; }
.ok { color: #18794e; } .bad { color: #cd2b31; }
@media (prefers-color-scheme: dark) { .ok { color: #4cc38a; } .bad { color: #ff8589; } }
`;

const styleHash = createHash('sha256').update(STYLE).digest('base64');

/** What the page may load: its own style, and nothing else. */
export const STATUS_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

function link(href: string, text: string): string {
  return `<a href="${escape(href)}">${escape(text)}</a>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const headCells = head.map((text) => `<th scope="col">${text}</th>`).join('');
  const bodyRows = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${headCells}</tr></thead><tbody>\n${bodyRows}\n</tbody></table>`;
}

function section(title: string, content: string): string {
  return `<section><h2>${title}</h2>\n${content}\n</section>`;
}

function mark(ok: boolean): string {
  return ok ? '<span class="ok">works</span>' : '<span class="bad">does not answer</span>';
}

function parts({ checks }: Health): string {
  const { postgres, temporal, worker } = checks;
  const ui = temporal.ui_url === null ? '' : `, ${link(temporal.ui_url, "Temporal's own screens")}`;
  return table(
    ['Part', 'State', ''],
    [
      ['API', mark(true), ''],
      ['Postgres', mark(postgres.ok), ''],
      ['Temporal', mark(temporal.ok), `<code>${escape(temporal.address)}</code>${ui}`],
      ['Worker', worker.ok ? mark(true) : '<span class="bad">none is there</span>', `${worker.pollers} polling`],
    ],
  );
}

function runTable(runs: readonly RunDto[] | undefined): string {
  if (runs === undefined) return '<p class="bad">The catalog does not answer.</p>';
  if (runs.length === 0) return '<p>None yet. Send an event: <code>xynctl events emit checkmk.alert</code></p>';
  return table(
    ['Run', 'Name', 'Status', 'Created'],
    runs.map((run) => [
      link(`${API_PREFIX}/runs/${run.run_id}`, run.run_id.slice(0, 8)),
      escape(run.name),
      run.phase === null ? run.status : `${run.status} (${escape(run.phase)})`,
      run.created_at,
    ]),
  );
}

function gateTable(gates: readonly GateDto[] | undefined): string {
  if (gates === undefined) return '<p class="bad">The catalog does not answer.</p>';
  if (gates.length === 0) return '<p>None waits.</p>';
  return table(
    ['Gate', 'Step', 'Message', 'Decide with'],
    gates.map((gate) => [
      link(`${API_PREFIX}/gates/${gate.gate_id}`, gate.gate_id.slice(0, 8)),
      escape(gate.path),
      escape(gate.message ?? ''),
      `<code>xynctl gates ${gate.purpose === 'approval' ? 'approve' : 'show'} ${gate.gate_id.slice(0, 8)}</code>`,
    ]),
  );
}

export interface StatusFacts {
  health: Health;
  /** Newest runs and open gates; undefined when the catalog did not answer. */
  runs: readonly RunDto[] | undefined;
  gates: readonly GateDto[] | undefined;
}

/** The page at `/`: plain HTML without scripts. */
export function statusPage({ health, runs, gates }: StatusFacts): string {
  const listings = ['health', 'events', 'runs', 'gates', 'blueprints', 'audit'];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Xyn</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>Xyn ${escape(health.version)}</h1></header>
<main>
${section('Parts', parts(health))}
${section('Open gates', gateTable(gates))}
${section('Newest runs', runTable(runs))}
${section('API', `<ul>${listings.map((name) => `<li>${link(`${API_PREFIX}/${name}`, `${API_PREFIX}/${name}`)}</li>`).join('')}</ul>`)}
</main>
</body>
</html>
`;
}
