import type { HistoryJson } from '../../src/temporal/history-json.js';

/** Fields that name a machine or a process, and what stands in their place. */
const FIXED: Record<string, string> = {
  identity: 'worker',
  binaryChecksum: 'build',
  buildId: 'build',
  stackTrace: '',
};

/** A copy of a history without names of machines, processes, queues and folders; replays do not look at them. */
export function withoutMachine(history: HistoryJson): HistoryJson {
  return JSON.parse(JSON.stringify(history), (key, value: unknown) => {
    if (typeof value === 'string') return FIXED[key] ?? value;
    return key === 'taskQueue' ? fixedQueue(value as Record<string, unknown>) : value;
  }) as HistoryJson;
}

function fixedQueue(queue: Record<string, unknown>): Record<string, unknown> {
  const sticky = queue['kind'] === 'TASK_QUEUE_KIND_STICKY';
  return {
    ...queue,
    name: sticky ? 'sticky' : 'xyn',
    ...('normalName' in queue ? { normalName: 'xyn' } : {}),
  };
}

/** One event a line: small, and a difference shows where it is. */
export function historyText({ events }: HistoryJson): string {
  return `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}
