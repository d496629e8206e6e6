// Defects that were found in other interpreters of workflow documents. Each is a row: what went wrong there, and what must be
// so here instead, on a real Temporal server.
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext, type Pack } from '../../src/domain/action.js';
import { workflowIdOf } from '../../src/domain/ids.js';
import type { Json, JsonObject } from '../../src/domain/json.js';
import { secretReference } from '../../packs/core/actions/secret-reference.js';
import { historyFromJson, type HistoryJson } from '../../src/temporal/history-json.js';
import { startBlueprintRig, type BlueprintRig } from '../support/blueprint-rig.js';
import { testResources } from '../support/action-resources.js';
import { caller } from '../support/node.js';
import { describeWith } from '../support/parts.js';
import { sideBySide } from '../support/side-by-side.js';
import { until } from '../support/until.js';

const SECRET = 'correct-horse-battery-staple';
const bundlePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

let rig: BlueprintRig;
let http: Server;
/** What happened in each run, in order. */
const notes = new Map<string, string[]>();
const notesOf = (runId: string): string[] => notes.get(runId) ?? [];
const note = ({ runId }: ActionContext, text: string): void => void notes.set(runId, [...notesOf(runId), text]);
/** The runs whose histories are replayed at the end. */
const runs: string[] = [];

type Execute = (input: JsonObject, context: ActionContext) => Json | Promise<Json>;
const fake = (name: string, execute: Execute, input: z.ZodType<JsonObject> = z.record(z.string(), z.json())) =>
  defineAction<JsonObject, Json>({
    name,
    summary: name,
    input,
    output: z.json(),
    traits: { effect: 'write', idempotency: 'keyed' },
    errors: { busy: { retryable: true, help: 'Later.' } },
    execute: async (input, context) => {
      note(context, `${context.path} begins`);
      return execute(input, context);
    },
  });
const hang: Execute = (_, context) =>
  new Promise((_resolve, reject) =>
    context.signal.addEventListener('abort', () => {
      note(context, `${context.path} stops`);
      reject(context.signal.reason as Error);
    }),
  );
const busy = new ActionFailure({ code: 'busy', message: 'busy', retryable: true });
const pack: Pack = {
  name: 'defects',
  version: '1.0.0',
  actions: [
    fake('d.answer', ({ value }) => value ?? null),
    fake('d.busy', () => Promise.reject(busy)),
    fake('d.hang', hang),
    fake(
      'd.login',
      async ({ key }, context) => ({
        said: `the password is ${await context.secret(secretReference.parse(key).secret)}`,
      }),
      z.object({ key: secretReference }),
    ),
    // Fails once the other branch works.
    fake('d.fail', async (_, context) => {
      await until('the other branch works', () => notesOf(context.runId).some((text) => text.includes('b.')));
      throw new ActionFailure({ code: 'broken', message: 'broken', retryable: false });
    }),
  ],
};

beforeAll(async () => {
  http = createServer((_, response) => response.writeHead(503, { 'content-type': 'text/plain' }).end('down for today'));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  rig = await startBlueprintRig({
    packs: [pack],
    resources: testResources({ variables: { XYN_SECRET_DEMO_PASSWORD: SECRET } }),
  });
});

afterAll(async () => {
  await (rig as BlueprintRig | undefined)?.stop();
  await new Promise((resolve) => http.close(resolve));
});

const documentOf = (id: string, body: string): string => `api: xyn/v1\nid: bp.defect.${id}\n${body}`;

/** Runs a document to its end. */
async function run(id: string, body: string, inputs: JsonObject = {}) {
  const ended = await rig.run(documentOf(id, body), inputs);
  runs.push(ended.run_id);
  return ended;
}

