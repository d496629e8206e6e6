import type { Plan, PlanNode, Scope } from '../../../src/domain/plan.js';
import { action, agent, gate, planOf } from '../../support/plans.js';

/** A step of a plan to be drawn, written as a tree. */
export type Sketch = (nodes: PlanNode[]) => number;

function push(nodes: PlanNode[], node: PlanNode): number {
  return nodes.push(node) - 1;
}

function scope(nodes: PlanNode[], steps: readonly Sketch[]): Scope {
  return { do: steps.map((step) => step(nodes)), rollback: 'manual' };
}

export const act = (id: string, name?: string, actionName = 'http.call'): Sketch => {
  return (nodes) => push(nodes, action(id, { ...(name === undefined ? {} : { name }), action: actionName }));
};

export const ask = (id: string, name?: string): Sketch => {
  return (nodes) => push(nodes, gate(id, name === undefined ? {} : { name }));
};

export const think = (id: string, name?: string): Sketch => {
  return (nodes) => push(nodes, agent(id, name === undefined ? {} : { name }));
};

export const parallel = (id: string, branches: Record<string, Sketch[]>): Sketch => {
  return (nodes) => {
    const bodies = Object.fromEntries(Object.entries(branches).map(([name, steps]) => [name, scope(nodes, steps)]));
    return push(nodes, { kind: 'parallel', id, path: id, keep: '*', mode: 'fail_fast', concurrency: 10, bodies });
  };
};

export const choose = (id: string, cases: Record<string, Sketch[]>): Sketch => {
  return (nodes) => {
    const bodies = Object.fromEntries(Object.entries(cases).map(([name, steps]) => [name, scope(nodes, steps)]));
    const names = Object.keys(cases).filter((name) => name !== 'default');
    const always = { k: true } as never;
    return push(nodes, {
      kind: 'switch',
      id,
      path: id,
      keep: '*',
      cases: names.map((name) => ({ name, when: always })),
      bodies,
    });
  };
};

export const block = (id: string, steps: Sketch[]): Sketch => {
  return (nodes) => push(nodes, { kind: 'block', id, path: id, keep: '*', bodies: { do: scope(nodes, steps) } });
};

export const forEach = (id: string, steps: Sketch[], items?: number): Sketch => {
  return (nodes) =>
    push(nodes, {
      kind: 'for_each',
      id,
      path: id,
      keep: '*',
      in: items ?? { $: { k: [] } as never },
      as: 'item',
      concurrency: 8,
      mode: 'collect',
      max_items: 10_000,
      bodies: { do: scope(nodes, steps) },
    });
};

/** A plan of these steps, one after the other. */
export function sketchPlan(steps: Sketch[], more: { finally?: Sketch[]; onError?: Sketch[] } = {}): Plan {
  const nodes: PlanNode[] = [];
  const root: Scope = scope(nodes, steps);
  if (more.finally !== undefined) root.finally = scope(nodes, more.finally).do;
  if (more.onError !== undefined) root.on_error = [{ do: scope(nodes, more.onError).do, then: 'fail' }];
  return { ...planOf(nodes), root };
}

/** A long plan of all kinds of steps: `count` leaves and loops. */
export function longPlan(count: number): Plan {
  const steps: Sketch[] = [];
  let made = 0;
  const next = (): string => `s${(made += 1)}`;
  for (let turn = 0; made < count; turn += 1) {
    const left = count - made;
    const shape = turn % 7;
    if (shape === 2 && left >= 3) {
      steps.push(parallel(`p${turn}`, { a: [act(next())], b: [act(next())], c: [act(next())] }));
    } else if (shape === 4 && left >= 4) {
      steps.push(parallel(`p${turn}`, { a: [act(next()), act(next())], b: [act(next())], c: [ask(next())] }));
    } else if (shape === 5 && left >= 2) {
      steps.push(choose(`w${turn}`, { yes: [act(next())], no: [think(next())] }));
    } else if (shape === 6 && left >= 3) {
      steps.push(block(`b${turn}`, [act(next()), act(next())]), forEach(next(), [act(`i${turn}`)], 10_000));
    } else {
      steps.push(act(next(), `Step number ${made} of many`));
    }
  }
  return sketchPlan(steps);
}

/** Parallels and choices inside one another, `levels` deep. */
export function nestedPlan(levels: number): Plan {
  const inside = (level: number): Sketch[] => {
    const id = `l${level}`;
    if (level === 0) return [act(`${id}_${Math.max(level, 0)}`)];
    return [
      act(`${id}_first`),
      level % 2 === 0
        ? choose(`${id}_choice`, { yes: inside(level - 1), no: [act(`${id}_no`)], default: [] })
        : parallel(`${id}_split`, {
            a: inside(level - 1),
            b: [block(`${id}_block`, [act(`${id}_b1`), act(`${id}_b2`)])],
          }),
    ];
  };
  return sketchPlan([...inside(levels), act('last')]);
}
