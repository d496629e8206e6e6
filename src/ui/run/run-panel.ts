import type { Json } from '../../domain/json.js';
import type { StepPanelRow, TailPage } from '../../domain/run-page.js';
import { artifactContent } from '../artifacts/artifact.js';
import { loopCells, loopCounts, loopTotal } from '../graph/loop-cells.js';
import { cellClass } from '../graph/map-svg.js';
import { markStatus, markWord } from '../graph/marks.js';
import { stopsOf, type GraphNode, type Loop, type Seq } from '../graph/tree.js';
import { href, html, join, type Html, type Part } from '../html.js';
import { logLine } from '../parts/log-line.js';
import type { Parts } from '../parts/parts.js';
import { markOf } from './step-records.js';
import { linkTo, type PanelTab, type RunView } from './view.js';

/** A longer value is shown in part; the whole is at the API. */
const MOST_VALUE = 20_000;

type Stop = Exclude<GraphNode, Seq>;

/** The selected step: what it is, how it went, its log and values. */
export function runPanel(view: RunView, ui: Parts): Html {
  const { selected, panel, tree } = view;
  if (selected === null)
    return html`<section class="card" id="step-panel" data-testid="step-panel">
      ${ui.empty({ title: 'No step yet.', text: 'Steps appear here as the run reaches them.' })}
    </section>`;
  const stops = tree === null ? [] : [...stopsOf(tree)];
  const at = stops.findIndex(({ path }) => path === selected);
  const stop = stops[at];
  const title = panel?.name ?? (stop !== undefined && stop.type !== 'fold' ? stop.title : selected);
  const mark = stop?.mark ?? (panel === null ? 'todo' : markOf({ ...panel, code: codeOf(panel) }));
  const status = markStatus(mark);
  return html`<section class="card" id="step-panel" aria-labelledby="step-title" data-testid="step-panel">
    <header>
      ${ui.glyph(status.glyph, status.tone)}
      <h2 id="step-title" class="cut">${ui.text(title)}</h2>
      <span class="sr">, ${status.word}</span><code class="meta cut wide-only">${ui.text(selected)}</code
      ><span class="grow"></span>${neighbours(view, stops, at)}
    </header>
    ${facts(view, stop, ui)}${tabs(view, ui)}${tabContent(view, stop, ui)}
  </section>`;
}

function codeOf({ error }: StepPanelRow): string | null {
  const code = error?.['code'];
  return typeof code === 'string' ? code : null;
}

function errorText(error: NonNullable<StepPanelRow['error']>, ui: Parts): Html {
  const { code, message } = error;
  return html`<code>${typeof code === 'string' ? code : ''}</code>
    ${ui.text(typeof message === 'string' ? message : '')}`;
}

/** In the colour of what became of the step: one that was cancelled did not fail. */
function failureNote(error: NonNullable<StepPanelRow['error']>, stop: Stop | undefined, ui: Parts): Html {
  const { glyph, tone } = markStatus(stop?.mark === 'cancelled' || stop?.mark === 'unknown' ? stop.mark : 'fail');
  return ui.note(glyph, tone, errorText(error, ui));
}

function neighbours(view: RunView, stops: readonly Stop[], at: number): Part {
  const go = (stop: Stop | undefined, label: string, key: string, sign: string): Part =>
    stop === undefined
      ? ''
      : html`<a
          class="icon-button"
          href="${linkTo(view, { step: stop.path, tab: undefined, from: undefined, find: undefined, artifact: undefined })}"
          data-key="${key}"
          aria-label="${label} step"
          >${sign}</a
        >`;
  return at < 0 ? '' : html`${go(stops[at - 1], 'Previous', '[', '↑')}${go(stops[at + 1], 'Next', ']', '↓')}`;
}

function facts(view: RunView, stop: Stop | undefined, ui: Parts): Html {
  const error = view.panel?.error ?? null;
  const failure = error === null ? '' : failureNote(error, stop, ui);
  const gate = view.data.gates.find(({ path }) => path === view.selected || path === `${view.selected}~recover`);
  const review =
    gate === undefined
      ? ''
      : html`<p>
          <a class="button" href="/ui/gates/${gate.gate_id}"
            >${gate.status === 'open' ? 'Review' : `Gate, ${gate.status}`}</a
          >
        </p>`;
  const loop = stop?.type === 'loop' ? loopFacts(stop, ui) : '';
  const reused = reusedFrom(view.panel, ui);
  return html`<div class="body stack">${times(stop, view.panel, ui)}${reused}${loop}${failure}${review}</div>`;
}

