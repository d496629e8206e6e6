import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ActionContext, AnyAction } from '../../../src/domain/action.js';
import { XynFault } from '../../../src/domain/fault.js';
import type { JsonObject } from '../../../src/domain/json.js';
import type { Footprint } from '../../../src/domain/records.js';
import { failureOf } from '../../../test/support/action-context.js';
import { startDraftWorld, WORLD_SECRET, type DraftWorld } from '../../../test/support/draft-world.js';
import { artifactsWrite } from './artifacts-write.js';
import { eventsEmit } from './events-emit.js';

let world: DraftWorld;

beforeAll(async () => {
  world = await startDraftWorld();
});

afterAll(() => world.stop());

const call = (action: AnyAction, input: JsonObject, context = world.context()): Promise<JsonObject> =>
  action.execute(action.input.parse(input), context) as Promise<JsonObject>;
const write = (input: JsonObject, context?: ActionContext) => call(artifactsWrite, input, context);
const emit = (input: JsonObject, context?: ActionContext) => call(eventsEmit, input, context);
const rowOf = async ({ artifact }: JsonObject) => world.access.artifacts.get(artifact as string);
const contentOf = async ({ sha256, bytes }: JsonObject): Promise<string> =>
  (await world.files.read({ sha256: sha256 as string, bytes: bytes as number })).toString();

describe('artifacts.write', () => {
  it.each([
    ['notes.md', 'a text\n', 'a text\n', 'text/markdown; charset=utf-8'],
    ['DATA.CSV', 'a,b\n', 'a,b\n', 'text/csv; charset=utf-8'],
    ['list.json', [1, { a: null }], '[1,{"a":null}]', 'application/json'],
    ['number', 7, '7', 'application/json'],
    ['words', 'plain', 'plain', 'text/plain; charset=utf-8'],
    ['empty.txt', '', '', 'text/plain; charset=utf-8'],
  ])('keeps %s', async (name, content, text, type) => {
    const kept = await write({ name, content });
    expect(kept).toMatchObject({ name, bytes: Buffer.byteLength(text) });
    expect(await contentOf(kept)).toBe(text);
    const about = {
      kind: 'file',
      content_type: type,
      created_by: 'ann',
      run_id: world.runId,
      metadata: { path: 'step' },
    };
    expect(await rowOf(kept)).toMatchObject(about);
  });

  it('says how many bytes it wrote: none for what it kept before', async () => {
    const used: Footprint[] = [];
    const context = { ...world.context(), used: (print: Footprint) => used.push(print) };
    await write({ name: 'a.txt', content: 'four' }, context);
    await write({ name: 'a.txt', content: 'four' }, { ...context, attempt: 2 });
    expect(used).toEqual([{ metric: 'artifact_bytes_written', quantity: 4, unit: 'bytes' }]);
  });

  it('takes the type that it is told', async () => {
    const kept = await write({ name: 'a.txt', content: 'x', content_type: 'application/x-own' });
    expect(await rowOf(kept)).toMatchObject({ content_type: 'application/x-own' });
  });

  it('keeps one file for all attempts of a step, and says so each time', async () => {
    const context = world.context();
    const first = await write({ name: 'once.txt', content: 'first' }, context);
    expect(await write({ name: 'once.txt', content: 'second' }, { ...context, attempt: 2 })).toEqual(first);
    const both = { ...world.context(), attempt: 1 };
    const [one, other] = await Promise.all([
      write({ name: 'race.txt', content: 'same' }, both),
      write({ name: 'race.txt', content: 'same' }, both),
    ]);
    expect(other).toEqual(one);
    const events = await world.access.events.list({ run_id: world.runId, event_name: 'xyn.artifact.attached' }, 100);
    const about = events.filter(({ event }) => event.resource?.id === one['artifact']);
    expect(about).toMatchObject([{ event: { correlation_id: 'c-propose', actor: 'ann' } }]);
  });

  it('passes what the run itself keeps on by its bytes, and nothing else', async () => {
    const first = await write({ name: 'big.json', content: { a: 1 } });
    const { artifact, sha256, bytes } = first as { artifact: string; sha256: string; bytes: number };
    const again = await write({ name: 'copy', content: { artifact, sha256, bytes } });
    expect(again).toMatchObject({ name: 'copy', sha256, bytes });
    expect(await rowOf(again)).toMatchObject({ content_type: 'application/json' });
    // Of another run, or with another digest, it is a value like others.
    await world.access.artifacts.insert({
      artifact_id: randomUUID(),
      name: 'x',
      kind: 'file',
      content_type: 'text/plain',
      byte_length: bytes,
      sha256,
      created_by: 'ann',
      run_id: null,
      step_id: null,
      metadata: {},
      correlation_id: 'c',
      env_id: 'local',
    });
    const [foreign] = await world.access.artifacts.list({ kind: 'file' }, 1);
    for (const content of [
      { artifact: foreign?.artifact_id ?? '', sha256, bytes },
      { artifact, sha256: '0'.repeat(64), bytes },
    ]) {
      const kept = await write({ name: 'value.json', content });
      expect(JSON.parse(await contentOf(kept))).toEqual(content);
    }
  });

  it('keeps no secret', async () => {
    const kept = await write({ name: 'log.json', content: { said: `password ${WORLD_SECRET}` } });
    expect(await contentOf(kept)).toBe('{"said":"password [redacted]"}');
  });

  it.each([['../x'], ['.hidden'], ['a/b'], ['con.txt'], ['']])('refuses the name %j', (name) => {
    expect(artifactsWrite.input.safeParse({ name, content: '' }).success).toBe(false);
  });

  it('says when it cannot be kept now', async () => {
    const files = { write: () => Promise.reject(new XynFault('artifact_storage_full', 'no room')) };
    const failure = await failureOf(write({ name: 'a', content: '' }, { ...world.context(), files }));
    expect(failure).toMatchObject({ code: 'storage_error', retryable: true });
  });
});

