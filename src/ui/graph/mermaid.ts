import type { Handler, HolderNode, Plan, PlanNode, Scope } from '../../domain/plan.js';
import { cut } from './cut.js';

/** Where a line begins, and what stands on it. */
interface Exit {
  from: string;
  label?: string;
  dotted?: true;
}

type Handlers = readonly Handler[] | undefined;

/** Room for a title, as `cut` counts it. */
const TITLE = { widthPx: 320, fontPx: 12 };

/**
 * A plan as a Mermaid flowchart: conditions and switches as diamonds, branches side by side, blocks and loops as frames,
 * handlers on dotted lines. Pure; the same plan gives the same text.
 */
export function mermaidOf(plan: Plan): string {
  return new Chart(plan).text();
}

class Chart {
  readonly #plan: Plan;
  readonly #shapes: string[] = [];
  readonly #lines: string[] = [];
  #count = 0;
  #depth = 1;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  text(): string {
    const { root, name, id } = this.#plan;
    this.#shape('begin', '([', name ?? id, '])');
    const exits = this.#scope(root, [{ from: 'begin' }], root.on_error, 'begin');
    this.#shape('done', '([', 'end', '])');
    this.#join(exits, 'done');
    return `${['flowchart TD', ...this.#shapes, ...this.#lines].join('\n')}\n`;
  }

  #shape(id: string, open: string, text: string, close: string): void {
    this.#shapes.push(
      `${'  '.repeat(this.#depth)}${id}${open}"${text.split('\n').map(escaped).join('<br/>')}"${close}`,
    );
  }

  #next(open: string, text: string, close: string): string {
    const id = `n${this.#count}`;
    this.#count += 1;
    this.#shape(id, open, text, close);
    return id;
  }

  #join(exits: readonly Exit[], to: string): void {
    for (const { from, label, dotted } of exits) {
      const arrow = dotted === true ? '-.->' : '-->';
      this.#lines.push(`  ${from} ${arrow}${label === undefined ? '' : `|"${escaped(label)}"|`} ${to}`);
    }
  }

  /** A list, its handlers, and what it does last. @returns where the way goes on. */
  #scope({ do: list, finally: last = [] }: Scope, exits: readonly Exit[], handlers: Handlers, entry: string): Exit[] {
    const after = [...this.#list(list, exits), ...this.#handlers(handlers, entry)];
    return last.length === 0 ? after : this.#framed('finally', () => this.#list(last, after));
  }

  #list(list: readonly number[], exits: readonly Exit[]): Exit[] {
    return list.reduce<Exit[]>((before, ix) => this.#step(this.#plan.nodes[ix] as PlanNode, before), [...exits]);
  }

  #framed<T>(title: string, draw: () => T): T {
    this.#shape(`subgraph f${this.#count}`, '[', title, ']');
    this.#count += 1;
    this.#depth += 1;
    const drawn = draw();
    this.#depth -= 1;
    this.#shapes.push(`${'  '.repeat(this.#depth)}end`);
    return drawn;
  }

  #step(node: PlanNode, exits: readonly Exit[]): Exit[] {
    if (node.when === undefined) return this.#always(node, exits);
    const condition = this.#next('{', `${titleOf(node)}?`, '}');
    this.#join(exits, condition);
    const ends = this.#always(node, [{ from: condition, label: 'yes' }]);
    return [...ends, { from: condition, label: 'no' }];
  }

  #always(node: PlanNode, exits: readonly Exit[]): Exit[] {
    const { entry, ends } = this.#drawn(node, exits);
    // Those of a block stand before what it does last.
    return node.kind === 'block' ? ends : [...ends, ...this.#handlers(node.on_error, entry)];
  }

  #drawn(node: PlanNode, exits: readonly Exit[]): { entry: string; ends: Exit[] } {
    if ('bodies' in node) return this.#holder(node, exits);
    const [open, close] = node.kind === 'gate' ? ['{{', '}}'] : node.kind === 'wait' ? ['([', '])'] : ['[', ']'];
    const entry = this.#next(open, `${titleOf(node)}\n${whatOf(node)}`, close);
    this.#join(exits, entry);
    return { entry, ends: [{ from: entry }] };
  }

  #holder(node: HolderNode, exits: readonly Exit[]): { entry: string; ends: Exit[] } {
    if (node.kind === 'switch' || node.kind === 'parallel') return this.#lanes(node, exits);
    const isLoop = node.kind === 'for_each';
    return this.#framed(isLoop ? `${titleOf(node)}: for each ${node.as}` : titleOf(node), () => {
      const entry = this.#next('([', isLoop ? `each ${node.as}` : 'begin', '])');
      this.#join(exits, entry);
      const ends = this.#scope(node.bodies.do, [{ from: entry }], isLoop ? [] : node.on_error, entry);
      if (!isLoop) return { entry, ends };
      this.#join(
        ends.map((end) => ({ ...end, label: 'next' })),
        entry,
      );
      return { entry, ends: [{ from: entry, label: 'all done' }] };
    });
  }

  #lanes(
    node: Extract<HolderNode, { kind: 'switch' | 'parallel' }>,
    exits: readonly Exit[],
  ): { entry: string; ends: Exit[] } {
    const isSwitch = node.kind === 'switch';
    const entry = isSwitch ? this.#next('{', titleOf(node), '}') : this.#next('[[', `${titleOf(node)}\nat once`, ']]');
    this.#join(exits, entry);
    const names = isSwitch ? [...node.cases.map(({ name }) => name), 'default'] : Object.keys(node.bodies).sort();
    const ends = names.flatMap((name) => {
      const body = node.bodies[name];
      return body === undefined ? [{ from: entry, label: name }] : this.#list(body.do, [{ from: entry, label: name }]);
    });
    if (isSwitch) return { entry, ends };
    const joined = this.#next('[[', node.join === undefined ? 'all' : `first ${node.join}`, ']]');
    this.#join(ends, joined);
    return { entry, ends: [{ from: joined }] };
  }

  #handlers(handlers: Handlers, from: string): Exit[] {
    return (handlers ?? []).flatMap(({ codes, do: list, then }): Exit[] => {
      const label = `on error ${codes?.join(', ') ?? ''}`.trim();
      const ends = this.#list(list, [{ from, label, dotted: true }]);
      if (then === 'continue') return ends;
      const failed = this.#next('([', 'failed', '])');
      this.#join(ends, failed);
      return [];
    });
  }
}

function titleOf({ name, id }: PlanNode): string {
  return name ?? id;
}

function whatOf(node: PlanNode): string {
  if (node.kind === 'action_task') return node.action;
  return node.kind === 'agent_task' ? `${node.provider} ${node.model}` : node.kind;
}

/** Mermaid reads marks of its own in texts: all that is no plain text becomes a character by number. */
function escaped(text: string): string {
  const line = cut(text, TITLE.widthPx, TITLE.fontPx);
  return line.replace(/[^\p{L}\p{N} _.,:/?()-]/gu, (character) => `#${character.codePointAt(0)};`);
}
