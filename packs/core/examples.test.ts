import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ActionExample, AnyAction } from '../../src/domain/action.js';
import type { JsonObject } from '../../src/domain/json.js';
import { actionContext, failureOf } from '../../test/support/action-context.js';
import { startDraftWorld, type DraftWorld } from '../../test/support/draft-world.js';
import { BUSYBOX, noteDocker, startDocker, type DockerDaemon } from '../../test/support/docker.js';
import { describeWith } from '../../test/support/parts.js';
import { noteSshd, startSshd, type Sshd } from '../../test/support/sshd.js';
import { httpCallWith } from './actions/http-call.js';
import { corePack } from './index.js';

noteSshd();
noteDocker();

/** Runs one example as it stands, in a world where its names mean something. */
async function runs(
  action: AnyAction,
  example: ActionExample,
  context: ReturnType<typeof actionContext>,
  input = example.input,
) {
  const call = action.execute(action.input.parse(input), context);
  if (example.error !== undefined) {
    expect(Object.keys(action.errors)).toContain(example.error);
    expect(await failureOf(call)).toMatchObject({ code: example.error });
    return;
  }
  expect(action.output.parse(await call)).toMatchObject(example.output as JsonObject);
}

const examplesOf = (name: string): [string, ActionExample][] => {
  const action = corePack.actions.find((candidate) => candidate.name === name);
  return (action?.examples ?? []).map((example) => [example.name, example]);
};

it('every action has examples of success and of failure', () => {
  for (const { name } of corePack.actions) {
    const examples = examplesOf(name).map(([, example]) => example);
    expect([name, examples.some((example) => example.output), examples.some((example) => example.error)]).toEqual([
      name,
      true,
      true,
    ]);
  }
});

describe('examples of http.call', () => {
  const action = httpCallWith({
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      const isTicket = request.url === '/tickets' && request.headers.authorization === 'Bearer token-of-tickets';
      const status = isTicket ? 201 : request.url === '/health' ? 200 : 404;
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"status":"ok"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it.each(examplesOf('http.call'))('%s', async (_name, example) => {
    const url = new URL(example.input['url'] as string);
    url.port = String((server.address() as AddressInfo).port);
    const context = actionContext({
      grants: ['service.example'],
      secrets: { 'tickets/token': 'token-of-tickets' },
    });
    await runs(action, example, context, { ...example.input, url: url.href });
  });
});

describe('examples of actions on what Xyn keeps', () => {
  let world: DraftWorld;
  beforeAll(async () => {
    world = await startDraftWorld();
  });
  afterAll(() => world.stop());

  const own = ['drafts.save', 'blueprints.validate', 'blueprints.promote', 'artifacts.write', 'events.emit'];
  const examples = own.flatMap((name) => examplesOf(name).map(([what, example]) => [name, what, example] as const));
  it.each(examples)('%s %s', async (name, _what, example) => {
    const action = corePack.actions.find((candidate) => candidate.name === name) as AnyAction;
    const { draft_id: id } = example.input;
    // The draft of the first example.
    const isKnown = id !== undefined && example.error === undefined;
    await runs(action, example, world.context(), isKnown ? { draft_id: await world.newestDraft() } : example.input);
  });
});

describeWith('sshd')('examples of ssh.run', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());

  it.each(examplesOf('ssh.run'))('%s', async (_name, example) => {
    const action = corePack.actions.find(({ name }) => name === 'ssh.run') as AnyAction;
    await runs(action, example, actionContext({ targets: [sshd.target], secrets: { 'ssh/test': sshd.key } }));
  });
});

describeWith('docker')('examples of container.exec', () => {
  let daemon: DockerDaemon;
  beforeAll(async () => {
    daemon = await startDocker();
    await daemon.docker('run', '--detach', '--network=none', '--name=shop', BUSYBOX, '/bin/sleep', '100000');
  });
  afterAll(() => daemon.stop());

  it.each(examplesOf('container.exec'))('%s', async (_name, example) => {
    const action = corePack.actions.find(({ name }) => name === 'container.exec') as AnyAction;
    const engine = { address: daemon.address };
    const web1 = { name: 'web1', address: '127.0.0.1', port: 22, user: 'ops', hostKey: '', labels: {}, engine };
    await runs(action, example, actionContext({ targets: [web1], containers: { engine, images: ['busybox:*'] } }));
  });
});
