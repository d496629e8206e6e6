import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ActionCatalog, CatalogAction } from '../domain/action-catalog.js';
import type { ScenarioRunDto } from '../domain/drafts.js';
import { XynFault } from '../domain/fault.js';
import { isJsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import { compileBlueprint, type CompileContext } from '../language/index.js';
import type { Problem } from '../language/problem.js';
import { readInWorker } from '../language/reader-thread.js';
import type { Source } from '../language/source.js';
import { checkScenarios } from './check-keys.js';
import { readContracts, remembered, withContracts } from './contracts.js';
import { CoverageCollector } from './coverage.js';
import { pointerTo, problemAt, schemaProblems } from './problems.js';
import type { ScenarioFileReport, ScenarioReport, ScenarioRunReport } from './report.js';
import { runScenario, type ScenarioSubject } from './run-scenario.js';
import { scenarioFileSchema, type ScenarioFile } from './scenario-schema.js';

const MAX_FILES = 10_000;

export interface ScenarioOptions {
  /** Repeat every scenario with shuffled completions, everything twice, and hand-overs. */
  chaos?: boolean;
  /** Say what no scenario reached. */
  coverage?: boolean;
}

/**
 * Runs all scenarios of files and folders, without any server and in virtual time. Folders are searched for `*.test.yaml`.
 * @throws XynFault `request_invalid` when a file cannot be read, or there is none.
 */
export async function runScenarioFiles(
  paths: readonly string[],
  context: CompileContext,
  options: ScenarioOptions = {},
): Promise<ScenarioRunReport> {
  const runner = new FileRunner({ ...context, actions: remembered(context.actions) }, options, ON_DISK);
  const files: ScenarioFileReport[] = [];
  for (const file of await filesOf(paths)) files.push(await runner.run(file));
  const outcomes = files.flatMap(({ scenarios }) => scenarios);
  const broken = files.filter(({ problems }) => problems.some(({ severity }) => severity === 'error')).length;
  const failed = outcomes.filter(({ ok }) => !ok).length + broken;
  return { ok: failed === 0, passed: outcomes.length - outcomes.filter(({ ok }) => !ok).length, failed, files };
}

/** Where texts come from; undefined: there is none of that name. */
interface Texts {
  /** @throws XynFault `request_invalid` */
  scenarios(file: string): Promise<Uint8Array>;
  actions(file: string): Promise<Uint8Array | undefined>;
  blueprint(file: string): Promise<Uint8Array | undefined>;
  /** Fields that a file of scenarios need not have here. */
  missing: Pick<ScenarioFile, 'blueprint'> | Record<string, never>;
}

const ON_DISK: Texts = {
  scenarios: (file) => attempted(file, () => readFile(file)),
  actions: (file) => readFile(file).catch(() => undefined),
  blueprint: (file) => readFile(file).catch(() => undefined),
  missing: {},
};

/**
 * Runs the scenarios of a text against a document, whatever blueprint they name, if any. They know no contracts but those
 * of `context`. Reads no file.
 */
export async function runScenarioTexts(
  { definition, scenarios }: { definition: Uint8Array; scenarios: Uint8Array },
  context: CompileContext,
): Promise<ScenarioRunDto> {
  const texts: Texts = {
    scenarios: () => Promise.resolve(scenarios),
    actions: () => Promise.resolve(undefined),
    blueprint: () => Promise.resolve(definition),
    missing: { blueprint: './definition.yaml' },
  };
  const file = '/scenarios.yaml';
  const runner = new FileRunner({ ...context, actions: remembered(context.actions) }, { coverage: true }, texts);
  const report = await runner.run(file);
  const problems = report.problems.map((problem) => ({
    ...problem,
    file: problem.file === file ? ('scenarios' as const) : ('definition' as const),
  }));
  const outcomes = report.scenarios.map(({ took_ms: _ms, ...outcome }) => outcome);
  const passed = outcomes.filter(({ ok }) => ok).length;
  const failed = outcomes.length - passed + (problems.some(({ severity }) => severity === 'error') ? 1 : 0);
  const covered = report.coverage === undefined ? {} : { coverage: report.coverage };
  return { ok: failed === 0, passed, failed, problems, scenarios: outcomes, ...covered };
}

async function filesOf(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const one of paths) {
    const isFolder = (await attempted(one, () => stat(one))).isDirectory();
    found.push(...(isFolder ? await filesIn(one) : [one]));
  }
  if (found.length === 0) throw new XynFault('request_invalid', `There is no *.test.yaml in ${paths.join(', ')}.`);
  return found.slice(0, MAX_FILES);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const inner = path.join(folder, entry.name);
    if (entry.isDirectory()) found.push(...(await filesIn(inner)));
    else if (/\.test\.ya?ml$/.test(entry.name)) found.push(inner);
  }
  return found;
}

