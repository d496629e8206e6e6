import fc from 'fast-check';
import type { Tree } from '../../src/domain/expression/tree.js';
import type { Val } from '../../src/domain/plan.js';
import { chooser } from '../../src/scenarios/variations.js';
import {
  action,
  agent,
  block,
  choice,
  forEach,
  gate,
  handling,
  parallel,
  transform,
  treeOf,
  wait,
  type Nested,
} from '../support/plans.js';
import { ref, tree } from '../support/engine-rig.js';
import type { Answers, Reply } from './reference-clock.js';
import type { Plan } from '../../src/domain/plan.js';

/** The form of a step; `flavour` decides the rest. */
export interface Shape {
  kind: (typeof LEAVES)[number] | (typeof HOLDERS)[number];
  flavour: number;
  lists: Shape[][];
}

/** A run to be tried: the form of its plan, and what the world does. */
export interface Trial {
  steps: Shape[];
  handler: Shape[];
  last: Shape[];
  seed: number;
}

const LEAVES = ['action', 'action', 'action', 'agent', 'gate', 'wait', 'transform'] as const;
const HOLDERS = ['block', 'switch', 'parallel', 'for_each'] as const;

const flavour = fc.nat(2 ** 30);
const { steps } = fc.letrec<{ leaf: Shape; holder: Shape; step: Shape; steps: Shape[] }>((tie) => ({
  leaf: fc.record({ kind: fc.constantFrom(...LEAVES), flavour, lists: fc.constant([]) }),
  holder: fc.record({
    kind: fc.constantFrom(...HOLDERS),
    flavour,
    lists: fc.array(tie('steps'), { minLength: 1, maxLength: 3 }),
  }),
  step: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { arbitrary: tie('leaf'), weight: 3 },
    { arbitrary: tie('holder'), weight: 2 },
  ),
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 3, depthIdentifier: 'list' }),
}));

/** Random runs. */
export const trials: fc.Arbitrary<Trial> = fc.record({
  steps,
  handler: fc.oneof({ arbitrary: fc.constant<Shape[]>([]), weight: 3 }, { arbitrary: steps, weight: 1 }),
  last: fc.oneof({ arbitrary: fc.constant<Shape[]>([]), weight: 3 }, { arbitrary: steps, weight: 1 }),
  seed: flavour,
});

/** Ids of steps whose names can be seen, in order. */
type Seen = readonly string[];

class Builder {
  #count = 0;

  /** @param quiet in a `finally`, where no gate may stand. */
  list(shapes: readonly Shape[], seen: Seen, quiet: boolean): Nested[] {
    const known = [...seen];
    return shapes.map((shape) => {
      this.#count += 1;
      const id = `s${this.#count}`;
      const node = this.#step(shape, id, known, quiet);
      known.push(id);
      return node;
    });
  }

