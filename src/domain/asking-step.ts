/** The step on whose behalf an action works with what Xyn itself keeps. */
export interface AskingStep {
  runId: string;
  path: string;
  /** The same on every attempt. */
  key: string;
}
