import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { isForbiddenKey } from '../domain/expression/value.js';
import type { Json } from '../domain/json.js';
import { MAX_DEPTH, MAX_NODES, type Mark } from './prescan.js';
import { quotedLine, type Finding } from './reader-finding.js';
import { badCharacter } from './reader-text.js';
import { offsetOfContent } from './source-content.js';
import { pointerToken, SPAN } from './source.js';

/** What the walk over a parsed document gives. Value and spans are complete only if there are no findings. */
export interface Walked {
  value: Json;
  /** As in `ReadDocument`. */
  spans: readonly number[];
  /** JSON pointers of the nodes, in the order of the spans. */
  paths: readonly string[];
  findings: Finding[];
}

/** Findings after which the walk ends: as many are shown, and hostile documents have thousands. */
const MAX_FINDINGS = 50;
/** What `!!` stands for. */
const CORE_TAGS = 'tag:yaml.org,2002:';
const SPLIT = 'split it into child blueprints';

const STARTS_AS_NUMBER = /^\d/;

/** Thrown inside the walk when there is no use in going on. */
class WalkEnded extends Error {}

/** Builds the plain value of a document, with the place of every part, and finds what the parser lets pass. */
export function walkDocument(root: Node, text: string, marks: readonly Mark[]): Walked {
  const walk = new Walk(text, marks);
  let value: Json = null;
  try {
    value = walk.value(root, '', undefined, 1);
  } catch (error) {
    if (!(error instanceof WalkEnded)) throw error;
  }
  return { value, spans: walk.spans, paths: walk.paths, findings: walk.findings };
}

class Walk {
  readonly spans: number[] = [];
  readonly paths: string[] = [];
  readonly findings: Finding[] = [];
  private readonly text: string;
  private readonly marks: readonly Mark[];
  private nodes = 0;
  /** Anchors of the nodes around the present one: an alias to one of them is a cycle. */
  private readonly around: string[] = [];

  constructor(text: string, marks: readonly Mark[]) {
    this.text = text;
    this.marks = marks;
  }

  /** The plain value of a node; `key` is the range of its key; `depth` counts it if it is a map or a list. */
  value(node: Node | null, path: string, key: readonly [number, number] | undefined, depth: number): Json {
    const range = node?.range;
    const start = range?.[0] ?? key?.[1] ?? 0;
    const end = range?.[1] ?? start;
    this.spans.push(key?.[0] ?? start, key?.[1] ?? end, start, end, firstKey(node) ?? start, 1);
    this.paths.push(path);
    this.count(path, start);
    if (node === null) return null;
    if (isAlias(node)) return this.alias(node, path, start);
    this.properties(node, path, start);
    return isScalar(node) ? this.scalar(node, path, start, end) : this.holder(node, path, start, depth);
  }

  private holder(node: Exclude<Node, Alias | Scalar>, path: string, start: number, depth: number): Json {
    if (depth > MAX_DEPTH) {
      this.add('yaml_depth', path, start, `Maps and lists are nested more than ${MAX_DEPTH} levels deep.`, SPLIT);
      throw new WalkEnded();
    }
    const at = this.paths.length - 1;
    if (node.anchor !== undefined) this.around.push(node.anchor);
    const value = this.members(node, path, depth);
    if (node.anchor !== undefined) this.around.pop();
    this.spans[at * SPAN.length + SPAN.nodes] = this.paths.length - at;
    return value;
  }

  private members(node: Node, path: string, depth: number): Json {
    if (isMap(node)) return this.map(node, path, depth);
    if (!isSeq(node)) return null;
    return node.items.map((item, index) => this.value(item as Node | null, `${path}/${index}`, undefined, depth + 1));
  }

  private map(node: YAMLMap, path: string, depth: number): Json {
    const map: Record<string, Json> = {};
    const starts = new Map<string, number>();
    let isNumbered = false;
    for (const pair of node.items as Pair<Node | null, Node | null>[]) {
      const { key } = pair;
      // Other keys are errors of the parser already.
      if (!isScalar(key) || typeof key.value !== 'string') continue;
      const name = key.value;
      const [start, end] = key.range ?? [0, 0];
      const memberPath = `${path}/${pointerToken(name)}`;
      const isRepeated = starts.has(name);
      this.key(key, name, memberPath, isRepeated);
      if (!isRepeated) starts.set(name, this.paths.length);
      const value = this.value(pair.value, memberPath, [start, end], depth + 1);
      if (!isRepeated && !isForbiddenKey(name)) map[name] = value;
      isNumbered ||= STARTS_AS_NUMBER.test(name);
    }
    // Where something is wrong, the value is not used.
    if (isNumbered && this.findings.length === 0) this.reorder(Object.keys(map), starts);
    // Made without one from the start, a map would be slow for all who read it.
    return Object.setPrototypeOf(map, null) as typeof map;
  }