  /**
   * A list that runs beside others. It begins with a task, so that never two of them do something at one instant: the order
   * that would then decide is nobody's promise.
   */
  #listBeside(shapes: readonly Shape[], seen: Seen, quiet: boolean): Nested[] {
    this.#count += 1;
    const id = `s${this.#count}`;
    return [action(id, { effect: 'read', idempotency: 'safe' }), ...this.list(shapes, [...seen, id], quiet)];
  }

  #step(shape: Shape, id: string, seen: Seen, quiet: boolean): Nested {
    const pick = chooser(shape.flavour);
    const one = (chance: number): boolean => pick(100) < chance;
    const condition = one(20) ? { when: this.#condition(pick, seen) } : {};
    const bare = this.#kind(shape, id, seen, quiet, pick, condition);
    if (!one(25)) return bare;
    const hasSteps = one(60);
    const codes = one(30) ? { codes: [CODES[pick(CODES.length)] as string] } : {};
    const when = one(20) ? { when: tree(['==', ['.', ['v', 'error'], 'code'], 'boom']) } : {};
    const outputs = one(50) ? { outputs: { n: one(80) ? 7 : ref('steps', id, 'outputs', 'n') } } : {};
    const list = hasSteps
      ? this.list([{ kind: LEAVES[pick(LEAVES.length)] ?? 'action', flavour: pick(2 ** 30), lists: [] }], seen, quiet)
      : [];
    return handling(bare, { ...codes, ...when, ...outputs, do: list, then: one(75) ? 'continue' : 'fail' });
  }

  #condition(pick: (count: number) => number, seen: Seen): never {
    const which = pick(4);
    const step = seen[pick(Math.max(1, seen.length))];
    if (which === 0) return tree(false);
    if (which === 1) return tree(['.', ['v', 'inputs'], 'missing']);
    if (which === 2 || step === undefined) return tree(true);
    return tree(['==', ['.', ['.', ['v', 'steps'], step], 'status'], 'completed']);
  }

  #value(pick: (count: number) => number, seen: Seen): Val {
    const step = seen[pick(Math.max(1, seen.length))];
    return step === undefined || pick(3) > 0 ? pick(10) : ref('steps', step, 'outputs', 'n');
  }

  #kind(shape: Shape, id: string, seen: Seen, quiet: boolean, pick: (count: number) => number, when: object): Nested {
    const one = (chance: number): boolean => pick(100) < chance;
    const backoff = { first_ms: 1 + pick(5_000), factor: 2, max_ms: 60_000, jitter: 0 };
    const tries = { retry: { attempts: 1 + pick(3), backoff } };
    const timeout = one(25) ? { timeout_ms: 1_000 + pick(20_000) } : {};
    const outputs = one(25) ? { outputs: { n: one(80) ? ref('result', 'n') : ref('result', 'nothing') } } : {};
    switch (shape.kind) {
      case 'action': {
        const traits = TRAITS[pick(TRAITS.length)] as (typeof TRAITS)[number];
        const isPolling = traits.effect === 'read' && one(40);
        const field = one(80) ? 'n' : 'nothing';
        const until = isPolling ? { until: tree(['<', ['.', ['v', 'result'], field], 50]) } : {};
        return action(id, {
          with: { v: this.#value(pick, seen) },
          ...traits,
          retry: { ...tries.retry, ...until },
          ...timeout,
          ...outputs,
          ...when,
        });
      }
      case 'agent':
        return agent(id, { data: false, ...tries, ...timeout, ...outputs, ...when });
      case 'gate':
        return quiet ? transform(id, [['n', 1]], when) : gate(id, { timeout_ms: 1_000 + pick(40_000), ...when });
      case 'wait':
        return wait(id, { for: `${1 + pick(20)}.${String(pick(1_000)).padStart(3, '0')}s`, ...when });
      case 'transform': {
        const code = CODES[pick(CODES.length)] as string;
        const broken = [{ that: tree(false), code, ...(one(50) ? { retryable: true as const } : {}) }];
        return transform(id, [['n', this.#value(pick, seen)]], { ...(one(25) ? { assert: broken } : {}), ...when });
      }
      case 'block': {
        const [inner = [], last = []] = shape.lists;
        const body = this.list(inner, seen, quiet);
        const retry = one(50) ? tries : {};
        const own = one(30) ? { outputs: { n: this.#bodyValue(pick, body) } } : {};
        const finish = last.length > 0 ? { finally: this.list(last, [...seen, ...idsOf(body)], true) } : {};
        return block(id, body, { ...retry, ...timeout, ...own, ...finish, ...when });
      }
      case 'switch': {
        const cases = shape.lists.map((list, ix): [string, Tree | undefined, Nested[]] => [
          ix === 2 ? 'default' : `c${ix}`,
          ix === 2 ? undefined : this.#condition(pick, seen),
          this.list(list, seen, quiet),
        ]);
        return choice(id, cases, { ...timeout, ...when });
      }
      case 'parallel': {
        const lists = Object.fromEntries(
          shape.lists.map((list, ix) => [`b${ix}`, this.#listBeside(list, seen, quiet)]),
        );
        const how = one(40) ? { join: 1 + pick(shape.lists.length) } : one(50) ? { mode: 'collect' as const } : {};
        return parallel(id, lists, { ...how, concurrency: 1 + pick(3), ...timeout, ...when });
      }
      case 'for_each': {
        const concurrency = 1 + pick(3);
        const until = concurrency === 1 && one(30) ? { while: tree(['<', ['v', 'index'], 1 + pick(3)]) } : {};
        const tolerate = one(30) ? { tolerate: one(50) ? pick(3) : { percent: pick(101) } } : {};
        const mode = one(50) ? { mode: 'collect' as const } : {};
        const inner = shape.lists[0] ?? [];
        const body = concurrency > 1 ? this.#listBeside(inner, seen, quiet) : this.list(inner, seen, quiet);
        const own = one(30) ? { outputs: { n: one(50) ? ref('index') : ref('item') } } : {};
        return forEach(id, ITEMS[pick(ITEMS.length)] as Val, body, {
          concurrency,
          max_items: 4,
          ...until,
          ...tolerate,
          ...mode,
          ...timeout,
          ...own,
          ...when,
        });
      }
    }
  }

  #bodyValue(pick: (count: number) => number, body: readonly Nested[]): Val {
    return this.#value(pick, idsOf(body));
  }
}

const idsOf = (list: readonly Nested[]): string[] => list.map((node) => (node as { id: string }).id);

const CODES = ['boom', 'bang', 'timeout', 'parallel_failed', 'expression_error'];
const TRAITS = [
  { effect: 'read', idempotency: 'safe' },
  { effect: 'write', idempotency: 'keyed' },
  { effect: 'write', idempotency: 'none' },
] as const;
const ITEMS: Val[] = [0, 2, 3, 5, ['a', 'b'], { y: 1, x: 2 }, null, -1, ref('inputs', 'missing')];

/** The plan of a trial. */
export function planOfTrial({ steps: shapes, handler, last }: Trial): Plan {
  const builder = new Builder();
  const body = builder.list(shapes, [], false);
  const ids = idsOf(body);
  const on_error = handler.length === 0 ? {} : { on_error: [{ do: builder.list(handler, ids, false) }] };
  const cleanup = last.length === 0 ? {} : { finally: builder.list(last, ids, true) };
  return treeOf(body, { outputs: { last: ref('steps', ids.at(-1) ?? '', 'status') }, ...on_error, ...cleanup });
}

function seedOf(...parts: (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const letter of parts.join('/')) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

/** The world of a trial: the same for engine and reference. */
export function answersOf({ seed }: Trial): Answers {
  const pickOf = (...parts: (string | number)[]): ((count: number) => number) => chooser(seedOf(seed, ...parts));
  const cancel = pickOf('cancel');
  return {
    reply: (path, attempt) => replyOf(pickOf('reply', path, attempt)),
    gate(path) {
      const pick = pickOf('gate', path);
      if (pick(4) === 0) return undefined;
      return { decide: pick(3) === 0 ? 'reject' : 'approve', afterMs: 1 + pick(45_000) };
    },
    recover(path, round) {
      const pick = pickOf('recover', path, round);
      const decide = (['done', 'retry', 'fail'] as const)[round > 2 ? 0 : pick(3)] ?? 'done';
      return { decide, afterMs: 1 + pick(30_000) };
    },
    ...(cancel(3) === 0 ? { cancelAtMs: cancel(60_000) } : {}),
  };
}

function replyOf(pick: (count: number) => number): Reply {
  const takesMs = 1 + pick(20_000);
  const onCancel = (['stop', 'finish', 'ignore'] as const)[pick(3)] ?? 'stop';
  const which = pick(10);
  if (which < 6) return { takesMs, onCancel, returns: { n: pick(100) } };
  if (which < 9) return { takesMs, onCancel, code: CODES[pick(2)] ?? 'boom', retryable: pick(2) === 0 };
  return { takesMs, onCancel, lost: true };
}
