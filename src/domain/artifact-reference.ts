/** What stands in a run's state for a result that is too large for it (language §8.4): exactly these keys. */
export type ArtifactReference = {
  artifact: string;
  /** Lower-case hex, of the JSON text. */
  sha256: string;
  bytes: number;
};

/** Whether a value looks like a reference; only the catalog knows whether something is behind it. */
export function isArtifactReference(value: Readonly<Record<string, unknown>>): value is ArtifactReference {
  const { artifact, sha256, bytes } = value;
  return (
    Object.keys(value).length === 3 &&
    typeof artifact === 'string' &&
    typeof sha256 === 'string' &&
    typeof bytes === 'number'
  );
}