/** Another run did it: there are its attempts, and where its result came from. */
function reusedFrom(panel: StepPanelRow | null, ui: Parts): Part {
  if (panel?.reused_from == null) return '';
  const { run_id: id, path } = panel.reused_from;
  const link = html`<a class="mono" href="${href(`/ui/runs/${id}`, { step: path })}">run ${id.slice(0, 8)}</a>`;
  const text = html`Taken over from ${link}: it was not done again.`;
  return html`<div data-testid="step-reused">${ui.note('info', 'mute', text)}</div>`;
}

function times(stop: Stop | undefined, panel: StepPanelRow | null, ui: Parts): Html {
  const started = panel?.started_at ?? null;
  const ended = panel?.completed_at ?? null;
  const parts: Part[] = [html`<b>${markWord(stop?.mark ?? 'todo')}</b>`];
  if (started !== null) parts.push(html`${ended === null ? 'since' : 'started'} ${ui.time(started, true)}`);
  if (started !== null && ended !== null)
    parts.push(`took ${ui.format.duration(Date.parse(ended) - Date.parse(started))}`);
  else if (started !== null) parts.push(html`for ${ui.since(started)}`);
  if (stop !== undefined && stop.type !== 'fold' && stop.usualMs !== null)
    parts.push(`usually ${ui.format.about(stop.usualMs)}`);
  if (panel?.skip_reason != null) parts.push(html`because <code>${panel.skip_reason}</code>`);
  if (stop?.type === 'leaf') parts.push(html`<code>${ui.text(stop.what)}</code>`);
  return html`<p class="row wrapping tabular">${join(parts.map((part) => html`<span>${part}</span>`))}</p>`;
}

function loopFacts(loop: Loop, ui: Parts): Html {
  const { items } = loop;
  const counts = loopCounts(items);
  const words = [...counts]
    .map(([mark, count]) => `${ui.format.count(count)} ${markWord(mark).toLowerCase()}`)
    .join(', ');
  const cells = loopCells(items);
  const pitch = 100 / Math.max(1, cells.length);
  const ticks = cells.map(({ mark }, index) => {
    const isTall = mark !== 'done' && mark !== 'todo' && mark !== 'run';
    return html`<rect
      class="${cellClass(mark)}"
      x="${(index * pitch).toFixed(2)}%"
      y="${isTall ? 0 : 4}"
      width="${(pitch * 0.78).toFixed(2)}%"
      height="${isTall ? 22 : 14}"
      rx="1"
    />`;
  });
  const failed = items.failed.slice(0, 50).map(
    (item) =>
      html`<tr>
        <td class="lead nowrap"><code>${ui.text(item.label ?? String(item.index))}</code></td>
        <td class="wrap" data-label="Failed with">${ui.text(`${item.code}: ${item.message}`)}</td>
        <td class="num" data-label="Tries">${item.attempts}</td>
      </tr>`,
  );
  const table =
    failed.length === 0
      ? ''
      : html`<div class="scroll-x bleed" tabindex="0" role="region" aria-label="Items that failed">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Item</th>
                <th scope="col">Failed with</th>
                <th scope="col" class="num">Tries</th>
              </tr>
            </thead>
            <tbody>
              ${failed}
            </tbody>
          </table>
        </div>`;
  const per =
    cells.length < loopTotal(items)
      ? html`<p class="meta small">
          One cell is about ${Math.round(loopTotal(items) / cells.length)} items; the worst state wins.
        </p>`
      : '';
  return html`<div>
    <p class="row">
      <b class="tabular">${ui.format.count(counts.get('done') ?? 0)} of ${ui.format.count(loopTotal(items))}</b
      ><span class="end meta small">${loop.concurrency} at a time</span>
    </p>
    <svg class="cells" role="img" aria-label="${ui.format.count(loopTotal(items))} items: ${words}">${ticks}</svg
    >${per}${table}
  </div>`;
}