describe('events.emit', () => {
  it('emits one event for all attempts, as the one who started the run, one deeper in the chain', async () => {
    const context = world.context();
    const resource = { type: 'host', id: 'web-1' };
    const input = { event_name: 'fix.done', data: { n: 1, token: WORLD_SECRET }, resource };
    const [first, second] = await Promise.all([emit(input, context), emit(input, { ...context, attempt: 2 })]);
    expect(second).toEqual(first);
    const claimed = await world.access.transaction((unit) =>
      unit.events.claim({ limit: 50, starts: true, leaseMs: 0, except: [] }),
    );
    const waiting = claimed.filter(({ event_name: name }) => name === 'fix.done');
    // A dispatcher still has to match it: the run that made it is 2 deep.
    expect(waiting).toMatchObject([
      {
        event_id: first['event_id'],
        actor: 'ann',
        correlation_id: 'c-propose',
        run_id: world.runId,
        cause_depth: 3,
        matched: false,
        resource,
        data: { n: 1, token: '[redacted]' },
      },
    ]);
  });

  it('tells events apart that an author gave one key', async () => {
    const context = world.context('of-the-author');
    const one = await emit({ event_name: 'fix.done' }, context);
    expect(await emit({ event_name: 'fix.told' }, context)).not.toEqual(one);
  });

  it('refuses what no event can be', async () => {
    expect(await failureOf(emit({ event_name: 'xyn.run.created' }))).toMatchObject({ code: 'event_name_reserved' });
    expect(await failureOf(emit({ event_name: 'x' }))).toMatchObject({ code: 'event_name_format', retryable: false });
    const failure = await failureOf(emit({ event_name: 'a.b', data: { text: 'a\u0000' } }));
    expect(failure).toMatchObject({ code: 'input_invalid' });
    expect(eventsEmit.input.safeParse({ event_name: 'a.b', data: { x: 'x'.repeat(262_144) } }).success).toBe(false);
    expect(await emit({ event_name: 'xyn.cicd.deploy.completed' })).toEqual({ event_id: expect.any(String) });
  });

  it('is tried again while the trail is away', async () => {
    const events = { emit: () => Promise.reject(new XynFault('audit_unavailable', 'not now')) };
    const failure = await failureOf(emit({ event_name: 'a.b' }, { ...world.context(), events }));
    expect(failure).toMatchObject({ code: 'audit_unavailable', retryable: true });
  });
});