async function attempted<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new XynFault('request_invalid', `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

type FileProblems = { problems: (Problem & { file: string })[] };

const inFile = (file: string, problems: readonly Problem[]): FileProblems => ({
  problems: problems.map((one) => ({ ...one, file })),
});

/** Runs files one after the other; a blueprint that several of them name is compiled once. */
class FileRunner {
  readonly #context: CompileContext;
  readonly #options: ScenarioOptions;
  readonly #texts: Texts;
  readonly #plans = new Map<string, Promise<{ plan: Plan } | FileProblems>>();

  constructor(context: CompileContext, options: ScenarioOptions, texts: Texts) {
    this.#context = context;
    this.#options = options;
    this.#texts = texts;
  }

  async run(file: string): Promise<ScenarioFileReport> {
    const loaded = await this.#load(file);
    if ('problems' in loaded) return { file, problems: loaded.problems, scenarios: [] };
    const { source, written, subject } = loaded;
    const coverage = new CoverageCollector(subject.plan);
    const scenarios = written.scenarios.map((scenario, ix): ScenarioReport => {
      const began = performance.now();
      const { mismatches, run } = runScenario(subject, scenario);
      if (run !== undefined) coverage.add(run);
      return {
        name: scenario.name,
        ...source.placeOf(pointerTo('scenarios', ix)),
        ok: mismatches.length === 0,
        mismatches,
        took_ms: Math.round((performance.now() - began) * 1_000) / 1_000,
      };
    });
    const covered = this.#options.coverage === true ? { coverage: coverage.coverage() } : {};
    return { file, problems: [], scenarios, ...covered };
  }

  async #load(
    file: string,
  ): Promise<{ source: Source; written: ScenarioFile; subject: ScenarioSubject } | FileProblems> {
    const read = await readInWorker(await this.#texts.scenarios(file));
    if ('problems' in read) return inFile(file, read.problems);
    const { source } = read;
    const { value } = source;
    const parsed = scenarioFileSchema.safeParse(isJsonObject(value) ? { ...this.#texts.missing, ...value } : value);
    if (!parsed.success) return inFile(file, schemaProblems(source, parsed.error.issues));
    const written = parsed.data;
    const actions = await this.#actions(file, source, written.actions);
    if ('problems' in actions) return actions;
    const compiled = await this.#compile(file, source, written, actions.catalog);
    if ('problems' in compiled) return compiled;
    const { plan } = compiled;
    const problems = checkScenarios(source, plan, actions.catalog, written.scenarios);
    if (problems.length > 0) return inFile(file, problems);
    const chaos = this.#options.chaos === true;
    return { source, written, subject: { plan, actions: actions.catalog, env: written.env, chaos } };
  }

  async #actions(file: string, source: Source, named?: string): Promise<{ catalog: ActionCatalog } | FileProblems> {
    if (named === undefined) return { catalog: this.#context.actions };
    const at = path.resolve(path.dirname(file), named);
    const bytes = await this.#texts.actions(at);
    if (bytes === undefined) return inFile(file, [missing(source, 'actions', at)]);
    const read = await readInWorker(bytes);
    if ('problems' in read) return inFile(at, read.problems);
    const contracts: { actions: Map<string, CatalogAction> } | { problems: Problem[] } = readContracts(read.source);
    if ('problems' in contracts) return inFile(at, contracts.problems);
    return { catalog: withContracts(this.#context.actions, contracts.actions) };
  }

  async #compile(
    file: string,
    source: Source,
    { blueprint, actions }: ScenarioFile,
    catalog: ActionCatalog,
  ): Promise<{ plan: Plan } | FileProblems> {
    const at = path.resolve(path.dirname(file), blueprint);
    const key = `${at}\n${actions === undefined ? '' : path.resolve(path.dirname(file), actions)}`;
    let compiled = this.#plans.get(key);
    if (compiled === undefined) {
      const bytes = await this.#texts.blueprint(at);
      if (bytes === undefined) return inFile(file, [missing(source, 'blueprint', at)]);
      compiled = compileBlueprint(bytes, { ...this.#context, actions: catalog }).then(({ compiled: one, problems }) =>
        one === undefined ? inFile(at, problems) : { plan: one.plan },
      );
      this.#plans.set(key, compiled);
    }
    return compiled;
  }
}

function missing(source: Source, field: string, file: string): Problem {
  return problemAt(source, pointerTo(field), { code: 'file_missing', message: `There is no file ${file}.` });
}
