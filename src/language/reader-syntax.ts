import type { Document, YAMLError } from 'yaml';
import type { Mark } from './prescan.js';
import { quotedLine, type Finding } from './reader-finding.js';
import { placesIn } from './source.js';

type ErrorCode = YAMLError['code'];

const CODES: Partial<Record<ErrorCode, string>> = {
  NON_STRING_KEY: 'yaml_key_type',
  TAG_RESOLVE_FAILED: 'yaml_tag_forbidden',
  BAD_COLLECTION_TYPE: 'yaml_tag_forbidden',
  MULTIPLE_TAGS: 'yaml_tag_forbidden',
  BAD_ALIAS: 'yaml_alias_limit',
  ALIAS_PROPS: 'yaml_alias_limit',
  MULTIPLE_ANCHORS: 'yaml_alias_limit',
  MULTIPLE_DOCS: 'yaml_multi_document',
  RESOURCE_EXHAUSTION: 'yaml_depth',
};

/**
 * Findings for the errors and warnings of the parser (warnings are errors here). In a line of which a special rule says
 * what is wrong, such as an unquoted `{{…}}` or `*`, the syntax errors that come of it are left out.
 */
export function syntaxFindings(document: Document.Parsed, text: string, marks: readonly Mark[]): Finding[] {
  const lineOf = lines(text);
  const found = marks.filter(({ kind }) => kind === 'directive').map(({ offset }) => directive(offset));
  for (const error of firstOfLines([...document.errors, ...document.warnings], lineOf)) {
    found.push(findingOf(error, text));
  }
  const broken = new Set(found.filter(({ code }) => code === 'yaml_syntax').map(({ offset }) => lineOf(offset)));
  for (const { kind, offset } of marks) {
    if (kind === 'alias' && broken.has(lineOf(offset))) found.push(alias(offset, text));
  }
  for (const start of templateStarts(text, broken)) found.push(templateKey(start, text));
  const special = new Set(found.filter(({ code }) => code !== 'yaml_syntax').map(({ offset }) => lineOf(offset)));
  const seen = new Set<string>();
  return found.filter((finding) => {
    const line = lineOf(finding.offset);
    const key = `${finding.code}:${line}`;
    if ((finding.code === 'yaml_syntax' && special.has(line)) || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Of every code the first in each line: hostile documents have a hundred thousand errors in one. */
function firstOfLines(errors: readonly YAMLError[], lineOf: (offset: number) => number): YAMLError[] {
  const seen = new Map<string, YAMLError>();
  for (const error of errors) {
    const key = `${error.code}:${lineOf(error.pos[0])}`;
    if (!seen.has(key)) seen.set(key, error);
  }
  return [...seen.values()];
}

/** Findings for the marks alone, of a document that has so many of them that it is not worth parsing. */
export function markFindings(marks: readonly Mark[], text: string): Finding[] {
  const makers = { directive, tag, alias, anchor: alias };
  const lineOf = lines(text);
  const firsts = new Map(marks.toReversed().map((mark) => [`${mark.kind}:${lineOf(mark.offset)}`, mark]));
  return [...firsts.values()].map(({ kind, offset }) => makers[kind](offset, text));
}

function lines(text: string): (offset: number) => number {
  const placeAt = placesIn(text);
  return (offset) => placeAt(offset).line;
}

function findingOf(error: YAMLError, text: string): Finding {
  const [position] = error.pos;
  const code = CODES[error.code] ?? 'yaml_syntax';
  if (code === 'yaml_key_type') {
    return text.slice(position - 1, position + 1) === '{{' ? templateKey(position - 1, text) : keyType(position, text);
  }
  if (code === 'yaml_tag_forbidden') return tag(position, text);
  if (code === 'yaml_alias_limit') return alias(position, text);
  if (code === 'yaml_multi_document') {
    return { code, path: '', offset: position, message: 'A file holds one blueprint.', suggestion: 'remove the `---`' };
  }
  const suggestion = syntaxSuggestion(error.code, text, position);
  const message = error.message.endsWith('.') ? error.message : `${error.message}.`;
  return { code, path: '', offset: position, message, ...(suggestion === undefined ? {} : { suggestion }) };
}

function syntaxSuggestion(code: ErrorCode, text: string, offset: number): string | undefined {
  if (code === 'TAB_AS_INDENT') return 'use spaces';
  if (code === 'BAD_SCALAR_START') return quotedLine(text, offset);
  // `cmd: echo a: b`; where the second key is in another line, the indentation is wrong.
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && /^[^\n]*:[ \n]/.test(text.slice(offset, offset + 1000)))
    return quotedLine(text, offset);
  return undefined;
}

const directive = (offset: number): Finding => ({
  code: 'yaml_syntax',
  path: '',
  offset,
  message: 'Directives (lines with `%` at the top) are not taken.',
  suggestion: 'remove the line',
});

const tag = (offset: number, text: string): Finding => ({
  code: 'yaml_tag_forbidden',
  path: '',
  offset,
  message: 'Text that begins with `!` is a YAML tag, and tags are not taken.',
  suggestion: quotedLine(text, offset),
});

const alias = (offset: number, text: string): Finding => ({
  code: 'yaml_alias_limit',
  path: '',
  offset,
  message: 'Text that begins with `*` or `&` is a YAML alias or anchor, and these are not taken.',
  suggestion: quotedLine(text, offset),
});

const templateKey = (offset: number, text: string): Finding => ({
  code: 'yaml_key_type',
  path: '',
  offset,
  message: 'An unquoted `{{…}}` is a YAML map with a map as its key.',
  suggestion: quotedLine(text, offset),
});

const keyType = (offset: number, text: string): Finding => ({
  code: 'yaml_key_type',
  path: '',
  offset,
  message: 'A key must be text.',
  ...(text[offset] === '{' && text[offset + 1] === '{' ? { suggestion: quotedLine(text, offset) } : {}),
});

/** Unquoted `{{` at the start of a value, in lines (from 1) that the parser did not understand. */
function templateStarts(text: string, broken: ReadonlySet<number>): number[] {
  const starts: number[] = [];
  let lineStart = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const match = broken.has(index + 1) ? /(?:^|: |- |[,[{] ?)\s*(?=\{\{)/.exec(line) : null;
    if (match !== null) starts.push(lineStart + match.index + match[0].length);
    lineStart += line.length + 1;
  }
  return starts;
}
