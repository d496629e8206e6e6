/** What stands for values beyond the bound. */
const OTHER = 'other';

/**
 * Keeps the values of a label few, since every new one is a series for ever: the first `max` that come stay themselves,
 * later ones are `other`.
 */
export function boundedLabel(max: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= max) return OTHER;
    known.add(value);
    return value;
  };
}
