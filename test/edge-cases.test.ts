// The edge cases of the language, by the numbers of its specification (§12): the outcome that stands there is the only right
// one. Most are documents with a scenario each, run in any order of events, with everything twice and handed over; the others
// name the test that shows them, or what of the language comes later.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileBlueprint } from '../src/language/index.js';
import { mismatchLines, type ScenarioFileReport } from '../src/scenarios/report.js';
import { runScenarioFiles } from '../src/scenarios/scenario-files.js';
import { compileContext } from './support/compile-context.js';

const CONTRACTS = `t.do: {effect: write, idempotency: keyed, input: {x: "any?"}, output: {v: "any?"}, errors: {http_status: true, broken: false}}
t.once: {effect: write, idempotency: none, input: {x: "any?"}, output: {v: "any?"}}
`;

interface EdgeCase {
  what: string;
  /** The document from its inputs on. */
  body: string;
  scenario: string;
}

const act = (id: string, more = ''): string =>
  `{kind: action_task, id: ${id}, action: t.do${more === '' ? '' : `, ${more}`}}`;
const OPEN = 'inputs: {o: {type: any, default: {}}}\n';
const FAILS = 'fails: {code: broken}';

const CASES: Record<string, EdgeCase> = {
  '1': {
    what: '`when` that reads what is missing fails its step, and a handler may catch it',
    body: `${OPEN}plan: [${act('a', 'when: inputs.o.gone == 1, on_error: [{codes: [expression_error], outputs: {caught: true}}]')}]
outputs: {caught: "{{steps.a.outputs.caught}}"}`,
    scenario: 'expect: {status: completed, outputs: {caught: true}}',
  },
  '2': {
    what: '`when: null` is no bool',
    body: `inputs: {n: "any?"}\nplan: [${act('a', 'when: inputs.n')}]`,
    scenario:
      'expect: {status: failed, error: {code: expression_error, detail: not_bool, step: a}, calls: {a: {times: 0}}}',
  },
  '3': {
    what: 'all steps skipped complete the run',
    body: `${OPEN}plan: [${act('a', 'when: inputs.o == 1')}]`,
    scenario: 'expect: {status: completed, skipped: {a: when}}',
  },
  '3, outputs': {
    what: 'an output that reads a skipped step is a failure of the root',
    body: `${OPEN}plan: [${act('a', 'when: inputs.o == 1')}]\noutputs: {v: "{{steps.a.outputs.v}}"}`,
    scenario: 'expect: {status: failed, error: {code: expression_error, detail: missing_key}}',
  },
  '4': {
    what: 'a skipped step has no outputs',
    body: `${OPEN}plan: [${act('a', 'when: inputs.o == 1')}, ${act('b', 'with: {x: "{{steps.a.outputs.v}}"}')}]`,
    scenario: 'expect: {status: failed, error: {code: expression_error, detail: missing_key, step: b}}',
  },
  '4, optional': {
    what: 'a `.?` chain gives the default',
    body: `${OPEN}plan: [${act('a', 'when: inputs.o == 1')}]\noutputs: {v: "{{steps.a.?outputs.?v.orValue(7)}}"}`,
    scenario: 'expect: {status: completed, outputs: {v: 7}}',
  },
  '5': {
    what: 'a handled failure stays one, its error can be read, the run goes on',
    body: `plan: [${act('a', 'on_error: continue')}, ${act('b')}]
outputs: {s: "{{steps.a.status}}", h: "{{steps.a.handled}}", c: "{{steps.a.error.code}}"}`,
    scenario: `mocks: {a: {${FAILS}}, b: {returns: {}}}
expect: {status: completed, outputs: {s: failed, h: true, c: broken}, path: [a, b]}`,
  },
  '6': {
    what: 'a handler that fails gives its own error, the old one as cause; the outer handler sees the new code',
    body: `plan:
  - kind: block
    id: k
    do: [${act('a', `on_error: [{do: [${act('h')}]}]`)}]
    on_error: [{codes: [http_status], outputs: {code: "{{error.code}}", cause: "{{error.cause.code}}"}}]
outputs: {seen: "{{steps.k.outputs}}"}`,
    scenario: `mocks: {a: {${FAILS}}, h: {fails: {code: http_status, retryable: false}}}
expect: {status: completed, outputs: {seen: {code: http_status, cause: broken}}}`,
  },
  '7': {
    what: '`then: fail` keeps the original error',
    body: `plan: [${act('a', `on_error: [{do: [${act('h')}], then: fail}]`)}]`,
    scenario: `mocks: {a: {${FAILS}}, h: {returns: {}}}\nexpect: {status: failed, error: {code: broken, step: a}, path: [h, a]}`,
  },
  '8': {
    what: 'a cancel is caught by no handler',
    body: `plan: [${act('a', `on_error: [{do: [${act('h')}]}]`)}]`,
    scenario: `mocks: {a: {returns: {}, takes: 1h}}\ncancel: {at: 1m}\nexpect: {status: cancelled, calls: {h: {times: 0}}}`,
  },
  '9': {
    what: 'a cancel that comes with the last result, before it, cancels',
    body: `plan: [${act('a')}]`,
    scenario: 'mocks: {a: {returns: {}, takes: 1m, on_cancel: finish}}\ncancel: {at: 1m}\nexpect: {status: cancelled}',
  },
  '9, after': {
    what: 'a result that comes before the cancel completes',
    body: `plan: [${act('a')}]`,
    scenario: 'mocks: {a: {returns: {}, takes: 59s}}\ncancel: {at: 1m}\nexpect: {status: completed}',
  },
  '10': {
    what: 'a cancel closes an open gate',
    body: `plan: [{kind: gate, id: g, mode: manual}, ${act('a')}]`,
    scenario: 'cancel: {at: 1h}\nexpect: {status: cancelled, path: [g], skipped: {a: cancelled}}',
  },
  '11': {
    what: 'a cancel during `finally` changes nothing',
    body: `plan: [${act('a')}]\nfinally: [${act('z')}]`,
    scenario:
      'mocks: {a: {returns: {}}, z: {returns: {}, takes: 1m}}\ncancel: {at: 30s}\nexpect: {status: completed, path: [a, z]}',
  },
  '12': {
    what: 'a failure in `finally` after success is one of its own',
    body: `plan: [${act('a')}]\nfinally: [${act('z')}]`,
    scenario: `mocks: {a: {returns: {}}, z: {${FAILS}}}\nexpect: {status: failed, error: {code: finally_failed, cause: {code: broken}}}`,
  },
  '13': {
    what: 'a failure in `finally` after a failure is added to it',
    body: `plan: [${act('a')}]\nfinally: [${act('z')}]`,
    scenario: `mocks: {a: {${FAILS}}, z: {fails: {code: http_status, retryable: false, message: no}}}
expect: {status: failed, error: {code: broken, suppressed: [{code: http_status, message: no, path: ~finally.z}]}}`,
  },
  '17': {
    what: 'an action that succeeded and whose `outputs` fail has failed',
    body: `plan: [${act('a', 'outputs: {v: "{{result.v.gone}}"}')}]`,
    scenario:
      'mocks: {a: {returns: {v: {}}}}\nexpect: {status: failed, error: {code: expression_error, step: a}, calls: {a: {times: 1}}}',
  },
  '18': {
    what: 'a time-out of what may not be repeated asks people, and calls nothing again',
    body: 'plan: [{kind: action_task, id: a, action: t.once, timeout: 1m}]',
    scenario: `mocks: {a: {returns: {}, takes: 2m}}\ngates: {a~recover: {decide: fail, after: 5m}}
expect: {status: failed, error: {code: outcome_unknown}, calls: {a: {times: 1}}}`,
  },
  '21': {
    what: '`Retry-After` beyond the deadline ends the step now',
    body: `plan: [${act('a', 'retry: {deadline: 10m}')}]`,
    scenario: `mocks: {a: {fails: {code: http_status, retryable: true, retry_after: 1h}}}
expect: {status: failed, error: {code: http_status}, calls: {a: {times: 1}}, elapsed: {max: 1s}}`,
  },
  '21, no deadline': {
    what: '`Retry-After` is waited for, above `backoff.max` too',
    body: `plan: [${act('a', 'retry: {backoff: {max: 1m}}')}]`,
    scenario: `mocks: {a: [{fails: {code: http_status, retryable: true, retry_after: 1h}}, {returns: {}}]}
expect: {status: completed, calls: {a: {times: 2}}, elapsed: {min: 1h, max: 1h1s}}`,
  },
  '22': {
    what: 'time-out and deadline at one moment are a time-out, and the last attempt',
    body: `plan: [${act('a', 'timeout: 10m, retry: {attempts: 3, deadline: 10m}')}]`,
    scenario:
      'mocks: {a: {returns: {}, takes: 20m}}\nexpect: {status: failed, error: {code: timeout}, calls: {a: {times: 1}}}',
  },
  '23': {
    what: 'a loop over nothing completes',
    body: `plan: [{kind: for_each, id: l, in: [], do: [${act('a')}]}]\noutputs: {l: "{{steps.l.outputs}}"}`,
    scenario:
      'expect: {status: completed, outputs: {l: {count: 0, completed: 0, failed: 0, cancelled: 0, skipped: 0, last: null, failures: [], results: []}}}',
  },
  '24': {
    what: 'a loop over null is an error',
    body: `inputs: {n: "any?"}\nplan: [{kind: for_each, id: l, in: "{{inputs.n}}", do: [${act('a')}]}]`,
    scenario: 'expect: {status: failed, error: {code: expression_error, detail: wrong_type, step: l}}',
  },
  '25': {
    what: 'a map is looped over in the order of its keys',
    body: `inputs: {m: any}\nplan: [{kind: for_each, id: l, in: "{{inputs.m}}", do: [{kind: transform, id: t, set: {k: "{{item.key}}"}}]}]
outputs: {k: "{{steps.l.outputs.results.map(r, r.outputs.k)}}"}`,
    scenario: 'start: {inputs: {m: {b: 1, c: 2, a: 3}}}\nexpect: {status: completed, outputs: {k: [a, b, c]}}',
  },
  '26': {
    what: 'equal items each run, under their index',
    body: `plan: [{kind: for_each, id: l, in: [x, x], do: [${act('a')}]}]\noutputs: {i: "{{steps.l.outputs.results.map(r, r.index)}}"}`,
    scenario: 'mocks: {a: {returns: {}}}\nexpect: {status: completed, outputs: {i: [0, 1]}, calls: {a: {times: 2}}}',
  },
  '27': {
    what: 'too many items start none',
    body: `inputs: {n: int}\nplan: [{kind: for_each, id: l, in: "{{inputs.n}}", max_items: 10000, do: [${act('a')}]}]`,
    scenario:
      'start: {inputs: {n: 10001}}\nexpect: {status: failed, error: {code: limit_items}, calls: {a: {times: 0}}}',
  },
  '28': {
    what: 'a loop that is handed over runs every item once',
    body: `plan: [{kind: for_each, id: l, in: 30, concurrency: 10, do: [${act('a')}]}]\noutputs: {n: "{{steps.l.outputs.completed}}"}`,
    scenario:
      'force: continue_as_new\nmocks: {a: {returns: {}, takes: 1s}}\nexpect: {status: completed, outputs: {n: 30}, calls: {a: {times: 30}}}',
  },
  '30': {
    what: 'a `while` that fails keeps what was done before',
    body: `inputs: {go: {type: any, default: [true, true, true]}}
plan:
  - {kind: for_each, id: l, in: 9, while: "inputs.go[index]", do: [${act('a')}], on_error: [{outputs: {code: "{{error.code}}", n: "{{size(steps.l.outputs.results)}}"}}]}
outputs: {l: "{{steps.l.outputs}}"}`,
    scenario: 'mocks: {a: {returns: {}}}\nexpect: {status: completed, outputs: {l: {code: expression_error, n: 3}}}',
  },
  '31': {
    what: 'of two branches that end in one moment one is enough, the other is cancelled',
    body: `plan: [{kind: parallel, id: p, join: 1, branches: {a: [${act('x')}], b: [${act('y')}]}}]\noutputs: {n: "{{size(steps.p.outputs)}}"}`,
    scenario:
      'mocks: {x: {returns: {}, takes: 1m}, y: {returns: {}, takes: 1m}}\nexpect: {status: completed, outputs: {n: 1}}',
  },
  '32': {
    what: '`join: 2` of three fails with the second failure, the third is cancelled',
    body: `plan: [{kind: parallel, id: p, join: 2, branches: {a: [${act('x')}], b: [${act('y')}], c: [${act('z')}]}}]`,
    scenario: `mocks: {x: {${FAILS}, takes: 1m}, y: {${FAILS}, takes: 2m}, z: {returns: {}, takes: 1h}}
expect: {status: failed, error: {code: parallel_failed, cause: {step: x}}, elapsed: {max: 2m}}`,
  },
  '33': {
    what: 'a `collect` whose branches all fail completes',
    body: `plan: [{kind: parallel, id: p, mode: collect, branches: {a: [${act('x')}], b: [${act('y')}], c: [${act('z')}]}}]
outputs: {o: "{{steps.p.outputs}}", n: "{{size(steps.p.failures)}}"}`,
    scenario: `mocks: {x: {${FAILS}}, y: {${FAILS}}, z: {${FAILS}}}\nexpect: {status: completed, outputs: {o: {}, n: 3}}`,
  },
  '34': {
    what: 'of two cases that fit the first runs, and the second is not looked at',
    body: `${OPEN}plan: [{kind: switch, id: s, cases: [{when: 'true', do: [${act('a')}]}, {when: inputs.o.gone, do: [${act('b')}]}]}]
outputs: {c: "{{steps.s.outputs.case}}"}`,
    scenario: 'mocks: {a: {returns: {}}}\nexpect: {status: completed, outputs: {c: case0}, skipped: {b: not_selected}}',
  },
  '35': {
    what: 'a case that cannot be told fails the step, the default is not taken',
    body: `${OPEN}plan: [{kind: switch, id: s, cases: [{when: inputs.o.gone, do: [${act('a')}]}], default: [${act('b')}]}]`,
    scenario: 'expect: {status: failed, error: {code: expression_error, step: s}, calls: {b: {times: 0}}}',
  },
  '36': {
    what: 'gates of two branches have addresses of their own',
    body: `plan: [{kind: parallel, id: p, mode: collect, branches: {a: [{kind: gate, id: g, mode: manual}], b: [{kind: gate, id: h, mode: manual}]}}]
outputs: {k: "{{keys(steps.p.outputs)}}", f: "{{steps.p.failures[0].code}}"}`,
    scenario: `gates: {g: {decide: approve, after: 1m}, h: {decide: reject, after: 2m}}
expect: {status: completed, outputs: {k: [a], f: gate_rejected}, elapsed: {min: 2m, max: 2m}}`,
  },
  '38': {
    what: 'a person who approves twice counts once',
    body: 'plan: [{kind: gate, id: g, mode: manual, require: 2}]\noutputs: {by: "{{steps.g.outputs.by}}"}',
    scenario: `gates: {g: [{decide: approve, by: ann}, {decide: approve, by: ann, after: 1m}, {decide: approve, by: bob, after: 2m}]}
expect: {status: completed, outputs: {by: [ann, bob]}, elapsed: {min: 2m}}`,
  },
  '39': {
    what: 'an approval in the moment of the time-out wins',
    body: 'plan: [{kind: gate, id: g, mode: manual, timeout: 1h}]',
    scenario: 'gates: {g: {decide: approve, after: 1h}}\nexpect: {status: completed}',
  },
  '40': {
    what: 'one rejection is enough, whoever approved before',
    body: 'plan: [{kind: gate, id: g, mode: manual, require: 2}]',
    scenario: `gates: {g: [{decide: approve, by: ann}, {decide: reject, by: bob, after: 1m}]}\nexpect: {status: failed, error: {code: gate_rejected}}`,
  },
  '44': {
    what: 'what comes in stays data, through any number of steps',
    body: `triggers: [{event: a.b, inputs: {x: "{{event.data.x}}"}}]
inputs: {x: any}
plan:
  - {kind: transform, id: t, set: {x: "{{inputs.x}}"}}
  - {kind: transform, id: u, set: {x: "{{steps.t.outputs.x}}", text: "<{{steps.t.outputs.x.text}}>"}}
  - ${act('a', 'with: {x: "{{steps.u.outputs}}"}')}`,
    scenario: `start: {event: {name: a.b, data: {x: {text: "{{inputs.x}}", key: {secret: a}}}}}
mocks: {a: {returns: {}}}
expect: {status: completed, calls: {a: {with: {x: {text: "<{{inputs.x}}>", x: {text: "{{inputs.x}}", key: {secret: a}}}}}}}`,
  },
  '45': {
    what: 'a whole placeholder keeps its type, within a text it is text',
    body: 'inputs: {n: int}\nplan: [{kind: transform, id: t, set: {a: "{{inputs.n}}", b: "n={{inputs.n}}"}}]\noutputs: {t: "{{steps.t.outputs}}"}',
    scenario: 'start: {inputs: {n: 5}}\nexpect: {outputs: {t: {a: 5, b: n=5}}}',
  },
  '46': {
    what: 'a blank before a placeholder makes a text',
    body: 'inputs: {n: int}\nplan: [{kind: transform, id: t, set: {a: " {{inputs.n}}"}}]\noutputs: {t: "{{steps.t.outputs.a}}"}',
    scenario: 'start: {inputs: {n: 5}}\nexpect: {outputs: {t: " 5"}}',
  },
  '47': {
    what: 'null in a text is an input that is missing',
    body: 'inputs: {n: any}\nplan: [{kind: transform, id: t, set: {a: "n={{inputs.n}}"}}]',
    scenario: 'start: {inputs: {n: null}}\nexpect: {status: failed, error: {code: input_missing}}',
  },
  '47, whole': {
    what: 'null as a whole is null',
    body: 'inputs: {n: any}\nplan: [{kind: transform, id: t, set: {a: "{{inputs.n}}"}}]\noutputs: {a: "{{steps.t.outputs.a}}"}',
    scenario: 'start: {inputs: {n: null}}\nexpect: {status: completed, outputs: {a: null}}',
  },
  '47, absent': {
    what: 'a key that is missing is an error in either',
    body: `${OPEN}plan: [{kind: transform, id: t, set: {a: "{{inputs.o.gone}}"}, on_error: continue}, {kind: transform, id: u, set: {a: "n={{inputs.o.gone}}"}, on_error: continue}]
outputs: {d: ["{{steps.t.error.detail}}", "{{steps.u.error.detail}}"]}`,
    scenario: 'expect: {status: completed, outputs: {d: [missing_key, missing_key]}}',
  },
  '48': {
    what: 'whole numbers are divided whole, and the rest follows the dividend',
    body: 'plan: [{kind: transform, id: t, set: {a: "{{7 / 2}}", b: "{{-7 / 2}}", c: "{{7.0 / 2}}", d: "{{7 % -2}}"}}]\noutputs: {t: "{{steps.t.outputs}}"}',
    scenario: 'expect: {outputs: {t: {a: 3, b: -3, c: 3.5, d: 1}}}',
  },
  '49': {
    what: 'numbers have a range',
    body: 'inputs: {n: int}\nplan: [{kind: transform, id: t, set: {a: "{{inputs.n + 1}}"}}]',
    scenario: 'start: {inputs: {n: 9007199254740991}}\nexpect: {error: {code: expression_error, detail: number_range}}',
  },
  '49, zero': {
    what: 'nothing is divided by zero',
    body: 'inputs: {n: number}\nplan: [{kind: transform, id: t, set: {a: "{{1.0 / double(inputs.n)}}"}}]',
    scenario: 'start: {inputs: {n: 0}}\nexpect: {error: {code: expression_error, detail: division_by_zero}}',
  },
  '50': {
    what: 'numbers of both kinds are equal',
    body: 'plan: [{kind: transform, id: t, set: {a: "{{1 == 1.0}}"}}]\noutputs: {a: "{{steps.t.outputs.a}}"}',
    scenario: 'expect: {outputs: {a: true}}',
  },
  '51': {
    what: '5.0 is an int',
    body: 'inputs: {n: int}\nplan: [{kind: transform, id: t, set: {a: "n={{inputs.n}}"}}]\noutputs: {a: "{{steps.t.outputs.a}}"}',
    scenario: 'start: {inputs: {n: 5.0}}\nexpect: {outputs: {a: n=5}}',
  },
  '58': {
    what: 'what a gate waits does not count against the time of the run',
    body: `plan: [{kind: gate, id: g, mode: manual, timeout: 5d}, ${act('a')}]`,
    scenario:
      'gates: {g: {decide: approve, after: 3d}}\nmocks: {a: {returns: {}, takes: 5m}}\nexpect: {status: completed, elapsed: {min: 3d}}',
  },
  '59': {
    what: 'of two triggers that fit the first one counts',
    body: 'triggers: [{event: a.b, inputs: {n: 1}}, {event: "a.*", inputs: {n: 2}}]\ninputs: {n: int}\nplan: [{kind: transform, id: t, set: {a: 1}}]\noutputs: {n: "{{inputs.n}}"}',
    scenario: 'start: {event: {name: a.b}}\nexpect: {outputs: {n: 1}}',
  },
  '62': {
    what: 'a root handler that continues completes the run with its outputs',
    body: `plan: [${act('a')}]\non_error: [{outputs: {code: "{{error.code}}"}}]\noutputs: {v: 1}`,
    scenario: `mocks: {a: {${FAILS}}}\nexpect: {status: completed, outputs: {code: broken}}`,
  },
  '62, none': {
    what: 'without outputs of the handler they are empty',
    body: `plan: [${act('a')}]\non_error: continue\noutputs: {v: 1}`,
    scenario: `mocks: {a: {${FAILS}}}\nexpect: {status: completed, outputs: {}}`,
  },
};

