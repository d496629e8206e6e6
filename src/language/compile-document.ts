import { createHash } from 'node:crypto';
import { compileSource, type CompileContext, type CompileResult } from './compile.js';
import { readInWorker } from './reader-thread.js';

/**
 * Compiles a document: YAML or JSON, either dialect. All problems at once, in the order of the text, at most 50. The same
 * bytes with the same contracts of actions give the same plan. Never throws for what a document holds.
 */
export async function compileBlueprint(bytes: Uint8Array, context: CompileContext): Promise<CompileResult> {
  const read = await readInWorker(bytes);
  if ('problems' in read) return { problems: read.problems };
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return compileSource(read.source, digest, context);
}
