/** A condition on columns, and the columns to order by before anything else. */
export interface OwnIndex<C extends string> {
  where: Partial<Record<C, string | { gte: string; lte: string }>>;
  orderBy: Partial<Record<C, 'asc' | 'desc'>>[];
}

/**
 * Equality with one value, so that Postgres reads the index that begins with that column. With an equal sign it would know
 * that the column says nothing about the order, and might rather walk all rows by time until it meets enough of them: that
 * takes seconds for a value that was frequent and has not come for long. With more conditions than one, or none, they stay
 * as they are.
 * @param direction in which the index is read: backwards where all its columns ascend and the list descends.
 * @param isFirstPage on a later page, or with bounds of time, the place in the index matters more than the order.
 */
export function byOwnIndex<C extends string>(
  equal: Readonly<Partial<Record<C, string | undefined>>>,
  direction: 'asc' | 'desc',
  isFirstPage: boolean,
): OwnIndex<C> {
  const given = Object.entries(equal).filter((one): one is [C, string] => typeof one[1] === 'string');
  const [only] = given;
  if (only === undefined || given.length > 1 || !isFirstPage) {
    return { where: Object.fromEntries(given) as OwnIndex<C>['where'], orderBy: [] };
  }
  const [column, value] = only;
  return {
    where: { [column]: { gte: value, lte: value } } as OwnIndex<C>['where'],
    orderBy: [{ [column]: direction }] as OwnIndex<C>['orderBy'],
  };
}