const TAB_WORDS: Record<PanelTab, string> = {
  log: 'Log',
  inputs: 'Inputs',
  outputs: 'Outputs',
  attempts: 'Attempts',
  artifacts: 'Artifacts',
};

function tabs(view: RunView, ui: Parts): Html {
  const { panel, tab } = view;
  const counts: Partial<Record<PanelTab, number>> = {
    ...(panel?.tail != null ? { log: panel.tail.counted } : view.log === null ? {} : { log: view.log.counted }),
    ...(panel === null ? {} : { attempts: panel.attempt_log.length, artifacts: panel.artifacts.length }),
  };
  const links = (Object.keys(TAB_WORDS) as PanelTab[]).map(
    (name) =>
      html`<a
        href="${linkTo(view, { step: view.selected ?? undefined, tab: name, from: undefined, find: undefined, artifact: undefined })}"
        ${name === tab ? html` aria-current="true"` : ''}${name === 'log' ? html` data-key="l"` : ''}
        >${TAB_WORDS[name]}${counts[name] === undefined ? '' : html`<span class="n">${ui.format.count(counts[name])}</span>`}</a
      >`,
  );
  return html`<nav class="tabs inside" aria-label="Of this step">${links}</nav>`;
}

function tabContent(view: RunView, stop: Stop | undefined, ui: Parts): Part {
  const { panel, tab } = view;
  if (panel === null) {
    const text = stop?.mark === 'todo' ? 'It has not started.' : 'Nothing was recorded of it.';
    return html`<div class="body"><p class="meta">${text}</p></div>`;
  }
  switch (tab) {
    case 'log':
      return runLog(view, panel, ui);
    case 'inputs':
      return valueView(panel.inputs, 'No inputs were recorded.', ui);
    case 'outputs':
      return valueView(panel.outputs, 'It has no outputs.', ui);
    case 'attempts':
      return attemptsView(panel, ui);
    case 'artifacts':
      return html`${artifactList(panel.artifacts, ui, (id) => linkTo(view, { tab: 'artifacts', artifact: id }))}${chosenArtifact(view, ui)}`;
  }
}

function valueView(value: Json, none: string, ui: Parts): Html {
  if (value === null) return html`<div class="body"><p class="meta">${none}</p></div>`;
  const text = JSON.stringify(value, null, 2);
  const more =
    text.length > MOST_VALUE
      ? html`<p class="meta small body">
          The first ${ui.format.count(MOST_VALUE)} of ${ui.format.count(text.length)} characters.
        </p>`
      : '';
  return html`<pre class="json" tabindex="0">${ui.text(text.slice(0, MOST_VALUE))}</pre>
    ${more}`;
}

