import { describe, expect, it } from '@jest/globals';
import { ActionFailure } from '../domain/action.js';
import { environmentSecrets } from './environment-store.js';
import { Redactor } from './redactor.js';
import { SecretKeeper } from './secret-keeper.js';
import { fullSecretPath } from './secret-path.js';

const SECRET = 'pä ss+wörd/"0\\1&=?';
const MASK = '[redacted]';

describe('fullSecretPath', () => {
  it.each([
    ['ssh/ops', 'sys/eu-1/integrations/ssh/ops'],
    ['ops', 'sys/eu-1/integrations/ops'],
    ['team', 'sys/eu-1/integrations/team'],
    ['team/dba/key.v2', 'team/dba/key.v2'],
    ['sys/other/providers/x', 'sys/other/providers/x'],
    ['user/1/a', 'user/1/a'],
  ])('%s is %s', (reference, full) => expect(fullSecretPath(reference, 'eu-1')).toBe(full));

  it.each([
    '../other',
    '//',
    'a//b',
    'a/./b',
    'a/../b',
    'a/..',
    '%2e%2e',
    'Upper',
    '',
    '/a',
    'a/',
    'a b',
    'a\n',
    'a'.repeat(513),
  ])('refuses %j', (reference) => {
    expect(() => fullSecretPath(reference, 'eu-1')).toThrow(ActionFailure);
  });
});

describe('environmentSecrets', () => {
  const env = {
    XYN_SECRET_SSH_OPS: 'short',
    XYN_SECRET_SYS_EU_1_INTEGRATIONS_API: 'full',
    XYN_SECRET_API: 'less exact',
    XYN_SECRET_TEAM_DBA_KEY: 'team',
    XYN_SECRET_EMPTY: '',
    PATH: 'x',
  };
  const keeper = new SecretKeeper(environmentSecrets(env, 'eu-1'), 'eu-1');

  it('finds integrations by short and by full name, the full one first', async () => {
    expect(await keeper.get('ssh/ops')).toBe('short');
    expect(await keeper.get('api')).toBe('full');
    expect(await keeper.get('team/dba/key')).toBe('team');
  });

  it('keeps other environments apart from its own', async () => {
    await expect(keeper.get('sys/eu-2/integrations/ssh/ops')).rejects.toMatchObject({
      facts: { code: 'secret_not_found' },
    });
  });

  it('has nothing for empty and missing variables', async () => {
    for (const path of ['empty', 'path', 'nope']) {
      await expect(keeper.get(path)).rejects.toMatchObject({ facts: { code: 'secret_not_found', retryable: false } });
    }
  });

  it('lists names and writes nothing', async () => {
    const store = environmentSecrets(env, 'eu-1');
    expect(await store.list('team/')).toEqual(['team_dba_key']);
    await expect(store.put('a', 'b')).rejects.toMatchObject({ code: 'secrets_read_only' });
    await expect(store.delete('a')).rejects.toMatchObject({ code: 'secrets_read_only' });
  });
});

describe('Redactor', () => {
  const redactor = new Redactor([SECRET, 'short']);
  const bytes = Buffer.from(SECRET);

  it.each([
    ['raw', SECRET],
    ['base64', bytes.toString('base64').replace(/=+$/, '')],
    ['base64url', bytes.toString('base64url')],
    ['hex', bytes.toString('hex')],
    ['upper-case hex', bytes.toString('hex').toUpperCase()],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['form-encoded', encodeURIComponent(SECRET).replaceAll('%20', '+')],
    ['JSON', JSON.stringify(SECRET).slice(1, -1)],
  ])('masks %s', (_name, form) => {
    const clean = redactor.text(`before ${form} after`);
    expect(clean).toContain(MASK);
    expect(clean).not.toContain(form);
  });

  it.each([0, 1, 2, 3, 4, 5])('masks base64 of a longer text, %d bytes in', (offset) => {
    const encoded = Buffer.from(`${'u'.repeat(offset)}${SECRET}tail`).toString('base64');
    expect(redactor.text(encoded)).toContain(MASK);
  });

  it('leaves short values and clean texts alone', () => {
    expect(redactor.text('a short text')).toBe('a short text');
    expect(new Redactor().json({ a: [SECRET] })).toEqual({ a: [SECRET] });
  });

  it('masks values and keys anywhere in JSON', () => {
    expect(redactor.json({ a: [{ [SECRET]: `x${SECRET}` }], n: 1, z: null })).toEqual({
      a: [{ [MASK]: `x${MASK}` }],
      n: 1,
      z: null,
    });
  });

  it('masks a key line by line', () => {
    const line = 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAA';
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${line}\nshort\n-----END OPENSSH PRIVATE KEY-----\n`;
    const clean = new Redactor([key]).text(`> ${line}\n> -----BEGIN`);
    expect(clean).toBe(`> ${MASK}\n> -----BEGIN`);
  });

  it.each(Array.from({ length: 30 }, (_, size) => size + 1))('masks a stream in pieces of %d bytes', (size) => {
    const stream = redactor.stream();
    const whole = Buffer.from(`ä one ${SECRET} two ${encodeURIComponent(SECRET)} pä s`);
    const out: Buffer[] = [];
    for (let at = 0; at < whole.length; at += size) out.push(stream.push(whole.subarray(at, at + size)));
    out.push(stream.end());
    expect(Buffer.concat(out).toString()).toBe(`ä one ${MASK} two ${MASK} pä s`);
  });

  it('holds back only what may become a secret', () => {
    const stream = redactor.stream();
    expect(stream.push(Buffer.from('nothing here')).toString()).toBe('nothing here');
  });
});
