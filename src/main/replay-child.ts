import { json } from 'node:stream/consumers';
import { installRuntime } from '../temporal/worker.js';
import { replayHistory } from '../temporal/replay.js';
import { packagePaths } from './package-paths.js';

/**
 * Reads `{history, workflowId}` from standard input, replays the history, and writes the verdict. A process of its own: the
 * replay needs the worker's native library, which the API does without, and can be ended at any moment.
 */
installRuntime({ log: () => undefined });
const { history, workflowId } = (await json(process.stdin)) as { history: unknown; workflowId: string };
const verdict = await replayHistory(packagePaths.workflowBundle, history, workflowId);
process.stdout.write(JSON.stringify(verdict), () => process.exit(0));
