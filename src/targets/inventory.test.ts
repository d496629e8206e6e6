import { describe, expect, it } from '@jest/globals';
import { ActionFailure } from '../domain/action.js';
import { XynFault } from '../domain/fault.js';
import { loadInventory, parseInventory } from './inventory-file.js';

const KEY = `ssh-ed25519 ${'A'.repeat(68)}`;

function problemsOf(text: string): { line: number; message: string }[] {
  try {
    parseInventory(text, 'targets.yaml');
  } catch (error) {
    if (error instanceof XynFault && error.code === 'config_invalid') {
      return error.details?.['problems'] as { line: number; message: string }[];
    }
  }
  throw new Error('it was taken');
}

describe('the inventory', () => {
  it('reads targets with their defaults', () => {
    const inventory = parseInventory(
      `targets:
  - {name: web1, address: 10.0.0.5, user: ops, key: {secret: ssh/ops}, host_key: "${KEY} root@web1", labels: {role: web}, stage: prod}
  - name: db1
    address: db1.example
    port: 2222
    user: root
    host_key: SHA256:${'a'.repeat(43)}
`,
      'targets.yaml',
    );
    expect(inventory.get('web1')).toEqual({
      name: 'web1',
      address: '10.0.0.5',
      port: 22,
      user: 'ops',
      key: 'ssh/ops',
      hostKey: `${KEY} root@web1`,
      labels: { role: 'web' },
      stage: 'prod',
    });
    expect(inventory.get('db1')).toMatchObject({ port: 2222, labels: {} });
    expect(() => inventory.get('web2')).toThrow(ActionFailure);
    expect(() => loadInventory(undefined).get('web1')).toThrow(/no target named "web1"/);
  });

  it('names all problems at once, with their lines', () => {
    const problems = problemsOf(`targets:
  - name: web1
    address: "a b"
    user: ops
    host_key: ${KEY}
  - name: web2
    address: web2
    user: ops
    port: 70000
    colour: red
`);
    expect(problems.map(({ line }) => line).sort((a, b) => a - b)).toEqual([3, 6, 6, 9]);
    expect(problems.map(({ message }) => message).join()).toContain('colour');
    expect(problems.map(({ message }) => message).join()).toContain('targets.1.host_key');
  });

  it('knows the container engines of targets', () => {
    const engineOf = (engine: string) =>
      parseInventory(`targets: [{name: a, address: a, user: u, host_key: "${KEY}", engine: ${engine}}]`, 'f').get('a')
        .engine;
    expect(engineOf('{address: "unix:///run/docker.sock"}')).toEqual({ address: 'unix:///run/docker.sock' });
    const pem = '"-----BEGIN CERTIFICATE-----\\nAA"';
    expect(engineOf(`{address: "tcp://a:2376", ca: ${pem}, cert: ${pem}, key: {secret: docker/a}}`)).toMatchObject({
      key: 'docker/a',
    });
    for (const wrong of ['{address: "tcp://a:2375"}', '{address: a}', '{}', `{address: "tcp://a:1", ca: ca.pem}`])
      expect(() => engineOf(wrong)).toThrow('line 1');
  });

  it.each([
    [
      'a name twice',
      `targets: [{name: a, address: a, user: u, host_key: "${KEY}"}, {name: a, address: b, user: u, host_key: "${KEY}"}]`,
    ],
    ['no key of the server', 'targets: [{name: a, address: a, user: u}]'],
    ['a key that is none', 'targets: [{name: a, address: a, user: u, host_key: accept-any}]'],
    ['a password', `targets: [{name: a, address: a, user: u, password: x, host_key: "${KEY}"}]`],
    ['broken YAML', 'targets: ['],
    ['a key of YAML twice', 'targets: []\ntargets: []'],
    ['something else', '- a'],
    ['nothing', ''],
    ['a bomb', `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(50)}]\nc: &c [${'*b,'.repeat(50)}]\ntargets: [*c]`],
  ])('refuses %s', (_name, text) => expect(problemsOf(text).length).toBeGreaterThan(0));

  it('says which file cannot be read', () => {
    expect(() => loadInventory('/nowhere/targets.yaml')).toThrow('/nowhere/targets.yaml');
  });
});
