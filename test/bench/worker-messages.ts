/** Who runs the workflows of a worker process. */
export type Variant = 'hand' | 'bare' | 'full';

/** Settings of a worker process, as JSON in its first argument. */
export interface WorkerChildSettings {
  variant: Variant;
  address: string;
  taskQueue: string;
  bundlePath: string;
  /** Where `full` writes its records. */
  databaseUrl: string;
  /** Whether `full` keeps large results and lists too, as a real worker does. */
  keepsLists: boolean;
}

/** What a worker process has used so far. */
export interface Usage {
  cpuMs: number;
  rssBytes: number;
  /** Records that are not committed yet. */
  pending: number;
  dropped: number;
}

export type ToChild = { t: 'usage' } | { t: 'stop' };
export type FromChild =
  { t: 'ready' } | ({ t: 'usage' } & Usage) | { t: 'mark'; runId: string; path: string; at: number };
