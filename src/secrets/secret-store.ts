/** Where secrets are kept, by full path. Every backend refuses what it cannot do. */
export interface SecretStore {
  /** The value, or nothing when there is none. */
  get(path: string): Promise<string | undefined>;
  /** Paths below a prefix, sorted; never values. */
  list(prefix: string): Promise<string[]>;
  /** @throws XynFault `secrets_read_only` where the backend cannot write. */
  put(path: string, value: string): Promise<void>;
  /** @throws XynFault `secrets_read_only` where the backend cannot write. */
  delete(path: string): Promise<void>;
}
