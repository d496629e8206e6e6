import { document as doc, type BadInput } from './case.js';

/*
 * Groups B-Y (YAML) and B-T (templates) of the catalogue of bad input. Where the catalogue names another code than the
 * language (language §10), the language wins:
 *   Y10: the anchor stands in front of the cycle, so `yaml_alias_limit` comes first and `yaml_cycle` is in the list.
 *   Y13: larger than any document, so its depth is never looked at.
 *   Y19: numbers that cannot be kept are `number_range`; a text that YAML 1.1 took for a truth value is a text.
 *   Y22b: an id has the characters, but too many of them: `limit_range`. Y25c: `with` is judged by the action's schema.
 *   Y28b: no duration has a sign: `duration_invalid`. Y29b, Y29c: bounds of `attempts`: `limit_range`.
 *   T07, T10, T12, T13: see `accepted.test.ts`. T14: `packs/core/actions/http-call.test.ts`.
 */

const HEAD = 'api: xyn/v1\nid: bp.bad\ntriggers:\n  - manual: {}\n';
const READ = "  - kind: action_task\n    id: look\n    action: http.call\n    with: {url: 'http://service.example/'}\n";
/** A document with one action, to which a row adds what is wrong. */
const withStep = (more: string): string => `${HEAD}plan:\n${READ}${more}`;
const withUrl = (template: string): string =>
  `${HEAD}inputs: {x: {type: string}}\nplan:\n  - kind: action_task\n    id: look\n    action: http.call\n    with: {url: 'http://service.example/', query: {q: ${JSON.stringify(template)}}}\n`;
const steps = (count: number): string =>
  Array.from(
    { length: count },
    (_, ix) => `  - {kind: action_task, id: s${ix}, action: http.call, with: {url: 'http://service.example/'}}\n`,
  ).join('');
const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

const bomb = (): string => {
  const levels = Array.from(
    { length: 9 },
    (_, ix) => `l${ix}: &l${ix} [${'*l'.concat(String(ix - 1), ', ').repeat(9)}]`,
  );
  return ['l: &l-1 [x]', ...levels].join('\n');
};

