import { ActivityFailure, ApplicationFailure, scheduleLocalActivity } from '@temporalio/workflow';
import type { Command, EngineEvent, ItemPage } from '../src/domain/engine/messages.js';
import type { FailureFacts } from '../src/domain/xyn-error.js';
import { TASK_FAILURE, type ReadTask, type SpillAnswer, type SpillTask } from './contract.js';
import { LIST_OPTIONS } from './task-options.js';

/** What moves a part of a loop's list between the run's state and the store. */
export type MoveCommand = Extract<Command, { c: 'spill' | 'page' }>;
type Moved<T = Extract<EngineEvent, { t: 'spilled' | 'page' }>> = T extends EngineEvent ? Omit<T, 'now'> : never;
type Unkept = Omit<Extract<EngineEvent, { t: 'unkept' }>, 'now'>;

/** Carries it out. @returns what the engine is told. */
export async function moved(command: MoveCommand): Promise<Moved> {
  const { path } = command;
  if (command.c === 'page') {
    const { list, from } = command;
    const args: [ReadTask] = [{ list, from }];
    return { t: 'page', path, from, ...(await scheduleLocalActivity<ItemPage>('readItems', args, LIST_OPTIONS)) };
  }
  const { c: _, ...task } = command;
  const args: [SpillTask] = [task];
  const answer = await scheduleLocalActivity<SpillAnswer>('spillResults', args, LIST_OPTIONS);
  return { t: 'spilled', path, chunk: command.chunk, ...answer };
}

/** Why a list can not be kept or read; undefined where it may be later. */
export function unkeptEvent(path: string, failure: unknown): Unkept | undefined {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  if (!(cause instanceof ApplicationFailure) || cause.type !== TASK_FAILURE) return undefined;
  return { t: 'unkept', path, error: cause.details?.[0] as FailureFacts };
}
