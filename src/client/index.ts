/** The client of Xyn's API: `import { ApiClient } from 'xyn/client'`. See docs/api.md. */
export type { ErrorCode } from '../domain/error-codes.js';
export { XynFault } from '../domain/fault.js';
export { allOf } from './listing.js';
export type { ApiClientOptions } from './options.js';
export {
  ApiClient,
  type Applied,
  type Artifact,
  type BlueprintDetail,
  type DraftDetail,
  type DraftDiff,
  type DraftTest,
  type DraftToSave,
  type Event,
  type GateDecided,
  type GateDetail,
  type Rerun,
  type Run,
  type RunDetail,
  type Step,
  type Validation,
} from './api-client.js';
