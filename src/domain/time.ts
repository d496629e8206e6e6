/** RFC 3339 UTC text with milliseconds of a time in milliseconds since the epoch. */
export function isoUtc(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
