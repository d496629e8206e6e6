import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { cpuMs } from '../../test/support/cpu-time.js';
import { readDocument } from './reader.js';
import type { Source } from './source.js';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function problems(input: string | Uint8Array): string[] {
  const result = readDocument(typeof input === 'string' ? bytesOf(input) : input);
  if ('source' in result) throw new Error(`read as ${JSON.stringify(result.source.value)}`);
  return result.problems.map(({ line, column, code, path }) => `${line}:${column} ${code} ${path}`.trimEnd());
}

function source(text: string): Source {
  const result = readDocument(bytesOf(text));
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.source;
}

function suggestion(text: string): string | undefined {
  const result = readDocument(bytesOf(text));
  return 'problems' in result ? result.problems[0]?.suggestion : undefined;
}

describe('what is refused, and where', () => {
  it.each<[string, string | Uint8Array, string[]]>([
    ['nothing', '', ['1:1 yaml_empty']],
    ['comments only', '# x\n\n---\n', ['1:1 yaml_empty']],
    ['a list', '- a\n- b', ['1:1 blueprint_not_object']],
    ['null', '\n~', ['2:1 blueprint_not_object']],
    ['a tab as indentation', 'a:\n\tb: 1', ['2:1 yaml_syntax']],
    ['an open list', 'a: [1, 2', ['1:9 yaml_syntax']],
    ['a colon in a text', 'cmd: echo a: b', ['1:6 yaml_syntax']],
    ['errors in two lines', 'a: @x\nb: `y`', ['1:4 yaml_syntax', '2:4 yaml_syntax']],
    ['two documents', 'a: 1\n---\nb: 2', ['2:1 yaml_multi_document']],
    ['%YAML', '%YAML 1.2\n---\na: 1', ['1:1 yaml_syntax']],
    ['%TAG', '# x\n%TAG ! tag:x,2000:\n---\na: 1', ['2:1 yaml_syntax']],
    ['a duplicate', 'x:\n  a: 1\n  b: 2\n  a: 3', ['4:3 yaml_duplicate_key /x/a']],
    ['duplicates in flow', '{"a": 1, "b/c": 2, "b/c": 3}', ['1:20 yaml_duplicate_key /b~1c']],
    ['a map as a key', '? {a: 1}\n: 2', ['1:3 yaml_key_type']],
    ['a template without quotes', 'a: 1\nhost: {{inputs.host}}', ['2:7 yaml_key_type /host']],
    ['a template that breaks the syntax', 'host: {{ a["b"] }}:80', ['1:7 yaml_key_type /host']],
    ['a template no parser takes', 'h: {{ a ? "x" : "y" }} b', ['1:4 yaml_key_type /h']],
    ['a template in flow', 'w: {h: {{a}}, p: 22}', ['1:8 yaml_key_type /w/h']],
    ['an expression as a tag', 'when: !inputs.a == 1', ['1:7 yaml_tag_forbidden /when']],
    ['an expression with `&&`', 'when: !(inputs.a) && b', ['1:7 yaml_tag_forbidden /when']],
    ['!!js/function', 'a: !!js/function x', ['1:4 yaml_tag_forbidden /a']],
    ['!!str', 'a:\n  - !!str x', ['2:5 yaml_tag_forbidden /a/0']],
    ['!!map', 'a: !!map {b: 1}', ['1:4 yaml_tag_forbidden /a']],
    ['an anchor and an alias', 'a: &x 1\nb: *x', ['1:4 yaml_alias_limit /a', '2:4 yaml_alias_limit /b']],
    ['a glob', 'files: *.log', ['1:8 yaml_alias_limit /files']],
    ['cron', 'cron: */5 * * * *', ['1:7 yaml_alias_limit /cron']],
    ['a cycle', 'a: &a [*a]', ['1:4 yaml_alias_limit /a', '1:8 yaml_cycle /a/0']],
    ['a merge', 'a: 1\n<<: {b: 1}', ['2:1 yaml_merge_forbidden /<<']],
    [
      'keys of prototypes',
      'a: {constructor: 2}\n"__proto__": 1',
      ['1:5 forbidden_key /a/constructor', '2:1 forbidden_key /__proto__'],
    ],
    [
      'numbers',
      'a: 12345678901234567890\nb: -.inf\nc: 1e400\nd: .nan',
      ['1:4 number_range /a', '2:4 number_range /b', '3:4 number_range /c', '4:4 number_range /d'],
    ],
    ['2^53', 'a: 9007199254740992', ['1:4 number_range /a']],
    ['NUL', 'a: 1\nb: \u0000', ['2:4 yaml_control_char']],
    ['an escape to NUL', 'a: "xy\\0z"', ['1:7 yaml_control_char /a']],
    ['an escape in a key', '"x\\e": 1', ['1:3 yaml_control_char /x\u001b']],
    ['half a character', 'a: "\\ud83d\\ude00\\ud800"', ['1:17 encoding_invalid /a']],
    ['half a character in bytes', new Uint8Array([97, 58, 32, 10, 98, 0xed, 0xa0, 0x80]), ['2:2 encoding_invalid']],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 97, 0]), ['1:1 encoding_invalid']],
    ['UTF-16 without a mark', new Uint8Array([97, 0, 58, 0]), ['1:2 yaml_control_char']],
    ['513 KiB', new Uint8Array(513 * 1024).fill(35), ['1:1 body_too_large']],
  ])('%s', (_, input, expected) => {
    expect(problems(input)).toEqual(expected);
  });

  it.each([
    ['host: {{inputs.host}} # x', 'host: "{{inputs.host}}" # x'],
    ['w: {h: {{a["b"]}}, p: 22}', `w: {h: '{{a["b"]}}', p: 22}`],
    ['- {{a}}', '- "{{a}}"'],
    ['when: !x', 'when: "!x"'],
    ['cron: */5 * * * *', 'cron: "*/5 * * * *"'],
    ['files: *.log', 'files: "*.log"'],
    ['cmd: echo a: b', 'cmd: "echo a: b"'],
    ['a: !!str x', 'remove the tag'],
    ['a: &x 1', 'write the value out'],
    ['a:\n\tb: 1', 'use spaces'],
    ['n: 12345678901234567890', 'as text: "12345678901234567890"'],
  ])('suggests for %j', (text, expected) => {
    expect(suggestion(text)).toBe(expected);
  });

  it('shows 50 problems at most', () => {
    expect(problems(Array.from({ length: 80 }, (_, at) => `k${at}: .inf`).join('\n'))).toHaveLength(50);
  });
});

