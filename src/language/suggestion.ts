/** Edits up to which a name counts as misspelt. */
const MAX_DISTANCE = 2;

/**
 * The name nearest to what was written, if it is within 2 edits (Damerau–Levenshtein: insert, delete, replace, swap
 * neighbours) and shares more than it differs; of equals the first in the alphabet.
 */
export function nearestName(written: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const name of [...names].sort()) {
    const distance = editDistance(written, name, least - 1);
    if (distance < least && distance < Math.max(written.length, name.length) / 2) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

/** The number of edits between two names; any number above `limit` if there are more. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] as number) + 1,
        (current[column - 1] as number) + 1,
        (last[column - 1] as number) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] as number) + 1);
      }
      current.push(cost);
    }
    if (Math.min(...current) > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return last[b.length] as number;
}