/** Rows that another test shows. */
const ELSEWHERE: Record<string, [file: string, title: string]> = {
  '19': ['test/faults/worker.test.ts', 'worker-after-effect-before-report'],
  '20': ['src/domain/engine/holders/holders.test.ts', 'tries again with fresh addresses, keys and names'],
  '29': ['src/domain/engine/holders/holders.test.ts', 'reads a map or a count of an input, and a computed list once'],
  '37': [
    'test/integration/services/decisions.test.ts',
    'wants a reason where the gate does, and only decisions that it knows',
  ],
  '52': ['test/integration/services/step-artifacts.test.ts', 'value_offloaded'],
  '53': ['test/replay/event-budget.test.ts', 'transform: [PURE, ACTION, PURE]'],
  '54': ['test/e2e/blueprints.test.ts', 'a run that is open keeps its version when another one becomes active'],
  '60': ['src/domain/engine/engine.test.ts', 'ignores events for what is unknown, closed or over'],
};

/** Rows of constructs that come later. */
const LATER: Record<string, number[]> = {
  undo: [14, 15, 16],
  'waits for events': [41, 42, 43],
  'child runs': [55],
  locks: [56, 57, 61],
};

let folder: string;
const reports = new Map<string, ScenarioFileReport>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xyn-edge-cases-'));
  await writeFile(join(folder, 'actions.yaml'), CONTRACTS);
  const keys = Object.keys(CASES);
  const indented = (text: string): string => text.replaceAll('\n', '\n    ');
  for (const [ix, { body, scenario }] of Object.values(CASES).entries()) {
    await writeFile(join(folder, `${ix}.yaml`), `api: xyn/v1\nid: bp.edge.c${ix}\n${body}\n`);
    const head = `blueprint: ./${ix}.yaml\nactions: ./actions.yaml\nscenarios:\n  - name: as it must be\n    `;
    await writeFile(join(folder, `${ix}.test.yaml`), `${head}${indented(scenario)}\n`);
  }
  const { files } = await runScenarioFiles([folder], compileContext, { chaos: true });
  for (const report of files) reports.set(keys[Number(/(\d+)\.test/.exec(report.file)?.[1])] ?? '', report);
});