describe('what is read', () => {
  it('keeps the types of YAML 1.2 core', () => {
    const text = 'a: yes\nb: 1_000\nc: 017\nd: 0o17\ne: NO\nf: 1.5\ng:\nh: -0\ni: 2024-01-01\n1: x\ntrue: y\n';
    expect({ ...(source(text).value as object) }).toEqual({
      ...{ a: 'yes', b: '1_000', c: 17, d: 15, e: 'NO', f: 1.5, g: null, h: 0, i: '2024-01-01', 1: 'x', true: 'y' },
    });
  });

  it('gives maps without prototypes', () => {
    const value = source('a: {b: [{c: 1}]}').value as { a: { b: [object] } };
    for (const map of [value, value.a, value.a.b[0]]) expect(Object.getPrototypeOf(map)).toBeNull();
  });

  it('reads any JSON, also indented by tabs', () => {
    const key = fc.string().filter((text) => !['__proto__', 'constructor', 'prototype'].includes(text));
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('tree')), fc.dictionary(key, tie('tree'))),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree), fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        if (/[\u007f-\u009f]/.test(text)) return;
        expect(JSON.parse(JSON.stringify(source(text).value))).toEqual(JSON.parse(text));
      }),
      { numRuns: 200 },
    );
  });

  it('takes a byte order mark, a `---` and a `...`', () => {
    expect(source('\uFEFF---\na: 1\n...\n').placeOf('/a')).toEqual({ line: 2, column: 4 });
  });
});

