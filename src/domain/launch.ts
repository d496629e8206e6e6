import type { JsonObject } from './json.js';
import type { PreviewList } from './plan-preview.js';

/** What would run, from the plan that a start now would get. */
export interface LaunchPreview {
  blueprint_id: string;
  name: string;
  version: number;
  digest: string;
  /** JSON Schema of the inputs. */
  schema: JsonObject;
  /** What is wrong with the inputs, by JSON pointer; empty: a run could start. */
  problems: readonly { path: string; message: string }[];
  /** What the inputs decide, as far as they are there. */
  lists: readonly PreviewList[];
  usual: { median_ms: number; p95_ms: number } | null;
}
