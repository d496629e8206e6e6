import { builtinModules } from 'node:module';
import prettier from 'eslint-config-prettier';
import jsdoc from 'eslint-plugin-jsdoc';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const nodeBuiltins = builtinModules.flatMap((name) => [name, `node:${name}`]);
const pure = ['src/domain/**/*.ts', 'workflows/**/*.ts'];
const tests = ['**/*.test.ts', 'test/**/*.ts'];

// A rule's options replace those of an earlier block, so the lists are put together here.
const everywhere = [
  {
    selector: 'MemberExpression[property.name=/^\\$(query|execute)RawUnsafe$/]',
    message: 'SQL as text invites injection: use the tagged $queryRaw or $executeRaw.',
  },
  {
    selector: 'Property[key.name="shell"][value.value=true]',
    message: 'No shell: pass the program and its arguments as a vector.',
  },
  {
    selector: 'MemberExpression[object.name=/^(cp|childProcess|child_process)$/][property.name=/^exec(Sync)?$/]',
    message: 'exec runs a shell: use execFile or spawn with an argument vector.',
  },
];
const namedExportsOnly = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };
const noClockNoChance = [
  {
    selector: 'NewExpression[callee.name="Date"][arguments.length!=1]',
    message: 'Time comes in as an argument (`now`).',
  },
  { selector: 'CallExpression[callee.name="Date"]', message: 'Time comes in as an argument (`now`).' },
  {
    selector: 'MemberExpression[object.name="Math"][property.name="random"]',
    message: 'Not the same on every replay.',
  },
  {
    selector: 'MemberExpression[property.name=/^(localeCompare|toLocale[A-Z]\\w*)$/]',
    message: 'Depends on the machine: compare and format by code unit.',
  },
];
// Only the driver may ask: inside a workflow, Date.now() is Temporal's own clock, the same on every replay.
const noClock = {
  selector: 'MemberExpression[object.name="Date"][property.name="now"]',
  message: 'Time comes in as an argument (`now`).',
};
const noHiddenTests = [
  {
    selector: 'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(only|skip|todo)$/]',
    message: 'Every test runs. What a machine may lack is decided in test/support, loudly.',
  },
  { selector: 'CallExpression[callee.name=/^(fit|fdescribe|xit|xtest|xdescribe)$/]', message: 'Every test runs.' },
];
const forbiddenImports = [
  ...['child_process', 'node:child_process'].map((name) => ({
    name,
    importNames: ['exec', 'execSync'],
    message: 'exec runs a shell: use execFile or spawn with an argument vector.',
  })),
  ...['vm', 'node:vm'].map((name) => ({
    name,
    message: 'Expressions have their own evaluator in src/domain/expression.',
  })),
];
const noEnvironment = {
  object: 'process',
  property: 'env',
  message: 'Settings are read in src/config and handed on.',
};

export default defineConfig(
  { ignores: ['dist', 'coverage', '.xyn', 'src/catalog/generated', '*.config.ts'] },
  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: { eqeqeq: 'error', 'no-eval': 'error', 'no-unused-vars': 'error', 'prefer-const': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { jsdoc },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      // `{ [key: string]: Json }` is the only way to write a recursive type.
      '@typescript-eslint/consistent-indexed-object-style': 'off',
      // Lists of settings and states are types as often as interfaces; both read well.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // The engine's state is made of JSON maps, and members of maps come and go.
      '@typescript-eslint/no-dynamic-delete': 'off',
      // Members of an index signature read better in brackets: they may be absent.
      '@typescript-eslint/dot-notation': 'off',
      // Implementations of an asynchronous interface need not wait for anything.
      '@typescript-eslint/require-await': 'off',
      // Recurses without end on recursive types such as Json.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // With noUncheckedIndexedAccess an index that is known to exist needs `as`, for `!` is forbidden.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true, boolean: true } }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
      'max-depth': ['error', 4],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 5],
      'no-console': 'error',
      'no-eval': 'error',
      'no-restricted-imports': ['error', { paths: forbiddenImports }],
      'no-restricted-properties': ['error', noEnvironment],
      'no-restricted-syntax': ['error', ...everywhere, namedExportsOnly],
      'jsdoc/no-types': 'error',
      'jsdoc/require-jsdoc': [
        'error',
        { publicOnly: true, require: { ClassDeclaration: true, FunctionDeclaration: true } },
      ],
    },
  },
  {
    files: pure,
    ignores: tests,
    rules: {
      'no-restricted-imports': ['error', { paths: nodeBuiltins }],
      'no-restricted-globals': [
        'error',
        'process',
        'fetch',
        'Buffer',
        'Intl',
        'WeakRef',
        'FinalizationRegistry',
        'crypto',
        'performance',
      ],
      'no-restricted-syntax': ['error', ...everywhere, namedExportsOnly, ...noClockNoChance],
    },
  },
  {
    files: ['src/domain/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-syntax': ['error', ...everywhere, namedExportsOnly, ...noClockNoChance, noClock],
    },
  },
  // The composition roots and the settings read the environment; programs with a terminal may print.
  { files: ['src/config/**/*.ts', 'src/main/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      'jsdoc/require-jsdoc': 'off',
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      'max-params': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', ...everywhere, ...noHiddenTests],
    },
  },
  // Skips of what a machine lacks are made here; a benchmark prints its figures.
  { files: ['test/support/**/*.ts'], rules: { 'no-restricted-syntax': ['error', ...everywhere] } },
  { files: ['test/bench/**/*.ts', 'test/support/**/*.ts'], rules: { 'no-console': 'off' } },
  prettier,
);