export const YAML_CASES: readonly BadInput[] = [
  doc('Y01', 'an empty body', '', [400, 'yaml_empty']),
  doc('Y01b', 'nothing but comments', '# nothing\n', [400, 'yaml_empty']),
  doc('Y02', 'a tab as indent', 'id: bp.bad\nplan:\n\t- a\n', [400, 'yaml_syntax']),
  doc('Y03', 'a key twice', `${HEAD}id: bp.other\nplan: []\n`, [400, 'yaml_duplicate_key']),
  doc('Y04', 'two documents', `${withStep('')}---\nid: bp.other\n`, [400, 'yaml_multi_document']),
  doc('Y05', 'a list', '- a\n- b\n', [422, 'blueprint_not_object']),
  doc('Y05b', 'a scalar', 'hello\n', [422, 'blueprint_not_object']),
  doc('Y06', 'NUL', bytes('id: bp.', [0], 'x\n'), [400, 'yaml_control_char']),
  doc('Y06b', 'an escape to a control character', 'id: "bp.\\u0007"\n', [400, 'yaml_control_char']),
  doc('Y07', 'bytes that are not UTF-8', bytes('id: ', [0xff, 0xfe], '\n'), [400, 'encoding_invalid']),
  doc('Y07b', 'UTF-16 with its mark', bytes([0xff, 0xfe], Buffer.from('id: bp.x', 'utf16le').toJSON().data), [
    400,
    'encoding_invalid',
  ]),
  doc('Y08', 'a tag of JavaScript', 'id: !!js/function "function () {}"\n', [400, 'yaml_tag_forbidden']),
  doc('Y08b', 'a tag of our own', 'id: !x y\n', [400, 'yaml_tag_forbidden']),
  doc('Y08c', 'a tag of the core schema', 'id: !!str bp.bad\n', [400, 'yaml_tag_forbidden']),
  doc('Y09', 'aliases that multiply', bomb(), [400, 'yaml_alias_limit'], { withinMs: 20_000 }),
  doc('Y10', 'an anchor that holds itself', 'id: &a [*a]\n', [400, 'yaml_alias_limit'], { rule: 'yaml_cycle' }),
  doc('Y11', '65 levels', `id: ${'['.repeat(64)}x${']'.repeat(64)}\n`, [400, 'yaml_depth']),
  ...[600, 1_200, 3_000].map((levels, ix) =>
    doc(
      `Y12${'abc'[ix] ?? ''}`,
      `${levels} open brackets, ten times`,
      `id: ${'['.repeat(levels)}\n`,
      [400, 'yaml_depth'],
      {
        times: 10,
      },
    ),
  ),
  doc(
    'Y13',
    '3,000 levels of indentation',
    Array.from({ length: 3_000 }, (_, ix) => `${' '.repeat(ix)}a:\n`).join(''),
    [413, 'body_too_large'],
  ),
  doc(
    'Y14',
    '20,001 keys',
    Array.from({ length: 20_001 }, (_, ix) => `k${ix}: 1\n`).join(''),
    [400, 'yaml_too_many_nodes'],
    { withinMs: 20_000 },
  ),
  doc('Y15', 'a merge key', 'a: {x: 1}\nid: bp.bad\n<<: {y: 2}\n', [400, 'yaml_merge_forbidden']),
  doc('Y16', '__proto__ as a key', `${withStep('')}__proto__: {x: 1}\n`, [400, 'forbidden_key']),
  doc('Y16b', 'constructor as a key', `${withStep('')}constructor: x\n`, [400, 'forbidden_key']),
  doc('Y17', 'a map as a key', '? {a: 1}\n: x\n', [400, 'yaml_key_type']),
  doc('Y18', '513 KiB', `${withStep('')}#${'x'.repeat(513 * 1_024)}\n`, [413, 'body_too_large']),
  doc('Y19a', 'NO for a truth value', withStep('    continue_on_error: NO\n'), [422, 'field_unknown']),
  doc('Y19b', 'a text for a whole number', `${withStep('')}limits: {steps: 0777x}\n`, [422, 'type_mismatch']),
  doc('Y19c', '1e400', `${withStep('')}limits: {steps: 1e400}\n`, [422, 'number_range']),
  doc('Y19d', '.nan', `${withStep('')}limits: {steps: .nan}\n`, [422, 'number_range']),
  doc('Y19e', 'a number of 20 digits', `${withStep('')}limits: {steps: 12345678901234567890}\n`, [422, 'number_range']),
  doc('Y19f', 'on for a text', `${withStep('')}name: on\nlimits: {steps: on}\n`, [422, 'type_mismatch']),
  doc('Y20a', 'no id', 'trigger: {event_type: a.b}\nplan: [{kind: gate, id: g, mode: manual}]\n', [
    422,
    'field_required',
  ]),
  doc('Y20b', 'no trigger', 'id: bp.bad\nplan: [{kind: gate, id: g, mode: manual}]\n', [422, 'field_required']),
  doc('Y20c', 'no plan', 'id: bp.bad\ntrigger: {event_type: a.b}\n', [422, 'field_required']),
  doc('Y21', 'a step id twice', withStep(READ), [422, 'step_id_duplicate']),
  doc('Y22a', 'a path as an id', withStep('').replace('id: bp.bad', 'id: ../x'), [422, 'id_format']),
  doc('Y22b', 'an id of 300 characters', withStep('').replace('id: bp.bad', `id: ${'x'.repeat(300)}`), [
    422,
    'limit_range',
  ]),
  doc('Y22c', 'an id with a combining mark', withStep('').replace('id: bp.bad', 'id: bp.e\u0301'), [422, 'id_format']),
  doc('Y22d', 'an id with a character of no width', withStep('').replace('id: look', 'id: lo\u200bok'), [
    422,
    'id_format',
  ]),
  doc('Y22e', 'an id that turns the text around', withStep('').replace('id: look', 'id: lo\u202eok'), [
    422,
    'id_format',
  ]),
  doc('Y23', 'a kind that does not exist', `${HEAD}plan: [{kind: action, id: a}]\n`, [422, 'step_kind_unknown']),
  doc(
    'Y24',
    'an action that does not exist',
    `${HEAD}plan: [{kind: action_task, id: a, action: ssh.exec, with: {}}]\n`,
    [422, 'action_unknown'],
  ),
  doc('Y25a', 'an unknown field on top', `${withStep('')}planx: []\n`, [422, 'field_unknown']),
  doc('Y25b', 'an unknown field of a step', withStep('    promt: x\n'), [422, 'field_unknown']),
  doc('Y25c', 'an unknown field of an action', withStep('').replace('{url:', '{prot: 1, url:'), [
    422,
    'action_input_invalid',
  ]),
  doc(
    'Y26a',
    'a reference to a step below',
    `${withUrl('{{steps.after.outputs.status}}')}${READ.replace('look', 'after')}`,
    [422, 'reference_order'],
  ),
  doc('Y26b', 'a reference to the step itself', withUrl('{{steps.look.outputs.status}}'), [422, 'reference_cycle']),
  doc('Y27', '501 steps', `${HEAD}plan:\n${steps(501)}`, [422, 'limit_steps']),
  doc('Y28a', 'a timeout of 0 s', withStep('    timeout: 0s\n'), [422, 'duration_range']),
  doc('Y28b', 'a timeout below zero', withStep('    timeout: -1s\n'), [422, 'duration_invalid']),
  doc('Y28c', 'PT0S', withStep('    timeout: PT0S\n'), [422, 'duration_range']),
  doc('Y28d', 'ten years', withStep('    timeout: 3650d\n'), [422, 'duration_range']),
  doc(
    'Y29a',
    'retries of what may have happened',
    withStep('').replace(
      "with: {url: 'http://service.example/'}",
      "with: {url: 'http://service.example/', method: POST}\n    retry: {attempts: 3}",
    ),
    [422, 'retry_forbidden'],
  ),
  doc('Y29b', 'no attempt', withStep('    retry: {attempts: 0}\n'), [422, 'limit_range']),
  doc('Y29c', 'a thousand million attempts', withStep('    retry: {attempts: 1000000000}\n'), [422, 'limit_range']),
  doc(
    'Y32',
    'a template in a script',
    `${HEAD}inputs: {x: {type: string}}\nplan: [{kind: action_task, id: a, action: ssh.run, with: {host: web, cmd: 'rm {{inputs.x}}'}}]\n`,
    [422, 'template_in_script'],
  ),
];

