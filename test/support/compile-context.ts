import type { ActionCatalog, CatalogAction } from '../../src/domain/action-catalog.js';
import type { CompileContext } from '../../src/language/index.js';

const text = { type: 'string' };
const secret = {
  type: 'object',
  properties: { secret: text },
  required: ['secret'],
  additionalProperties: false,
  'x-secret': true,
};
const actions: Record<string, CatalogAction> = {
  'ssh.run': {
    pack: 'core@1.0.0',
    contract: 'sha256:ssh',
    input: {
      type: 'object',
      properties: {
        host: { ...text, 'x-sink': 'host' },
        cmd: text,
        argv: { type: 'array', items: text, 'x-sink': 'command' },
        port: { type: 'integer' },
        env: { type: 'object', additionalProperties: text },
        key: secret,
      },
      required: ['host'],
      additionalProperties: false,
    },
    output: {
      type: 'object',
      properties: { exit_code: { type: 'integer' }, stdout: { ...text, 'x-taint': true } },
      additionalProperties: false,
    },
    traits: { effect: 'write', idempotency: 'none' },
    static: ['cmd'],
    errors: { exit_nonzero: { retryable: false } },
  },
  'http.call': {
    pack: 'core@1.0.0',
    contract: 'sha256:http',
    input: {
      type: 'object',
      properties: { url: { ...text, 'x-sink': 'host' }, method: { enum: ['GET', 'POST'] }, body: {} },
      required: ['url'],
      additionalProperties: false,
    },
    output: { type: 'object', properties: { status: { type: 'integer' }, body: { 'x-taint': true } } },
    traits: { effect: 'write', idempotency: 'none' },
    traitsOf: ({ method = 'GET' }) =>
      method === 'GET' ? { effect: 'read', idempotency: 'safe' } : { effect: 'write', idempotency: 'none' },
    static: [],
    errors: { http_status: { retryable: true } },
  },
};
const catalog: ActionCatalog = { find: (name) => actions[name], names: () => Object.keys(actions).sort() };
/** Contracts like those of the core actions, small enough to read in a test. */
export const compileContext: CompileContext = {
  actions: catalog,
  providers: [{ name: 'openai', models: ['gpt-5'] }, { name: 'anthropic' }],
};
