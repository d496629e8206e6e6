/** Controls, marks of direction and invisible characters, which would make a drawn text lie. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\u3164]/gu;

/** Widths in em of the widest common font (DejaVu Sans); others leave some room. */
const NARROW = /[ijlItfr.,:;'|!()[\]·\s]/;
const WIDE = /[mwMW@%—]|[^\u0000-\u024f\u2000-\u206f]/;
const widthOf = (character: string): number => {
  if (NARROW.test(character)) return 0.37;
  if (WIDE.test(character)) return 0.98;
  return /[A-Z]/.test(character) ? 0.68 : 0.58;
};

/**
 * A text for a drawing that is not wider than so many px, ending in `…` where something is missing. What cannot be seen
 * becomes `�`; the text in full stands elsewhere, with chips.
 */
export function cut(text: string, widthPx: number, fontPx: number): string {
  const room = widthPx / fontPx;
  // Long texts are shortened before they are looked at: no character is narrower than a third of an em.
  const all = Array.from(text.slice(0, Math.ceil(room * 6)).replace(UNSEEN, '\ufffd'));
  let used = 0;
  let fits = 0;
  for (const [index, character] of all.entries()) {
    used += widthOf(character);
    if (used > room) return `${all.slice(0, fits).join('').trimEnd()}…`;
    if (used + 0.95 <= room) fits = index + 1;
  }
  return all.join('');
}
