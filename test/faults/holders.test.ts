import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { FaultRig } from './rig.js';

/** Runs, and kills while they go on; design §8 asks for fifty. */
const KILLS = 50;
/** A worker lives this long after it is ready, at random: a run takes about three seconds of a worker's life. */
const LIFE_MS = { least: 100, most: 1_000 };
/** The last worker finds most runs unfinished, and all that was lost with the ones before it to be waited for. */
const BACKLOG_MS = 180_000;
/** So that a failure can be tried again with the same moments. */
const SEED = Number(process.env['XYN_FAULT_SEED'] ?? Date.now() % 100_000);

let rig: FaultRig;

beforeAll(async () => {
  rig = await FaultRig.start('holders');
});

afterAll(async () => {
  await (rig as FaultRig | undefined)?.close();
});

/** Every construct of the language that a worker's death could disturb, with keyed effects in each. */
function document(url: (path: string) => string): string {
  const read = (id: string, more = ''): string =>
    `{kind: action_task, id: ${id}, action: http.call, with: {url: '${url(`/${id}`)}'}${more}}`;
  const write = (id: string, path: string): string =>
    `{kind: action_task, id: ${id}, action: http.call, with: {url: '${url(`/${id}`)}', method: POST, ` +
    `idempotency_header: Idempotency-Key, body: {run: '{{run.id}}', step: '${path}'}}}`;
  return `
api: xyn/v1
id: bp.fault.holders
trigger: {event: fault.holders}
plan:
  - kind: transform
    id: facts
    set: {n: 3, items: [a, b, c, d, e]}
  - ${read('look', `, timeout: 5s, retry: {attempts: 5, until: result.status == 200}, outputs: {code: '{{result.status}}'}`)}
  - kind: block
    id: tries
    retry: {attempts: 2, backoff: {first: 1s, jitter: 0}}
    do:
      - ${read('asked')}
      - {kind: transform, id: never, set: {x: 1}, assert: [{that: steps.asked.status == "failed", code: not_yet, retryable: true}]}
    finally:
      - ${write('tidied', 'tries~finally.tidied')}
    on_error:
      - codes: [not_yet]
        do: [${write('told', 'tries!0.told')}]
        outputs: {told: '{{steps.told.outputs.status}}'}
  - kind: switch
    id: route
    cases: [{name: big, when: steps.facts.outputs.n > 2, do: [${write('big', 'route:big.big')}]}]
    default: [${write('small', 'route:default.small')}]
  - kind: parallel
    id: fan
    concurrency: 2
    branches:
      one: {do: [${write('one_a', 'fan:one.one_a')}, ${write('one_b', 'fan:one.one_b')}], outputs: {at: one}}
      two: {do: [{kind: wait, id: rest, for: 1s}, ${write('two_a', 'fan:two.two_a')}], outputs: {at: two}}
      three: {do: [${read('near', ', timeout: 4s')}, ${write('three_a', 'fan:three.three_a')}], outputs: {at: three}}
  - kind: for_each
    id: each
    in: '{{steps.facts.outputs.items}}'
    as: letter
    concurrency: 2
    do: [${write('item', 'each[{{index}}].item')}]
    outputs: {of: '{{letter}}', at: '{{index}}'}
  - kind: for_each
    id: pages
    in: 9
    while: index < 2
    do: [${write('page', 'pages[{{index}}].page')}]
    outputs: {seen: '{{(prev == null ? 0 : prev.seen) + 1}}'}
  - {kind: wait, id: settled, for: 1s}
finally:
  - ${write('last', '~finally.last')}
outputs:
  code: '{{steps.look.outputs.code}}'
  told: '{{steps.tries.outputs.told}}'
  failed: '{{steps.tries.error.code}}'
  route: '{{steps.route.outputs.case}}'
  fan: '{{steps.fan.outputs}}'
  each: '{{steps.each.outputs.results.map(r, r.outputs)}}'
  pages: '{{steps.pages.outputs.last.seen}}'
`;
}

const LETTERS = ['a', 'b', 'c', 'd', 'e'];
const OUTPUTS = {
  code: 200,
  told: 200,
  failed: 'not_yet',
  route: 'big',
  fan: { one: { at: 'one' }, two: { at: 'two' }, three: { at: 'three' } },
  each: LETTERS.map((of, at) => ({ of, at })),
  pages: 2,
};

/** Mulberry32: the moments of a seed are the same every time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it(
  'every construct gives the same result, however often its worker is killed',
  async () => {
    const next = random(SEED);
    await rig.apply(document((path) => rig.sink.url(path)));
    const runs: string[] = [];
    let since = Date.now();
    for (let kill = 0; kill < KILLS; kill += 1) {
      runs.push(await rig.emit('fault.holders'));
      // The moment itself is the subject here: any will do, and none is waited for.
      await pause(LIFE_MS.least + next() * (LIFE_MS.most - LIFE_MS.least));
      await rig.processes.kill('worker');
      since = await rig.restart('worker');
    }
    const ended = await Promise.all(runs.map((runId) => rig.ended(runId, BACKLOG_MS)));
    process.stdout.write(`${JSON.stringify({ kills: KILLS, seed: SEED })}\n`);
    for (const { outputs, error } of ended) expect({ outputs, error }).toEqual({ outputs: OUTPUTS, error: null });
    await rig.repaired(BACKLOG_MS);
    await rig.settle('worker-at-random', runs, since);
    const steps = await rig.stepStatuses(runs);
    expect(new Set(steps.map((one) => JSON.stringify(one))).size).toBe(1);
  },
  15 * 60_000,
);