  /** Keys that are numbers come first in a map, wherever they are written, and so must their spans. */
  private reorder(keys: readonly string[], starts: ReadonlyMap<string, number>): void {
    const [from = 0] = starts.values();
    const spans = this.spans.splice(from * SPAN.length);
    const paths = this.paths.splice(from);
    for (const key of keys) {
      const at = (starts.get(key) as number) - from;
      const nodes = spans[at * SPAN.length + SPAN.nodes] as number;
      for (const number of spans.slice(at * SPAN.length, (at + nodes) * SPAN.length)) this.spans.push(number);
      for (const path of paths.slice(at, at + nodes)) this.paths.push(path);
    }
  }

  private key(node: Scalar, name: string, path: string, isRepeated: boolean): void {
    const [start, end] = node.range ?? [0, 0];
    this.count(path, start);
    this.properties(node, path, start);
    this.characters(node, name, path, start, end);
    if (isRepeated) this.add('yaml_duplicate_key', path, start, `The key \`${name}\` stands twice in one map.`);
    if (name === '<<' && node.type === 'PLAIN') {
      this.add('yaml_merge_forbidden', path, start, 'Merge keys are not taken.', 'write the fields out');
    }
    if (isForbiddenKey(name)) this.add('forbidden_key', path, start, `The key \`${name}\` is not taken.`);
  }

  private scalar(node: Scalar, path: string, start: number, end: number): Json {
    const value = node.value;
    if (typeof value === 'string') this.characters(node, value, path, start, end);
    else if (typeof value === 'bigint' || typeof value === 'number') {
      const number = Number(value);
      const isKept = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(number);
      if (isKept) return number;
      const written = this.text.slice(start, end);
      const message = `The number ${written.slice(0, 40)} cannot be kept exactly.`;
      this.add('number_range', path, start, message, `as text: "${written}"`);
    }
    return value as Json;
  }

  /** Bad characters that are written out were found in the text: only an escape can make another. */
  private characters({ type }: Scalar, content: string, path: string, start: number, end: number): void {
    const bad = type === 'QUOTE_DOUBLE' ? badCharacter(content) : undefined;
    if (bad === undefined) return;
    this.add(bad.code, path, offsetOfContent(this.text, start, end, bad.offset), bad.message);
  }

  private alias(node: Alias, path: string, start: number): Json {
    if (this.around.includes(node.source)) {
      this.add('yaml_cycle', path, start, `The alias \`*${node.source}\` stands inside what it refers to.`);
    } else {
      const isDefined = this.marks.some(({ kind, source }) => kind === 'anchor' && source === `&${node.source}`);
      const suggestion = isDefined ? 'write the value out' : quotedLine(this.text, start);
      this.add('yaml_alias_limit', path, start, 'Text that begins with `*` is a YAML alias: not taken.', suggestion);
    }
    return null;
  }

  /** Anchors and tags that the parser takes without a warning. */
  private properties(node: Exclude<Node, Alias>, path: string, start: number): void {
    if (node.anchor !== undefined) {
      const message = `The anchor \`&${node.anchor}\` is not taken.`;
      this.add('yaml_alias_limit', path, this.markBefore('anchor', start), message, 'write the value out');
    }
    if (node.tag !== undefined) {
      const offset = this.markBefore('tag', start);
      const suggestion = node.tag.startsWith(CORE_TAGS) ? 'remove the tag' : quotedLine(this.text, offset);
      this.add('yaml_tag_forbidden', path, offset, 'YAML tags are not taken.', suggestion);
    }
  }

  private markBefore(kind: Mark['kind'], offset: number): number {
    return this.marks.findLast((mark) => mark.kind === kind && mark.offset <= offset)?.offset ?? offset;
  }

  private count(path: string, offset: number): void {
    this.nodes += 1;
    if (this.nodes <= MAX_NODES) return;
    this.add('yaml_too_many_nodes', path, offset, `The document has more than ${MAX_NODES} keys and values.`, SPLIT);
    throw new WalkEnded();
  }

  private add(code: string, path: string, offset: number, message: string, suggestion?: string): void {
    this.findings.push({ code, path, offset, message, ...(suggestion === undefined ? {} : { suggestion }) });
    if (this.findings.length >= MAX_FINDINGS) throw new WalkEnded();
  }
}

function firstKey(node: Node | null): number | undefined {
  if (!isMap(node)) return undefined;
  return (node.items[0]?.key as Node | null | undefined)?.range?.[0];
}
