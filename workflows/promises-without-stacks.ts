/**
 * Keeps the SDK from noting where each promise of a workflow was made: a fifth of the CPU of a replay, for the query
 * `__stack_trace`, which says of a generic interpreter only that it interprets. There is no setting for it. The SDK's hook
 * compiles two functions with the constructor of the promise's constructor and reads the stack of an error that one of them
 * gives it, so it is given something without a stack. Which run an unhandled rejection belongs to stays known.
 *
 * Preloaded into the context that all workflows of a worker share, before the SDK freezes it. With an SDK that asks otherwise
 * nothing changes but the cost: `test/integration/workflow-context.test.ts` sees that.
 */
const compile = Promise.constructor as FunctionConstructor;
const known = new Map<string, () => unknown>([
  ['return globalThis.Error', () => Object],
  [
    'return globalThis.__TEMPORAL_ACTIVATOR__',
    () => (globalThis as { __TEMPORAL_ACTIVATOR__?: unknown }).__TEMPORAL_ACTIVATOR__,
  ],
]);

Object.defineProperty(Promise, 'constructor', { value: (source: string) => known.get(source) ?? compile(source) });
