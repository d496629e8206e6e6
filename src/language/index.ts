export type { CompileContext, CompileResult } from './compile.js';
export { compileBlueprint } from './compile-document.js';
export { migrateDocument } from './migrate.js';
export { documentSchema } from './schema/document-schema.js';
