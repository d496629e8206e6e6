/** The thread in which documents are read: bytes in, plain results out. Started by `reader-thread.ts`. */
import { parentPort } from 'node:worker_threads';
import { readPlain } from './reader.js';

parentPort?.on('message', (bytes: Uint8Array) => parentPort?.postMessage(readPlain(bytes)));
parentPort?.postMessage('ready');
