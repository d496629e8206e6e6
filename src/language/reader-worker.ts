/** The thread in which documents are read: bytes in, plain results out. Started by `reader-thread.ts`. */
import { parentPort } from 'node:worker_threads';
import { readPlain } from './reader.js';

// The library asks the environment at every token whether to log it, and an environment is slow to ask: a plain object
// halves the time of its parser. This thread has nothing in its own.
Object.defineProperty(process, 'env', { value: {} });

parentPort?.on('message', (bytes: Uint8Array) => {
  const result = readPlain(bytes);
  parentPort?.postMessage(result, 'document' in result ? [result.document.spans.buffer as ArrayBuffer] : []);
});
parentPort?.postMessage('ready');
