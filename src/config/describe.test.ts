import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from './config.js';
import { describeSettings, settingsMarkdown, unknownVariables } from './describe.js';
import { readSettingsFile } from './settings-file.js';
import { SETTINGS } from './settings.js';

const NOBODY = { file: new Set<string>(), flag: new Set<string>() };

describe('describeSettings', () => {
  it('tells where each value comes from', () => {
    const env = { XYN_STAGE: 'test', XYN_PORT: '1234', XYN_URL: 'http://h', XYN_HOST: ' ' };
    const origins = { file: new Set(['XYN_PORT']), flag: new Set(['XYN_URL']) };
    const found = new Map(describeSettings(env, origins).map((row) => [row.variable, [row.value, row.source]]));
    expect(found.get('XYN_STAGE')).toEqual(['test', 'environment']);
    expect(found.get('XYN_PORT')).toEqual(['1234', 'file']);
    expect(found.get('XYN_URL')).toEqual(['http://h', 'flag']);
    expect(found.get('XYN_HOST')).toEqual(['127.0.0.1', 'default']);
    expect(found.get('XYN_TARGETS_FILE')).toEqual([null, 'default']);
  });

  it('shows of a secret only that it is set', () => {
    const secrets = Object.values(SETTINGS).filter((setting) => 'secret' in setting);
    const env = Object.fromEntries(secrets.map(({ variable }) => [variable, 'hunter22']));
    const rows = describeSettings(env, NOBODY);
    expect(rows.filter(({ value }) => value === 'set')).toHaveLength(secrets.length);
    expect(JSON.stringify(rows)).not.toContain('hunter22');
  });

  it('says of every setting what it accepts', () => {
    for (const { variable, accepts } of describeSettings({}, NOBODY)) {
      expect({ variable, accepts }).toEqual({ variable, accepts: expect.stringMatching(/\w/) as unknown });
    }
  });
});

describe('unknownVariables', () => {
  it('finds misspelt ones, not secrets', () => {
    const env = { XYN_PROT: '1', XYN_PORT: '1', XYN_SECRET_SSH_OPS: 'x', XYN_TEST_MISSING: 'x', OTHER: 'x' };
    const nearest = (written: string) => (written === 'XYN_PROT' ? 'XYN_PORT' : undefined);
    expect(unknownVariables(env, nearest)).toEqual([{ variable: 'XYN_PROT', suggestion: 'XYN_PORT' }]);
  });
});

describe('readSettingsFile', () => {
  const dir = mkdtempSync(join(tmpdir(), 'xyn-settings-'));
  const file = join(dir, '.env');
  afterAll(() => rmSync(dir, { recursive: true }));

  it('takes what is of Xyn and not in the environment, an empty variable included', () => {
    const lines = [
      '# a comment',
      'XYN_PORT=7500',
      'XYN_HOST=other',
      'XYN_URL="http://x" # why',
      'DATABASE_URL=postgres://a:b@h/d',
      'XYN_SECRET_SSH_OPS="one\ntwo"',
      'NODE_OPTIONS=--require=/evil.js',
      'PATH=/evil',
    ];
    writeFileSync(file, lines.join('\n'));
    expect(readSettingsFile(file, { XYN_HOST: '127.0.0.1', DATABASE_URL: '' }, { required: true })).toEqual({
      XYN_PORT: '7500',
      XYN_URL: 'http://x',
      XYN_SECRET_SSH_OPS: 'one\ntwo',
    });
  });

  it('is only missed when it was asked for', () => {
    expect(readSettingsFile(join(dir, 'none'), {}, { required: false })).toEqual({});
    expect(() => readSettingsFile(join(dir, 'none'), {}, { required: true })).toThrow('cannot be read');
    expect(() => readSettingsFile(dir, {}, { required: false })).toThrow('cannot be read');
  });

  it('must be text', () => {
    writeFileSync(file, Buffer.from([0, 1, 2]));
    expect(() => readSettingsFile(file, {}, { required: true })).toThrow('not a file of settings');
  });
});

describe('listeners', () => {
  it('are host and port, or off', () => {
    const config = loadConfig({ XYN_API_METRICS: '[::1]:9000', XYN_WORKER_METRICS: 'off' });
    expect(config.apiMetrics).toEqual({ host: '::1', port: 9000 });
    expect(config.workerMetrics).toBeNull();
    expect(() => loadConfig({ XYN_API_METRICS: '9000' })).toThrow('XYN_API_METRICS: must be host:port');
  });
});

it('docs/configuration.md shows the settings as they are (write it with `xynctl config --markdown`)', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+` +\|/.test(line));
  const flat = (line: string): string => line.replace(/ +/g, ' ');
  expect(rows.map(flat)).toEqual(settingsMarkdown().split('\n').slice(2).map(flat));
});
