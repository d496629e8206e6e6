import { describe, expect, it } from '@jest/globals';
import { engineEndpoint, engineProblem } from './container-engine.js';

const TLS = { ca: 'a', cert: 'c', key: 'docker/ops' };

describe('engineEndpoint', () => {
  it.each([
    ['unix:///run/docker.sock', { kind: 'unix', socketPath: '/run/docker.sock' }],
    ['tcp://10.0.0.5:2376', { kind: 'tcp', host: '10.0.0.5', port: 2_376, isLoopback: false }],
    ['tcp://localhost:1', { kind: 'tcp', host: 'localhost', port: 1, isLoopback: true }],
    ['tcp://[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535, isLoopback: true }],
    ['tcp://127.example:1', { kind: 'tcp', host: '127.example', port: 1, isLoopback: false }],
  ])('%s', (address, endpoint) => expect(engineEndpoint(address)).toEqual(endpoint));

  it.each(['', '/run/docker.sock', 'unix://run', 'tcp://host', 'tcp://host:0', 'tcp://host:65536', 'http://host:80'])(
    'is none: %p',
    (address) => expect(engineEndpoint(address)).toBeUndefined(),
  );
});

describe('engineProblem', () => {
  it.each([
    [{ address: 'unix:///run/docker.sock' }, undefined],
    [{ address: 'unix:///run/docker.sock', ca: 'a' }, 'takes no ca'],
    [{ address: 'tcp://127.0.0.1:2375' }, undefined],
    [{ address: 'tcp://10.0.0.5:2375' }, 'needs ca, cert and key'],
    [{ address: 'tcp://10.0.0.5:2376', ...TLS }, undefined],
    [{ address: 'tcp://127.0.0.1:2376', ca: 'a' }, 'needs ca, cert and key'],
    [{ address: 'ssh://host' }, 'must be unix'],
  ])('%j', (engine, problem) => {
    const found = engineProblem(engine);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(problem);
  });
});