describe('places', () => {
  it('of keys, values, list items and missing fields', () => {
    const read = source('a:\n  - b: x\n    c~/d: y\n  - {e: 1}\n');
    const at = (pointer: string, what?: 'key' | 'value') => Object.values(read.placeOf(pointer, what)).join(':');
    expect([at(''), at('/a'), at('/a', 'key'), at('/a/0'), at('/a/0/c~0~1d'), at('/a/0/c~0~1d', 'key')]).toEqual(
      ['1:1', '2:3', '1:1', '2:5', '3:11', '3:5'], // prettier-ignore
    );
    expect([at('/a/0/none'), at('/a/1'), at('/a/1/none'), at('/none/deeper')]).toEqual(['2:5', '4:5', '4:6', '1:1']);
  });

  it('of keys that are numbers, which a map gives in an order of its own', () => {
    const text = 'b: {2: [A], a: {c: B}, 1: {z: C, 0: [D, {e: E}]}}\n10: {x: F}\n9: G\n';
    const read = source(text);
    const pointers = ['/b/2/0', '/b/a/c', '/b/1/z', '/b/1/0/0', '/b/1/0/1/e', '/10/x', '/9'];
    const lines = text.split('\n');
    const found = pointers.map((pointer) => {
      const { line, column } = read.placeOf(pointer);
      return lines[line - 1]![column - 1];
    });
    expect(found.join('')).toBe('ABCDEFG');
    expect(read.placeOf('/b/1/none')).toEqual({ line: 1, column: 28 });
  });

  it.each([
    ['plain', 'a: one @ two', '@'],
    ['plain over lines', 'a: one\n  two\n\n  three @', '@'],
    ['single quotes', "a: 'it''s ''so'' @'", '@'],
    ['double quotes', 'a: "\\"\\x41\\u00e9\\U0001F600\\n\\t @"', '@'],
    ['double quotes over lines', 'a: "one \\\n     two\n   three\n\n   @"', '@'],
    ['literal block', 'a: |\n  one\n\n    two\n  three @\n', '@'],
    ['folded block', 'a: >-\n  one\n  two\n\n  three\n    more\n\n  four @\n', '@'],
    ['CRLF', 'a: |\r\n  one\r\n  @\r\n', '@'],
  ])('point into the content: %s', (_, text, mark) => {
    const read = source(text);
    const offset = (read.value as { a: string }).a.indexOf(mark);
    const before = text.slice(0, text.indexOf(mark)).split('\n');
    expect(read.placeOf('/a', 'value', offset)).toEqual({ line: before.length, column: before.at(-1)!.length + 1 });
  });

  it('point at every character, however the text is written', () => {
    const piece = fc.constantFrom('a', 'b', 'z', '0', '#', ':', '{', '}', ' ', 'é', '"', "'", '\\', '😀', '\n');
    const word = fc.array(piece, { maxLength: 30 }).map((pieces) => `k${pieces.join('')}`);
    const style = fc.constantFrom('PLAIN', 'QUOTE_SINGLE', 'QUOTE_DOUBLE', 'BLOCK_LITERAL');
    fc.assert(
      fc.property(word, style, fc.constantFrom(20, 80), (written, defaultStringType, lineWidth) => {
        const read = source(stringify({ a: { b: written } }, { defaultStringType, lineWidth }));
        if (/^[^\n]*b: [|>][^\n]*\d/.test(read.text.split('\n')[1]!) || read.text.includes('b: >')) return;
        const content = (read.value as { a: { b: string } }).a.b;
        const lines = read.text.split('\n');
        for (const [offset, char] of Array.from(content, (char) => [content.indexOf(char), char] as const)) {
          if (!/[a-z0-9#:{}]/.test(char)) continue;
          const { line, column } = read.placeOf('/a/b', 'value', offset);
          expect(lines[line - 1]![column - 1]).toBe(char);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('hostile documents', () => {
  it.each([600, 1200, 3000])('%i nested lists, ten times in a row', (depth) => {
    for (let round = 0; round < 10; round += 1) expect(problems('['.repeat(depth))).toEqual(['1:65 yaml_depth']);
  });

  it.each([
    ['- '.repeat(3000), '1:129'],
    ['a: '.repeat(3000), '1:193'],
    ['? '.repeat(3000), '1:129'],
    [Array.from({ length: 700 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'), '65:65'],
  ])('block nesting %#', (text, place) => {
    expect(problems(text)).toEqual([`${place} yaml_depth`]);
  });

  it('takes 64 levels, and not 65', () => {
    const nested = (depth: number) => `a: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`;
    expect(source(nested(64)).value).toBeDefined();
    expect(problems(nested(65))[0]).toMatch(/^1:67 yaml_depth/);
    const block = (depth: number) => Array.from({ length: depth }, (_, at) => `${' '.repeat(at)}a:`).join('\n');
    expect(source(`${block(64)}\n${' '.repeat(64)}one\n${' '.repeat(66)}[[two`).value).toBeDefined();
    expect(problems(block(65))[0]).toMatch(/^65:65 yaml_depth/);
  });

  it('counts nothing in comments, quotes, block scalars and continued lines', () => {
    const open = '['.repeat(100);
    const text = `# ${open}\na: "${open}" # it's ${open}\nb: |\n  ${open}\nc: it's ${open}\nd: x\n  "y ${open}\ne: 1\n`;
    expect(Object.keys(source(text).value as object)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('20 001 keys within 150 ms of an idle machine', () => {
    const keys = Array.from({ length: 20_001 }, (_, at) => `k${at}: 1`);
    for (const text of [keys.join('\n'), `{${keys.join(', ')}}`]) {
      const times = Array.from({ length: 5 }, () =>
        cpuMs(() => expect(problems(text)[0]).toMatch(/yaml_too_many_nodes$/)),
      );
      // On a shared machine the same work takes a multiple of the processor.
      expect(Math.min(...times)).toBeLessThanOrEqual(4 * 150);
    }
  });

  it('takes 20 000 nodes, and not one more', () => {
    // The root, the key and the list are three.
    const items = (count: number) => `a: [${'x,'.repeat(count)}]`;
    expect(source(items(19_997)).value).toBeDefined();
    expect(problems(items(19_998))).toEqual([expect.stringMatching(/ yaml_too_many_nodes /)]);
  });

  it('an alias bomb', () => {
    const names = 'abcdefghi';
    const lines = Array.from(
      names,
      (name, at) =>
        `${name}: &${name} [${Array(9)
          .fill(at === 0 ? 'x' : `*${names[at - 1]!}`)
          .join(',')}]`,
    );
    expect(problems(lines.join('\n'))[0]).toBe('1:4 yaml_alias_limit');
  });

  it.each(['!a ', '&a ', '* ', ', ', '] ', '"" ', ': '])('100 000 of %j', (token) => {
    expect(problems(`a: ${token.repeat(100_000)}`).length).toBeGreaterThan(0);
  });

  it('random bytes and random YAML never throw', () => {
    const piece = fc.constantFrom(
      ...'[]{}:,-?#&*!|>\'"%@`\n\t ab1~<'.split(''),
      '\n  ',
      ': ',
      '- ',
      '---\n',
      '{{',
      '}}',
      '\\u',
    );
    const yaml = fc.array(piece, { maxLength: 60 }).map((pieces) => bytesOf(pieces.join('')));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), yaml), (bytes) => {
        const result = readDocument(bytes);
        expect('source' in result || result.problems.length > 0).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });
});
