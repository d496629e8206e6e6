/** Colours of levels: grey, white, cyan, yellow, red, white on red. */
const COLOURS: Readonly<Record<string, string>> = {
  trace: '2',
  debug: '2',
  info: '36',
  warn: '33',
  error: '31',
  fatal: '41;97',
};
/** Shown in front, or of no use to a person at a terminal. */
const LEFT_OUT = new Set(['level', 'time', 'name', 'pid', 'msg', 'err']);

/** A log line of JSON as a person reads it: time, level, part, message, then facts; a stack on lines of its own. */
export function humanLine(line: string, { colours }: { colours: boolean }): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const paint = (code: string, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const level = textOf(entry['level']);
  const facts = Object.entries(entry)
    .filter(([key]) => !LEFT_OUT.has(key))
    .map(([key, value]) => paint('2', `${key}=${textOf(value)}`));
  const head = [
    paint('2', textOf(entry['time']).slice(11, 23)),
    paint(COLOURS[level] ?? '0', level.toUpperCase().padEnd(5)),
    paint('2', textOf(entry['name']).padEnd(6)),
    clean(textOf(entry['msg'])),
    ...facts,
  ];
  return `${head.join(' ')}\n${stackOf(entry['err']).replace(/^(?=.)/gm, '      ')}`;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return clean(typeof value === 'string' ? value : JSON.stringify(value));
}

/** What a terminal would obey, and ends of lines, as a mark. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}]+/gu, ' ');
}

function stackOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message } = error as { stack?: unknown; message?: unknown };
  const text = typeof stack === 'string' ? stack : typeof message === 'string' ? message : '';
  return text === '' ? '' : `${text.split('\n').map(clean).join('\n')}\n`;
}
