import { Composer, isMap, isScalar, Parser, YAMLParseError, type CST, type Document } from 'yaml';
import { MAX_MARKS, prescan, type Prescan } from './prescan.js';
import { sortedProblems, type Problem } from './problem.js';
import type { Finding } from './reader-finding.js';
import { markFindings, syntaxFindings } from './reader-syntax.js';
import { textOf } from './reader-text.js';
import { walkDocument, type Walked } from './reader-walk.js';
import { placesIn, SPAN, sourceOf, type ReadDocument, type ReadResult } from './source.js';

/** A read document or its problems, fit to pass between threads. */
export type PlainResult = { document: ReadDocument } | { problems: Problem[] };

/**
 * Reads a blueprint's bytes, YAML or JSON, in this thread. Nothing in the bytes makes it throw; but hostile ones may
 * make it slow, so requests go through `readInWorker`.
 */
export function readDocument(bytes: Uint8Array): ReadResult {
  const result = readPlain(bytes);
  return 'document' in result ? { source: sourceOf(result.document) } : result;
}

/** As `readDocument`, without functions in the result. */
export function readPlain(bytes: Uint8Array): PlainResult {
  const decoded = textOf(bytes);
  if ('problem' in decoded) return { problems: [decoded.problem] };
  const { text } = decoded;
  const scan = prescan(text);
  if (scan.refusal !== undefined) return { problems: problemsOf(text, [refusal(scan.refusal)]) };
  if (scan.marks.length > MAX_MARKS) return { problems: problemsOf(text, markFindings(scan.marks, text)) };
  try {
    return readText(text, scan);
  } catch {
    // The library's parser recurses: what the scan let through may still be too much for the stack of this thread.
    return { problems: problemsOf(text, [refusal({ code: 'yaml_depth', offset: 0 })]) };
  }
}

function readText(text: string, { marks, lexemes }: Prescan): PlainResult {
  const document = documentOf(text, lexemes);
  const syntax = syntaxFindings(document, text, marks);
  const shape = shapeFinding(document);
  if (shape !== undefined) return { problems: problemsOf(text, syntax.length > 0 ? syntax : [shape]) };
  const walked = walkDocument(document.contents as NonNullable<typeof document.contents>, text, marks);
  const findings = merged(syntax, walked);
  if (findings.length > 0) return { problems: problemsOf(text, findings) };
  return { document: { value: walked.value, text, spans: Int32Array.from(walked.spans) } };
}

/** As the library's `parseDocument`, from what its lexer gave. */
function documentOf(text: string, lexemes: readonly string[]): Document.Parsed {
  const [first, second] = new Composer({
    version: '1.2',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    customTags: [],
    stringKeys: true,
    // Compared with the default `uniqueKeys`, which is quadratic, the walk finds duplicates by a set.
    uniqueKeys: false,
    intAsBigInt: true,
    prettyErrors: false,
  }).compose(tokensOf(lexemes), true, text.length);
  const document = first as Document.Parsed;
  if (second !== undefined) {
    const [start, end] = second.range;
    document.errors.push(new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'The text holds several documents'));
  }
  return document;
}

function tokensOf(lexemes: readonly string[]): CST.Token[] {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  // Nothing comes of most lexemes, so that the loop is left to the array only for what does.
  for (const lexeme of lexemes) for (const token of parser.next(lexeme)) tokens.push(token);
  tokens.push(...parser.end());
  return tokens;
}

/** Reading stops at syntax: findings in a tree that the parser guessed would mislead. */
function merged(syntax: Finding[], walked: Walked): Finding[] {
  if (syntax.length === 0) return walked.findings;
  const { spans } = walked;
  // Of a key that stands twice, the later one.
  const places = new Map(walked.paths.map((path, ix) => [path, ix * SPAN.length]));
  const located = syntax.map((finding) =>
    finding.code === 'yaml_syntax' ? finding : { ...finding, path: pathAt(places, spans, finding.offset) },
  );
  if (syntax.some(({ code }) => code === 'yaml_syntax' || code === 'yaml_key_type')) return located;
  const paths = new Set(located.map(({ path }) => path));
  return [...located, ...walked.findings.filter(({ path }) => !paths.has(path))];
}

/** The pointer of the innermost value around an offset. */
function pathAt(places: ReadonlyMap<string, number>, spans: readonly number[], offset: number): string {
  let path = '';
  let least = Number.POSITIVE_INFINITY;
  for (const [pointer, at] of places) {
    const from = Math.min(spans[at + SPAN.keyStart] as number, spans[at + SPAN.start] as number);
    const end = spans[at + SPAN.end] as number;
    if (from > offset || offset > end || end - from > least) continue;
    least = end - from;
    path = pointer;
  }
  return path;
}

function shapeFinding({ contents }: Document.Parsed): Finding | undefined {
  const offset = contents?.range[0] ?? 0;
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null && contents.source === '');
  if (isEmpty) return { code: 'yaml_empty', path: '', offset: 0, message: 'The document is empty.' };
  if (isMap(contents)) return undefined;
  const message = 'A blueprint is a map of fields (`id: …`), not a list or a single value.';
  return { code: 'blueprint_not_object', path: '', offset, message };
}

function refusal({ code, offset }: NonNullable<Prescan['refusal']>): Finding {
  const message = code === 'yaml_depth' ? 'The document is nested too deeply.' : 'The document has too many values.';
  return { code, path: '', offset, message, suggestion: 'split it into child blueprints' };
}

function problemsOf(text: string, findings: readonly Finding[]): Problem[] {
  const placeAt = placesIn(text);
  return sortedProblems(
    findings.map(({ offset, ...finding }) => ({ severity: 'error' as const, ...placeAt(offset), ...finding })),
  );
}
