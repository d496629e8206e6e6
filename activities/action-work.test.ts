import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ActionFailure, defineAction, type ActionContext } from '../src/domain/action.js';
import type { Json, JsonObject } from '../src/domain/json.js';
import { ActionRegistry } from '../src/registry/registry.js';
import { testResources } from '../test/support/action-resources.js';
import { actionWork } from './action-work.js';

const SECRET = 'correct horse battery';
const any = z.record(z.string(), z.json());

function workOf(execute: (input: JsonObject, context: ActionContext) => Promise<JsonObject>) {
  const action = defineAction<JsonObject, JsonObject>({
    name: 't.act',
    summary: 'acts',
    input: any,
    output: any,
    traits: { effect: 'write', idempotency: 'none' },
    redact: { input: ['headers.authorization', 'pin'], output: ['cookie'] },
    errors: {},
    execute,
  });
  const actions = new ActionRegistry([{ name: 'test', version: '1.0.0', actions: [action] }]);
  const resources = testResources({ variables: { XYN_SECRET_DOOR: SECRET } });
  const task = { action: 't.act', contract: actions.find('t.act')?.contract, effect: 'write', idempotency: 'none' };
  return actionWork({ actions, resources }, task as never);
}

const context = (output?: (stream: 'stdout' | 'stderr', chunk: Buffer) => void) => ({
  runId: 'r',
  attempt: 1,
  input: { door: 'front' },
  signal: new AbortController().signal,
  spent: () => undefined,
  output,
});

describe('actionWork', () => {
  it('masks a secret that comes back, in outputs and logs', async () => {
    let log = '';
    const work = workOf(async (_input, act) => {
      const value = await act.secret('door');
      act.output('stdout', Buffer.from(`got ${value.slice(0, 5)}`));
      act.output('stdout', Buffer.from(`${value.slice(5)}!`));
      return { echo: `it was ${value}`, encoded: Buffer.from(value).toString('base64') };
    });
    const { outputs } = await work.run(context((_stream, chunk) => (log += chunk.toString())));
    expect(outputs).toEqual({ echo: 'it was [redacted]', encoded: '[redacted]' });
    expect(log).toBe('got [redacted]!');
  });

  it('tells what an action used, also before it fails', async () => {
    const print = { metric: 'artifact_bytes_written', quantity: 3, unit: 'bytes' };
    const good = workOf((_input, act) => {
      act.used(print);
      return Promise.resolve({});
    });
    expect((await good.run(context())).footprints).toEqual([print]);
    let spent: unknown;
    const bad = workOf((_input, act) => {
      act.used(print);
      return Promise.reject(new Error('no'));
    });
    await expect(bad.run({ ...context(), spent: (prints) => (spent = prints) })).rejects.toThrow('no');
    expect(spent).toEqual([print]);
  });

  it.each([
    new ActionFailure({ code: 'x', message: `no ${SECRET}`, excerpt: SECRET, detail: SECRET, retryable: false }),
    new Error(`no ${SECRET}`),
  ])('masks a secret in the error %#', async (error) => {
    const work = workOf(async (_input, { secret }) => {
      await secret('door');
      throw error;
    });
    const thrown: unknown = await work.run(context()).catch((caught: unknown) => caught);
    const shown = thrown instanceof ActionFailure ? JSON.stringify(thrown.facts) : (thrown as Error).message;
    expect(shown).toContain('[redacted]');
    expect(shown).not.toContain(SECRET);
  });

  it('records inputs and outputs without the fields that are never recorded', () => {
    const work = workOf(async (input) => input);
    const recorded = (side: 'input' | 'output', value: Json): Json => work.recorded?.(side, value) ?? null;
    expect(recorded('input', { headers: { Authorization: 'a', b: 'c' }, pin: 1, cookie: 'k' })).toEqual({
      headers: { Authorization: '[redacted]', b: 'c' },
      pin: '[redacted]',
      cookie: 'k',
    });
    expect(recorded('output', { cookie: 'k', pin: 1 })).toEqual({ cookie: '[redacted]', pin: 1 });
  });
});