function attemptsView({ attempt_log: attempts }: StepPanelRow, ui: Parts): Html {
  if (attempts.length === 0)
    return html`<div class="body">
      <p class="meta">No attempt was recorded: the step does not leave the workflow.</p>
    </div>`;
  const rows = attempts.map(({ attempt, status, worker, pack, error, started_at, ended_at }) => {
    const took =
      ended_at === null ? ui.since(started_at) : ui.format.duration(Date.parse(ended_at) - Date.parse(started_at));
    const message = error === null ? '' : errorText(error, ui);
    return html`<tr>
      <td class="lead tabular">${attempt}</td>
      <td data-label="Status">${status}${message === '' ? '' : html`<br /><span class="small">${message}</span>`}</td>
      <td class="num" data-label="Took">${took}</td>
      <td data-label="Worker">
        <span class="small"
          >${ui.text(worker)}${pack === null ? '' : html`<br /><span class="meta">${ui.text(pack)}</span>`}</span
        >
      </td>
    </tr>`;
  });
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="Attempts">
    <table class="cards">
      <thead>
        <tr>
          <th scope="col">No.</th>
          <th scope="col">Status</th>
          <th scope="col" class="num">Took</th>
          <th scope="col">Worker</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function chosenArtifact({ artifact }: RunView, ui: Parts): Part {
  if (artifact === null) return '';
  const { artifact: chosen } = artifact;
  return html`<section aria-label="Content of ${chosen.name}" data-testid="artifact-preview">
    ${artifactContent(artifact, ui)}
    <footer><a class="end" href="/ui/artifacts/${chosen.artifact_id}">What is known of it</a></footer>
  </section>`;
}

/** Artifacts by name, with size and digest. @param linkOf where a name leads; default: the page of the artifact. */
export function artifactList(
  artifacts: StepPanelRow['artifacts'],
  ui: Parts,
  linkOf: (artifactId: string) => string = (id) => `/ui/artifacts/${id}`,
): Html {
  if (artifacts.length === 0) return html`<div class="body"><p class="meta">None.</p></div>`;
  return html`<ul>
    ${artifacts.map(
      ({ artifact_id, name, byte_length, sha256 }) =>
        html`<li class="line">
          <a class="cut grow" href="${linkOf(artifact_id)}">${ui.text(name)}</a
          ><span class="meta tabular">${byte_length === null ? '' : ui.format.bytes(byte_length)}</span
          >${sha256 === null ? '' : ui.digest(sha256)}
        </li>`,
    )}
  </ul>`;
}

/** Lines of a step's log, with the way to those above and below. */
export function runLog(view: RunView, panel: StepPanelRow, ui: Parts): Html {
  const { log, logProblem } = view;
  if (logProblem !== null)
    return html`<div class="body">
      ${ui.note('fail', 'fail', html`<code>${logProblem.code}</code> ${logProblem.message}`)}
    </div>`;
  if (panel.tail !== null) return liveTail(panel.tail, panel, ui);
  if (log === null) {
    const isTask = panel.kind === 'action_task' || panel.kind === 'agent_task';
    const running = panel.status === 'running' ? 'It has not printed anything yet.' : 'It wrote nothing.';
    const text = isTask ? running : 'A step of this kind writes no log.';
    return html`<div class="body"><p class="meta">${text}</p></div>`;
  }
  const last = log.lines.at(-1)?.number ?? 0;
  const above =
    log.from > 1 && view.query.find === undefined
      ? html`<li class="fold">
          <a href="${linkTo(view, { tab: 'log', from: Math.max(1, log.from - 200) })}"
            >${ui.format.plural(log.from - 1, 'line')} above</a
          >
        </li>`
      : '';
  const below =
    last > 0 && last < log.counted && view.query.find === undefined
      ? html`<li class="fold">
          <a href="${linkTo(view, { tab: 'log', from: last + 1 })}"
            >${ui.format.plural(log.counted - last, 'line')} below</a
          >
        </li>`
      : '';
  const none = log.lines.length === 0 ? html`<li class="fold">No line holds that.</li>` : '';
  const cut = log.isWhole
    ? ''
    : html`<span class="meta">Only the first ${ui.format.count(log.counted)} lines were read.</span>`;
  return html`<form class="log-find" method="get" action="/ui/runs/${view.data.run.run_id}" role="search">
      <input type="hidden" name="step" value="${view.selected ?? ''}" /><input
        type="hidden"
        name="tab"
        value="log"
      /><label class="sr" for="log-find">Find in the log</label
      ><input
        class="input"
        id="log-find"
        name="find"
        value="${view.query.find ?? ''}"
        placeholder="Find in the log"
        maxlength="200"
      /><button class="button small">Find</button>
    </form>
    <ol class="log" tabindex="0" aria-label="Log of ${panel.name}" data-testid="step-log">
      ${above}${log.lines.map((line) => logLine(line, ui))}${below}${none}
    </ol>
    <footer>${cut}<a class="end" href="/ui/artifacts/${log.artifact_id}">Whole log</a></footer>`;
}

/** The newest lines of a step that runs; the script keeps the last one in sight. */
function liveTail({ counted, lines }: TailPage, { name }: StepPanelRow, ui: Parts): Html {
  const above =
    counted > lines.length
      ? html`<li class="fold">
          ${ui.format.plural(counted - lines.length, 'line')} above, in the log when the attempt ends
        </li>`
      : '';
  return html`<ol
    class="log"
    id="step-tail"
    tabindex="0"
    aria-label="What ${name} prints"
    data-follow
    data-testid="step-tail"
  >
    ${above}${lines.map((line) => logLine(line, ui))}
  </ol>`;
}