/** The commands of a run as its history has them, without what differs from run to run. */
async function commandsOf(runId: string): Promise<string[]> {
  const { events } = await rig.history(runId);
  const scheduled = new Map<unknown, string>();
  return events.flatMap((event) => {
    const begun = event['activityTaskScheduledEventAttributes'] as { activityId: string } | undefined;
    const cancel = event['activityTaskCancelRequestedEventAttributes'] as { scheduledEventId: unknown } | undefined;
    if (begun !== undefined) scheduled.set(event.eventId, begun.activityId);
    if (begun !== undefined) return [`run ${begun.activityId}`];
    return cancel === undefined ? [] : [`cancel ${scheduled.get(cancel.scheduledEventId)}`];
  });
}

/** Everything in a history, payloads decoded. */
function textOf(history: HistoryJson): string {
  const decode = (key: string, value: unknown): unknown =>
    key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value;
  return JSON.stringify(history, decode);
}

const rowsOf = async (): Promise<number[]> => {
  const tables = ['events', 'audit_log', 'steps', 'step_attempts', 'artifacts'];
  const counts = tables.map((table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`);
  const { rows } = await rig.database.catalog.pool.query<Record<string, number>>(`SELECT ${counts.join(', ')}`);
  return Object.values(rows[0] ?? {});
};

describeWith('temporal')('a defect of others', () => {
  const row = sideBySide();

  // The wait for the first of several events comes with event waits; whoever answers first is enough already.
  row('1: waiting for any of several never ends; here the first answer is enough', async () => {
    const body = `plan:
  - kind: parallel
    id: any
    join: 1
    branches:
      a: [{kind: gate, id: ask_a, mode: manual}]
      b: [{kind: gate, id: ask_b, mode: manual}]
outputs: {who: "{{keys(steps.any.outputs)}}"}
`;
    const { id } = await rig.apply(documentOf('any', body));
    const runId = await rig.start(id);
    runs.push(runId);
    await rig.approve(runId, 'any:b.ask_b');
    expect(await rig.ended(runId)).toMatchObject({ status: 'completed', outputs: { who: ['b'] } });
  });

  row('2: a loop over a map runs in random order; here in that of the keys', async () => {
    const body = `inputs: {map: any}
plan:
  - {kind: for_each, id: l, in: "{{inputs.map}}", concurrency: 3, do: [{kind: action_task, id: x, action: d.answer, with: {value: "{{item}}"}}]}
outputs: {keys: "{{steps.l.outputs.results.map(r, r.outputs.key)}}"}
`;
    const first = await run('map', body, { map: { b: 1, a: 2, c: 3 } });
    const second = await run('map', body, { map: { c: 3, b: 1, a: 2 } });
    expect([first.outputs, second.outputs]).toEqual(Array(2).fill({ keys: ['a', 'b', 'c'] }));
    expect(await commandsOf(second.run_id)).toEqual(await commandsOf(first.run_id));
  });

  row(
    '3: who wins a race, and what is cancelled first, differs on replay; here the order is that of names',
    async () => {
      const body = `plan:
  - kind: parallel
    id: p
    join: 1
    branches:
      d: [{kind: action_task, id: w, action: d.hang}]
      c: [{kind: action_task, id: x, action: d.answer, with: {value: 1}}]
      b: [{kind: action_task, id: y, action: d.hang}]
      a: [{kind: action_task, id: z, action: d.hang}]
`;
      const { run_id: runId } = await run('race', body);
      const commands = await commandsOf(runId);
      expect(commands.slice(0, 4)).toEqual(['run p:a.z', 'run p:b.y', 'run p:c.x', 'run p:d.w']);
      expect(commands.filter((command) => command.startsWith('cancel'))).toEqual(
        ['p:a.z', 'p:b.y', 'p:d.w'].map((path) => `cancel ${path}`),
      );
    },
  );

  row('4: the retries of one step become those of all; here they are its own', async () => {
    const plain = 'plan: [{kind: action_task, id: a, action: d.answer}]\n';
    const before = (await rig.compile(documentOf('usual', plain))).compiled?.plan.nodes[0];
    const own = (retry: string): string => `plan: [{kind: action_task, id: a, action: d.busy, retry: ${retry}}]\n`;
    const often = await run('often', own('{attempts: 2, backoff: {first: 1s}}'));
    const once = await run('once', own('{attempts: 1}'));
    const attempts = [often, once].map((one) => notesOf(one.run_id).length);
    expect([attempts, often.status, once.status]).toEqual([[2, 1], 'failed', 'failed']);
    expect((await rig.compile(documentOf('usual', plain))).compiled?.plan.nodes[0]).toEqual(before);
  });

  row('5: the error of the first run is told in all later ones; here each has its own', async () => {
    const body = `inputs: {who: string}
plan: [{kind: transform, id: t, assert: [{that: "inputs.who == ''", code: not_here, message: "{{inputs.who}} is not here"}]}]
`;
    const first = await run('raise', body, { who: 'ann' });
    const second = await run('raise', body, { who: 'bob' });
    expect([first.error?.message, second.error?.message]).toEqual(['ann is not here', 'bob is not here']);
  });

  row('6: secrets stand in the history and in events; here only their names do', async () => {
    const body = `plan: [{kind: action_task, id: a, action: d.login, with: {key: {secret: demo/password}}}]
outputs: {said: "{{steps.a.outputs.said}}"}
`;
    const ended = await run('secret', body);
    expect(ended.outputs).toEqual({ said: 'the password is [redacted]' });
    const events = await rig.node.access.events.list({ run_id: ended.run_id }, 50);
    const steps = await rig.node.runs.steps(ended.run_id, { limit: 50 });
    const text = textOf(await rig.history(ended.run_id)) + JSON.stringify([events, steps]);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(Buffer.from(SECRET).toString('base64'));
  });

  row('8: a cancelled run completes, and later steps run; here it is cancelled and they do not', async () => {
    const body = `plan:
  - {kind: action_task, id: a, action: d.hang}
  - {kind: transform, id: t, set: {late: true}}
  - {kind: action_task, id: b, action: d.answer}
`;
    const { id } = await rig.apply(documentOf('cancel', body));
    const runId = await rig.start(id);
    runs.push(runId);
    await until('it works', () => notesOf(runId).length > 0);
    await rig.node.runs.cancel(caller(), runId, 'not needed');
    expect(await rig.ended(runId)).toMatchObject({ status: 'cancelled', outputs: null });
    expect(notesOf(runId)).toEqual(['a begins', 'a stops']);
    const { items } = await rig.node.runs.steps(runId, { limit: 50 });
    expect(items.filter(({ status }) => status === 'skipped').map(({ path }) => path)).toEqual(['t', 'b']);
  });

  row('9: a branch that gives a list or a text fails; here results are values of any kind', async () => {
    const body = `plan:
  - kind: parallel
    id: p
    branches:
      list: [{kind: action_task, id: a, action: d.answer, with: {value: [1, 2]}}]
      text: [{kind: block, id: b, do: [{kind: action_task, id: c, action: d.answer, with: {value: words}}], on_error: continue}]
    on_error: continue
outputs: {list: "{{steps.p.outputs.list}}", text: "{{steps.p.outputs.text}}"}
`;
    expect(await run('values', body)).toMatchObject({
      status: 'completed',
      outputs: { list: [1, 2], text: 'words' },
      error: null,
    });
  });

  row(
    '10: a handler cannot tell what a target answered; here code and status reach it through its holders',
    async () => {
      const { port } = http.address() as AddressInfo;
      const body = `plan:
  - kind: block
    id: b
    do:
      - {kind: action_task, id: a, action: http.call, with: {url: "http://127.0.0.1:${port}/"}, retry: {attempts: 1}}
    on_error:
      - {codes: [http_status], when: error.status == 503, outputs: {code: "{{error.code}}", status: "{{error.status}}", path: "{{error.path}}"}}
outputs: {seen: "{{steps.b.outputs}}"}
`;
      const seen = { code: 'http_status', status: 503, path: 'b.a' };
      expect(await run('http', body)).toMatchObject({ status: 'completed', outputs: { seen } });
    },
  );

  row('11: a case that only fails hangs, or runs with the good one; here exactly one case runs', async () => {
    const body = `inputs: {type: string}
plan:
  - kind: switch
    id: s
    cases: [{name: known, when: inputs.type == "known", do: [{kind: action_task, id: a, action: d.answer, with: {value: {ok: true}}}]}]
    default: [{kind: transform, id: unknown, assert: [{that: "false", code: unknown_type}]}]
outputs: {chosen: "{{steps.s.outputs.case}}"}
`;
    expect(await run('case', body, { type: 'known' })).toMatchObject({
      status: 'completed',
      outputs: { chosen: 'known' },
    });
    expect(await run('case', body, { type: 'x' })).toMatchObject({ status: 'failed', error: { code: 'unknown_type' } });
  });

  row(
    '12: two documents with steps of the same names exclude each other; here they know nothing of each other',
    async () => {
      const body = (value: number): string => `plan:
  - {kind: for_each, id: f, in: 2, do: [{kind: action_task, id: x, action: d.answer, with: {value: ${value}}}]}
  - {kind: parallel, id: p, branches: {a: [{kind: block, id: try, do: [{kind: action_task, id: y, action: d.answer, with: {value: ${value}}}]}]}}
outputs: {last: "{{steps.f.outputs.last}}", a: "{{steps.p.outputs.a}}"}
`;
      const [one, two] = await Promise.all([run('one', body(1)), run('two', body(2))]);
      expect([one.outputs, two.outputs]).toEqual([
        { last: 1, a: 1 },
        { last: 2, a: 2 },
      ]);
    },
  );

  row('13: a jump backwards fails at the end of the run; here there are no jumps, and none begins', async () => {
    const codes = async (body: string): Promise<string[]> => {
      const { compiled, problems } = await rig.compile(documentOf('jump', body));
      expect(compiled).toBeUndefined();
      return problems.filter(({ severity }) => severity === 'error').map(({ code }) => code);
    };
    const step = (more: string): string => `plan: [{kind: action_task, id: a, action: d.answer, ${more}}]\n`;
    expect(await codes(step('then: a'))).toEqual(['field_unknown']);
    expect(await codes(step('on_error: [{then: a}]'))).toEqual(['value_unknown']);
  });

  row(
    '14: the first failure leaves its siblings behind; here they are stopped and awaited, then comes the cleanup',
    async () => {
      const body = `plan:
  - kind: parallel
    id: p
    branches:
      a: [{kind: action_task, id: x, action: d.fail}]
      b: [{kind: action_task, id: y, action: d.hang}]
finally: [{kind: action_task, id: clean, action: d.answer}]
`;
      const ended = await run('siblings', body);
      expect(ended).toMatchObject({ status: 'failed', error: { code: 'parallel_failed', cause: { code: 'broken' } } });
      expect(notesOf(ended.run_id).slice(-2)).toEqual(['p:b.y stops', '~finally.clean begins']);
      const { items } = await rig.node.runs.steps(ended.run_id, { limit: 50 });
      expect(items.find(({ path }) => path === 'p:b.y')).toMatchObject({
        status: 'failed',
        error: { code: 'cancelled' },
      });
    },
  );

  it('7: a replay writes events once more; here it fits the history and writes and calls nothing', async () => {
    const histories = await Promise.all(
      runs.map(async (id) => ({ workflowId: workflowIdOf(id), history: historyFromJson(await rig.history(id)) })),
    );
    expect(histories.length).toBeGreaterThan(15);
    const before = [await rowsOf(), JSON.stringify([...notes])];
    const options = { workflowBundle: { codePath: bundlePath }, debugMode: false };
    for await (const { error } of Worker.runReplayHistories(options, histories)) expect(error).toBeUndefined();
    expect([await rowsOf(), JSON.stringify([...notes])]).toEqual(before);
  });
});
