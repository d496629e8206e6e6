/** From this part of its age on a value is read again beforehand. */
const AHEAD = 0.75;

interface Reading<T> {
  value: Promise<T>;
  at: number;
}

/**
 * A value that may be a little old. One that is older than `maxAgeMs` is read again, by one reader for all who ask meanwhile;
 * who asks shortly before that gets the value that is known while the next one is read, so that of those who ask all the time
 * nobody waits. A failure is not kept.
 */
export function cached<T>(maxAgeMs: number, clock: () => number, read: () => Promise<T>): () => Promise<T> {
  let known: Reading<T> | undefined;
  let next: Reading<T> | undefined;
  const begin = (): Reading<T> => {
    const mine = { value: read(), at: clock() };
    next = mine;
    const end = (): void => {
      if (next === mine) next = undefined;
    };
    mine.value.then(() => {
      known = mine;
      end();
    }, end);
    return mine;
  };
  return () => {
    const age = known === undefined ? Infinity : clock() - known.at;
    if (known !== undefined && age < maxAgeMs * AHEAD) return known.value;
    const reading = (next ??= begin());
    return known === undefined || age >= maxAgeMs ? reading.value : known.value;
  };
}
