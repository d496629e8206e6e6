import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

/** Prisma's schema engine as WebAssembly: an internal package, pinned by hash; for tests only. */
interface SchemaEngineModule {
  __wbg_set_wasm(exports: object): void;
  SchemaEngine: {
    new: (options: { datamodels: [string, string][] }, log: () => void, factory: unknown) => Promise<SchemaEngine>;
  };
}
interface SchemaEngine {
  diff(params: Record<string, unknown>): Promise<{ exitCode: number; stdout: string | null }>;
}

/** The part of the global that is used; the compiler's libraries without a browser do not declare it. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    instantiate(wasm: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
  };
};

const require = createRequire(import.meta.url);
const schemaFile = fileURLToPath(new URL('../../prisma/schema.prisma', import.meta.url));
/** Postgres' internal type `"char"`, in catalog queries of the engine; the adapter does not know it. */
const INTERNAL_CHAR = 18;
const TEXT = 25;

/**
 * The SQL that would bring a database to a Prisma schema; no statements when both agree. Runs offline.
 * @param url of the owner.
 * @param schema text of a schema; default: that of this checkout.
 */
export async function sqlFromDatabaseToSchema(url: string, schema?: string): Promise<string> {
  const content = schema ?? (await readFile(schemaFile, 'utf8'));
  const datamodel: [string, string] = ['prisma/schema.prisma', content];
  const files = [{ path: datamodel[0], content }];
  const { factory, dispose } = adapterFactory(url);
  const restore = readInternalCharAsText();
  try {
    const { SchemaEngine } = await loadEngine();
    const engine = await SchemaEngine.new({ datamodels: [datamodel] }, () => undefined, factory);
    const { stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: 'prisma' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: true,
      shadowDatabaseUrl: null,
      filters: { externalTables: [], externalEnums: [] },
    });
    return stdout ?? '';
  } finally {
    restore();
    await dispose();
  }
}

let engineModule: Promise<SchemaEngineModule> | undefined;

/** Once per process: its glue code keeps views of the first instance's memory. */
function loadEngine(): Promise<SchemaEngineModule> {
  engineModule ??= instantiateEngine();
  return engineModule;
}

async function instantiateEngine(): Promise<SchemaEngineModule> {
  const name = '@prisma/schema-engine-wasm/schema_engine_bg';
  const glue = (await import(name)) as SchemaEngineModule;
  const wasm = await readFile(require.resolve(name).replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': { ...glue } });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return glue;
}

/** Adapters for the engine, which leaves it to us to close them. */
function adapterFactory(url: string): { factory: unknown; dispose: () => Promise<void> } {
  // Not a dependency of ours: taken from where the adapter finds it, so that both have the same one.
  const utils = createRequire(require.resolve('@prisma/adapter-pg'))('@prisma/driver-adapter-utils') as {
    bindMigrationAwareSqlAdapterFactory(factory: unknown): unknown;
  };
  const base = new PrismaPg({ connectionString: url });
  const opened: { dispose(): Promise<void> }[] = [];
  const factory = utils.bindMigrationAwareSqlAdapterFactory({
    provider: base.provider,
    adapterName: base.adapterName,
    async connect() {
      const adapter = await base.connect();
      opened.push(adapter);
      return adapter;
    },
    // The adapter's own would run on the main database when it was given a URL.
    connectToShadowDb: async () => Promise.reject(new Error('no shadow database here')),
  });
  return {
    factory,
    async dispose() {
      for (const adapter of opened) await adapter.dispose();
    },
  };
}

/** The adapter refuses `"char"`; for the time of a diff the driver reports it as text. */
function readInternalCharAsText(): () => void {
  const prototype = (pg as unknown as { Result: { prototype: ResultPrototype } }).Result.prototype;
  const original = prototype.addFields;
  prototype.addFields = function addFields(fields) {
    for (const field of fields) if (field.dataTypeID === INTERNAL_CHAR) field.dataTypeID = TEXT;
    original.call(this, fields);
  };
  return () => {
    prototype.addFields = original;
  };
}

interface ResultPrototype {
  addFields: (this: unknown, fields: { dataTypeID: number }[]) => void;
}
