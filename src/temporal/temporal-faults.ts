import { isGrpcServiceError, ServiceError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { XynFault } from '../domain/fault.js';

/** The gRPC codes that Xyn tells apart. */
export const GRPC = { invalidArgument: 3, notFound: 5, failedPrecondition: 9 } as const;

/** Answers that say that the request itself is wrong: the same call fails again. */
const REFUSALS = new Set<number>([GRPC.invalidArgument, GRPC.notFound, 6, GRPC.failedPrecondition, 7, 11, 12, 16]);

/** The gRPC code and text of a failed call, also when the SDK wrapped it; undefined for every other error. */
export function grpcStatusOf(error: unknown): { code: number; details: string } | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    if (isGrpcServiceError(at)) return { code: at.code, details: at.details };
  }
  return undefined;
}

/** Whether a call failed since nobody answered in time: it may or may not have been carried out. */
export function isTemporalUnavailable(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const status = grpcStatusOf(error);
  if (status !== undefined) return !REFUSALS.has(status.code);
  return error instanceof ServiceError;
}

/** Whether the server knows no such workflow, or the workflow has closed and takes no messages any more. */
export function isWorkflowGone(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  const status = grpcStatusOf(error);
  return status?.code === GRPC.notFound && !/namespace/i.test(status.details);
}

/** `temporal_unavailable` when nobody answered, else `internal`; a fault passes unchanged. */
export function temporalFault(error: unknown): XynFault {
  if (error instanceof XynFault) return error;
  const status = grpcStatusOf(error);
  const options = { cause: error, ...(status === undefined ? {} : { details: { grpc_code: status.code } }) };
  // Also a namespace that is missing: a server that was just made new registers it within seconds.
  if (isTemporalUnavailable(error) || /namespace/i.test(status?.details ?? '')) {
    return new XynFault('temporal_unavailable', 'The Temporal server does not answer. Try again.', options);
  }
  return new XynFault('internal', 'The Temporal server refused a request.', options);
}