export const TEMPLATE_CASES: readonly BadInput[] = [
  doc('T01', 'a template that does not end', withUrl('{{ inputs.x'), [422, 'template_unclosed']),
  doc('T02', 'a name that does not exist', withUrl('{{ inputs.y }}'), [422, 'template_unresolved']),
  doc('T02b', 'a whole variable that does not exist', withUrl('{{ host }}'), [422, 'template_unresolved']),
  doc('T03', 'the way out of a sandbox', withUrl("{{constructor.constructor('return process')()}}"), [
    422,
    'template_syntax',
  ]),
  doc('T04a', '__proto__ by a dot', withUrl('{{inputs.__proto__.x}}'), [422, 'template_forbidden_key']),
  doc('T04b', 'constructor by an index', withUrl("{{inputs['constructor']}}"), [422, 'template_forbidden_key']),
  doc('T05', 'a template literal', withUrl('{{`${inputs.x}`}}'), [422, 'template_syntax']),
  doc('T06', 'a filter', withUrl('{{inputs.x | upper}}'), [422, 'filter_unknown']),
  doc('T06b', 'a function that does not exist', withUrl('{{lower(inputs.x)}}'), [422, 'function_unknown']),
  doc(
    'T08',
    'a secret where it would be read',
    `${HEAD}plan: [{kind: transform, id: t, set: {x: {secret: db/main}}}]\n`,
    [422, 'secret_context_forbidden'],
  ),
  doc('T11', '10,000 templates', withUrl('{{inputs.x}}'.repeat(10_000)), [422, 'limit_tags']),
  doc('T15', 'a regular expression', withUrl("{{inputs.x.matches('(a+)+$')}}"), [422, 'regex_unsafe']),
];
