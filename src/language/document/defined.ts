/** An object without its members that are undefined: plans leave out what is not said. */
export function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const kept: Partial<T> = {};
  for (const name of Object.keys(members) as (keyof T)[]) if (members[name] !== undefined) kept[name] = members[name];
  return kept as { [K in keyof T]: Exclude<T[K], undefined> };
}
