/** A piece of a text with placeholders; offsets count UTF-16 units of the text. */
export type TemplatePart = { text: string } | { expression: string; offset: number };

export type TemplateResult = { parts: TemplatePart[] } | { code: 'template_unclosed'; offset: number };

/** The end of the quoted text that starts at `start`: the position behind it, or the end of the text. */
function skipQuoted(text: string, start: number): number {
  const quote = text.charAt(start);
  const raw = /[rR]$/.test(text.slice(Math.max(0, start - 1), start));
  const mark = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let at = start + mark.length;
  while (at < text.length) {
    if (text.charAt(at) === '\\' && !raw) at += 2;
    else if (text.startsWith(mark, at)) return at + mark.length;
    else at += 1;
  }
  return text.length;
}

/**
 * Where an expression that starts at `start` meets `mark` outside of quotes, and, for `}}`, outside of map literals.
 * Undefined: never.
 */
export function findOutsideQuotes(text: string, mark: '{{' | '}}', start: number): number | undefined {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if ((mark === '{{' || depth === 0) && text.startsWith(mark, at)) return at;
    if (char === '"' || char === "'") {
      at = skipQuoted(text, at);
      continue;
    }
    if (char === '{') depth += 1;
    if (char === '}') depth = Math.max(0, depth - 1);
    at += 1;
  }
  return undefined;
}

/** Splits a text at its placeholders (language §7.3): the lexer, not the first `}}`, finds the end of each. */
export function splitTemplate(text: string): TemplateResult {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf('{{', at);
    if (open === -1) break;
    const close = findOutsideQuotes(text, '}}', open + 2);
    if (close === undefined) return { code: 'template_unclosed', offset: open };
    if (open > at) parts.push({ text: text.slice(at, open) });
    parts.push({ expression: text.slice(open + 2, close), offset: open + 2 });
    at = close + 2;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return { parts };
}