afterAll(() => rm(folder, { recursive: true }));

describe('edge cases', () => {
  it.each(Object.entries(CASES).map(([row, { what }]) => [row, what]))('%s: %s', (row) => {
    const { problems, scenarios } = reports.get(row) as ScenarioFileReport;
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(scenarios.flatMap(({ mismatches }) => mismatches.flatMap(mismatchLines))).toEqual([]);
    expect(scenarios).toHaveLength(1);
  });

  it('50: a text and a number cannot be compared', async () => {
    const document = 'api: xyn/v1\nid: bp.edge\nplan: [{kind: transform, id: t, set: {a: "{{\'1\' == 1}}"}}]\n';
    const { problems } = await compileBlueprint(Buffer.from(document), compileContext);
    expect(problems).toMatchObject([{ code: 'expression_type', severity: 'error' }]);
  });

  it.each(Object.entries(ELSEWHERE))('%s is shown by another test', async (_row, [file, title]) => {
    expect(await readFile(new URL(`../${file}`, import.meta.url), 'utf8')).toContain(title);
  });

  it('are all there', () => {
    const rows = [...Object.keys(CASES), ...Object.keys(ELSEWHERE)].map((row) => Number.parseInt(row));
    const found = new Set([...rows, ...Object.values(LATER).flat()]);
    expect([...found].sort((a, b) => a - b)).toEqual(Array.from({ length: 62 }, (_, ix) => ix + 1));
  });
});
