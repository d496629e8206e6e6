import { ActionFailure } from '../src/domain/action.js';
import { XynFault } from '../src/domain/fault.js';

/** How long one attempt waits for the catalog before its effect: short outages pass unnoticed, `none` steps survive them. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 500;

/**
 * Asks the catalog again and again while it is away; nothing has been done yet, so waiting is safe.
 * @throws ActionFailure `audit_unavailable` after a minute; what `signal` aborts with.
 */
export async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof XynFault) || Date.now() + PAUSE_MS > deadline) {
        throw new ActionFailure(
          {
            code: 'audit_unavailable',
            message: 'The audit trail cannot be written, so nothing was done.',
            retryable: true,
          },
          { cause: error },
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
