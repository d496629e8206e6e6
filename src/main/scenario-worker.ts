/** The thread in which scenarios of drafts run: two texts in, a report out. Started by `scenario-thread.ts`. */
import { parentPort } from 'node:worker_threads';
import { runScenarioTexts } from '../scenarios/scenario-files.js';
import { compileContext } from './compiler.js';

const context = compileContext();
parentPort?.once('message', (texts: Parameters<typeof runScenarioTexts>[0]) => {
  void runScenarioTexts(texts, context).then((report) => parentPort?.postMessage(report));
});
parentPort?.postMessage('ready');
