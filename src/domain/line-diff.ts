/** A line of a comparison; `skipped` stands for that many unchanged lines. */
export type DiffLine = { kind: 'same' | 'added' | 'removed'; text: string } | { kind: 'skipped'; count: number };

/** Unchanged lines that are shown around a change. */
const CONTEXT = 3;
/** Comparing costs the product of both lengths; above this the changed part is shown as replaced. */
const MOST_CELLS = 4_000_000;

/** What changed from one text to another, line by line; empty when nothing did. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const a = before.split('\n');
  const b = after.split('\n');
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const changed = compare(a.slice(start, a.length - end), b.slice(start, b.length - end));
  if (changed.length === 0) return [];
  const same = (texts: string[]): DiffLine[] => texts.map((text) => ({ kind: 'same', text }));
  return folded([...same(a.slice(0, start)), ...changed, ...same(a.slice(a.length - end))]);
}

/** A part of a line, or of a text: words that stay, came or went. */
export interface DiffWords {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** Share of a line's characters that two versions of it have in common; below it they are two lines, not one that changed. */
const ALIKE = 0.35;
/** Characters of a line that is compared word by word. */
const MOST_LINE = 400;

/** What changed inside of a line, in words; null when the two have too little in common to say so. */
export function wordDiff(before: string, after: string): DiffWords[] | null {
  if (Math.max(before.length, after.length) > MOST_LINE) return null;
  const words = (text: string): string[] => text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
  const parts: DiffWords[] = [];
  for (const { kind, text } of compare(words(before), words(after))) {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  }
  const kept = parts.filter(({ kind, text }) => kind === 'same' && text.trim() !== '').map(({ text }) => text.trim());
  const longest = Math.max(before.trim().length, after.trim().length);
  return kept.join('').length < ALIKE * longest ? null : parts;
}

/** By the longest common subsequence. */
function compare(a: readonly string[], b: readonly string[]): DiffWords[] {
  const removed = (texts: readonly string[]): DiffWords[] => texts.map((text) => ({ kind: 'removed', text }));
  const added = (texts: readonly string[]): DiffWords[] => texts.map((text) => ({ kind: 'added', text }));
  if (a.length * b.length > MOST_CELLS) return [...removed(a), ...added(b)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] as number;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffWords[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] as string });
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) lines.push(...removed(a.slice(i, ++i)));
    else lines.push(...added(b.slice(j, ++j)));
  }
  return [...lines, ...removed(a.slice(i)), ...added(b.slice(j))];
}

/** Long unchanged parts become one line. */
function folded(lines: readonly DiffLine[]): DiffLine[] {
  const isNear = lines.map(() => false);
  for (const [ix, { kind }] of lines.entries()) {
    if (kind === 'same') continue;
    for (let near = Math.max(0, ix - CONTEXT); near <= Math.min(lines.length - 1, ix + CONTEXT); near += 1)
      isNear[near] = true;
  }
  const shown: DiffLine[] = [];
  for (const [ix, line] of lines.entries()) {
    const last = shown.at(-1);
    if (isNear[ix] === true) shown.push(line);
    else if (last?.kind === 'skipped') last.count += 1;
    else shown.push({ kind: 'skipped', count: 1 });
  }
  return shown;
}
