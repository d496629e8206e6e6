/**
 * Paths of a run (language §5.7): step ids joined by dots, where a segment may carry a branch or case (`probes:disk`), an
 * index (`patch[17]`) and an attempt from 2 on (`roll#2`); `!h` are handlers, `~finally`, `~undo[k]`, `~recover` derived.
 */
export function childPath(holder: string, id: string): string {
  return holder === '' ? id : `${holder}.${id}`;
}

/** What the paths of a run tell about its holders. */
export interface PathFacts {
  /** The newest attempt by the path of the block. */
  attempts: Map<string, number>;
  /** Handlers of which a step has a record: `roll!0`, of the root `!0`. */
  handlers: Set<string>;
  /** Paths of undo steps by the path of the step that they undo, in their order. */
  undo: Map<string, string[]>;
}

/** One pass over the paths: linear in their length. */
export function readPaths(paths: Iterable<string>): PathFacts {
  const facts: PathFacts = { attempts: new Map(), handlers: new Set(), undo: new Map() };
  for (const path of paths) {
    for (const found of path.matchAll(/#(\d+)|!\d+|~undo\[\d+\]/g)) {
      const before = path.slice(0, found.index);
      if (found[1] !== undefined) {
        facts.attempts.set(before, Math.max(facts.attempts.get(before) ?? 1, Number(found[1])));
      } else if (found[0].startsWith('!')) {
        facts.handlers.add(before + found[0]);
      } else {
        const steps = facts.undo.get(before);
        if (steps === undefined) facts.undo.set(before, [path]);
        else steps.push(path);
      }
    }
  }
  return facts;
}
