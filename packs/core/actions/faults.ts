import { ActionFailure } from '../../../src/domain/action.js';
import { XynFault } from '../../../src/domain/fault.js';

/** How the faults of Xyn's own services look to blueprints. */
export interface FaultNames {
  /** Codes that the contract declares. */
  declared: readonly string[];
  /** What may pass (the database, the audit trail or the disk is away), and is tried again. */
  later: string;
  /** Codes of services that have another name in the contract. */
  names?: Readonly<Record<string, string>>;
}

/** Runs work of a service; its faults become failures of the action's contract. */
export async function withFaults<T>({ declared, later, names }: FaultNames, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof XynFault)) throw error;
    const code = names?.[error.code] ?? error.code;
    if (declared.includes(code)) throw failure(code, error.message, error);
    if (error.retryable) {
      throw new ActionFailure({ code: later, message: error.message, retryable: true }, { cause: error });
    }
    throw error;
  }
}

/** A failure that another attempt would only repeat. */
export function failure(code: string, message: string, cause?: unknown): ActionFailure {
  return new ActionFailure({ code, message, retryable: false }, { cause });
}
