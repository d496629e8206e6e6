import type { DocumentAnswer, GraphFormat } from '../cli/actions.js';
import { migrateDocument } from '../language/index.js';
import { mermaidOf } from '../ui/graph/mermaid.js';
import { standaloneSvg } from '../ui/graph/standalone-svg.js';
import { compileContext, createCompiler, createDocumentSchema } from './compiler.js';

/** Draws what a document compiles to; nothing has to run for that. */
export async function drawBlueprint(document: Uint8Array, format: GraphFormat): Promise<DocumentAnswer> {
  const { compiled, problems } = await createCompiler()(document);
  if (compiled === undefined) return { problems };
  const { plan } = compiled;
  return { text: format === 'svg' ? standaloneSvg(plan) : mermaidOf(plan), problems: [] };
}

/** The JSON Schema of documents as a file. */
export function blueprintSchemaText(): string {
  return `${JSON.stringify(createDocumentSchema(), undefined, 2)}\n`;
}

/** A v0 document in v1. */
export function migrateBlueprint(document: Uint8Array): Promise<DocumentAnswer> {
  return migrateDocument(document, compileContext());
}
