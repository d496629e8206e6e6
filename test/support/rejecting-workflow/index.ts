import { condition } from '@temporalio/workflow';

/** Waits for ever, or with a promise that failed and that nobody waits for. */
export async function rejecting(input: { message?: string }): Promise<void> {
  if (input.message !== undefined) void Promise.reject(new Error(input.message));
  await condition(() => false);
}
