/**
 * A value that may be a little old: read again when it is older than `maxAgeMs`, by one reader for all who ask meanwhile.
 * A failure is not kept.
 */
export function cached<T>(maxAgeMs: number, clock: () => number, read: () => Promise<T>): () => Promise<T> {
  let known: { value: Promise<T>; at: number } | undefined;
  return () => {
    if (known !== undefined && clock() - known.at < maxAgeMs) return known.value;
    const mine = { value: read(), at: clock() };
    known = mine;
    mine.value.catch(() => {
      if (known === mine) known = undefined;
    });
    return mine.value;
  };
}
