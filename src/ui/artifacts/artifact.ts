import type { ArtifactDto } from '../../domain/dtos.js';
import { html, type Html, type Part } from '../html.js';
import { jsonValue } from '../parts/json-value.js';
import type { Parts } from '../parts/parts.js';
import { statusOf, type Status } from '../status.js';
import { loggedText, numberedText, previewKind } from './artifact-text.js';

/** One artifact with the beginning of its bytes. */
export interface ArtifactContent {
  artifact: ArtifactDto;
  preview: { bytes: 'verified' | 'damaged' | 'gone'; text: string | null; isWhole: boolean };
  /** Address of the bytes. */
  download: string;
}

/** What its page shows. */
export interface ArtifactView extends ArtifactContent {
  /** The step that made it, by its path. */
  stepPath: string | null;
  runName: string | null;
}

const STATES: Record<ArtifactView['preview']['bytes'], Status> = {
  verified: statusOf('done', 'Verified'),
  damaged: statusOf('fail', 'Damaged'),
  gone: statusOf('unknown', 'Not on this machine'),
};

function facts({ artifact, stepPath, runName }: ArtifactView, ui: Parts): Html {
  const { run_id: run, sha256, byte_length: size, metadata } = artifact;
  const fact = (label: string, value: Part): Part =>
    value === ''
      ? ''
      : html`<dt>${label}</dt>
          <dd>${value}</dd>`;
  const step =
    stepPath === null
      ? ''
      : html`<a href="/ui/runs/${run}?step=${encodeURIComponent(stepPath)}"><code>${ui.text(stepPath)}</code></a>`;
  return html`<dl class="facts body">
    ${fact('Kind', ui.text(artifact.kind))}
    ${fact('Type', html`<code class="wrap">${ui.text(artifact.content_type)}</code>`)}
    ${fact('Size', size === null ? '–' : html`${ui.format.bytes(size)}${size < 1_000 ? '' : html` <span class="meta">(${ui.format.count(size)} bytes)</span>`}`)}
    ${fact('Made', ui.time(artifact.created_at, true))} ${fact('By', ui.text(artifact.created_by))}
    ${fact('Run', run === null ? '' : html`<a href="/ui/runs/${run}">${ui.text(runName ?? run)}</a>`)}
    ${fact('Step', step)}
    ${fact('SHA-256', sha256 === null ? '' : html`${ui.digest(sha256)} <code class="wrap small">${sha256}</code>`)}
    ${Object.entries(metadata).map(([name, value]) => fact(name, jsonValue(value)))}
  </dl>`;
}

/** The beginning of an artifact by what it is; never run, and never what is not what was kept. */
export function artifactContent(view: ArtifactContent, ui: Parts): Html {
  const { artifact, preview, download } = view;
  if (preview.bytes === 'damaged') {
    const text =
      'The bytes are not those that were kept: their digest is another one. They are not shown and not handed out.';
    return html`<div class="body">${ui.note('fail', 'fail', text, 'alert')}</div>`;
  }
  if (preview.bytes === 'gone') {
    return ui.empty({
      title: 'The bytes are not here.',
      text: 'Artifacts lie on the machine that took them; this one does not have them.',
    });
  }
  const kind = previewKind(artifact.content_type);
  if (kind === 'image') {
    return html`<div class="body picture">
      <img src="${download}" alt="${`Content of ${artifact.name}`}" data-testid="artifact-image" />
    </div>`;
  }
  if (kind === 'none' || preview.text === null) {
    return ui.empty({ testId: 'no-preview', title: 'No preview for this type.', text: 'Download it to look at it.' });
  }
  if (preview.text === '' && preview.isWhole) return ui.empty({ title: 'It is empty.', text: 'No byte was kept.' });
  const { view: text, cut } = isLog(artifact)
    ? loggedText(wholeLines(preview.text, preview.isWhole), artifact.name, ui)
    : numberedText(preview.text, kind, artifact.name);
  const rest =
    preview.isWhole && cut === 0 ? '' : html`<footer>This is the beginning; the download has all of it.</footer>`;
  return html`${text}${rest}`;
}

/** What programs printed: JSON lines of our own form, or plain lines that may move a terminal. */
function isLog({ kind, content_type: type }: ArtifactDto): boolean {
  return kind === 'log' && /^(application\/x-ndjson|text\/plain)\b/.test(type);
}

/** Of a beginning the last line is half of one. */
function wholeLines(text: string, isWhole: boolean): string {
  return isWhole ? text : text.slice(0, text.lastIndexOf('\n') + 1);
}

/** The page of one artifact: what it is, whether it is whole, and the beginning of it as text. */
export function artifactPage(view: ArtifactView, ui: Parts): Html {
  const { artifact, preview, download } = view;
  const canDownload = preview.bytes === 'verified';
  return html`<div class="head">
      <div>
        <h1>${ui.text(artifact.name)}</h1>
        <p class="sub">
          <span data-testid="artifact-state">${ui.status(STATES[preview.bytes], true)}</span
          ><span>${preview.bytes === 'verified' ? 'compared with its digest just now' : ''}</span>
        </p>
      </div>
      <div class="actions">
        ${canDownload ? ui.button({ label: 'Download', href: download, icon: 'download', testId: 'artifact-download' }) : ''}
      </div>
    </div>
    <div class="columns side-right">
      <section class="card" aria-labelledby="h-content">
        <header><h2 id="h-content">Content</h2></header>
        ${artifactContent(view, ui)}
      </section>
      <section class="card" aria-labelledby="h-facts">
        <header><h2 id="h-facts">What is known</h2></header>
        ${facts(view, ui)}
      </section>
    </div>`;
}
