import type { Plan } from '../../domain/plan.js';
import { html, join, type Html } from '../html.js';
import { buildTree } from './build-tree.js';
import { cut } from './cut.js';
import { layout, type PlacedBox, type PlacedEdge } from './layout.js';
import { roundedPath } from './rounded-path.js';

/** Colours of a picture that stands alone, on paper as on a page; the screens have theirs in style sheets. */
const INK = '#1c2430';
const QUIET = '#5b6676';
const LINE = '#8a94a3';
const PAPER = '#ffffff';
const EDGE_RADIUS = 7;
const FONT = { title: 11.5, text: 10.5 };

/**
 * A plan as an SVG file of its own, from top to bottom: no style sheets, scripts, links or fonts from elsewhere. Handlers
 * are not drawn, since they are not the way that a plan means to go.
 */
export function standaloneSvg(plan: Plan): string {
  const placed = layout(buildTree(plan, undefined, { loopBodies: true }), { vertical: true });
  const w = Math.ceil(placed.w);
  const h = Math.ceil(placed.h);
  return `${html`<svg
    xmlns="http://www.w3.org/2000/svg"
    width="${w}"
    height="${h}"
    viewBox="0 0 ${w} ${h}"
    font-family="sans-serif"
    role="img"
  >
    <title>${plan.name ?? plan.id}</title>
    <rect width="${w}" height="${h}" fill="${PAPER}" />
    ${join(placed.edges.map(edge))}${join(placed.boxes.map(box))}
  </svg>`.toString()}\n`;
}

function edge({ points }: PlacedEdge): Html {
  return html` <path d="${roundedPath(points, EDGE_RADIUS)}" fill="none" stroke="${LINE}" stroke-width="1.5" />`;
}

function text(words: string, x: number, y: number, isTitle: boolean): Html {
  const [size, fill] = isTitle ? [FONT.title, INK] : [FONT.text, QUIET];
  return html`<text x="${x}" y="${y}" font-size="${size}" fill="${fill}">${words}</text>`;
}

function box({ node, x, y, w, h }: PlacedBox): Html {
  const title = node.type === 'fold' ? '' : node.title;
  if (node.type === 'lanes') {
    const below = html`<text x="34" y="12" font-size="${FONT.text}" fill="${QUIET}"
      >${cut(title, 62, FONT.text)}</text
    >`;
    return html` <g transform="translate(${x} ${y})"
      ><title>${title}: ${node.kind}</title
      ><path d="M15 0l15 15-15 15-15-15z" fill="${PAPER}" stroke="${LINE}" />${below}</g
    >`;
  }
  const isGroup = node.type === 'group';
  const lines = isGroup
    ? text(cut(`${title}${node.kind === 'for_each' ? ' (for each)' : ''}`, w - 20, FONT.text), 11, 13, false)
    : [
        text(cut(title, w - 18, FONT.title), 9, 18.5, true),
        text(cut(node.type === 'leaf' ? node.what : 'for each item', w - 15, FONT.text), 9, 34, false),
      ];
  const dashes = isGroup ? html` stroke-dasharray="4 3"` : '';
  return html` <g transform="translate(${x} ${y})"
    ><title>${title}</title
    ><rect width="${w}" height="${h}" rx="8" fill="${isGroup ? 'none' : PAPER}" stroke="${LINE}" ${dashes} />${lines}</g
  >`;
}
