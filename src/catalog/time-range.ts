/** A condition on a column of times: from a time on, and before another. Either end may be open. */
export function timeRange<C extends string>(
  column: C,
  from: string | undefined,
  to: string | undefined,
): { [name in C]?: { gte?: Date; lt?: Date } } {
  if (from === undefined && to === undefined) return {};
  const range = {
    ...(from === undefined ? {} : { gte: new Date(from) }),
    ...(to === undefined ? {} : { lt: new Date(to) }),
  };
  return { [column]: range } as { [name in C]?: { gte?: Date; lt?: Date } };
}
