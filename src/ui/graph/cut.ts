/** Controls, marks of direction and invisible characters, which would make a drawn text lie. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\u3164]/gu;

/**
 * A text for a drawing: at most so many characters, the last one `…` where something is missing. What cannot be seen
 * becomes `�`; the text in full stands elsewhere, with chips.
 */
export function cut(text: string, characters: number): string {
  // Long texts are shortened before they are looked at; a character has at most two code units.
  const all = Array.from(text.slice(0, characters * 2 + 2).replace(UNSEEN, '\ufffd'));
  return all.length <= characters ? all.join('') : `${all.slice(0, Math.max(0, characters - 1)).join('')}…`;
}
