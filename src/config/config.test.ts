import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { XynFault } from '../domain/fault.js';
import { isLoopback, loadConfig, secretsOf } from './config.js';
import { SETTINGS } from './settings.js';

function faultOf(env: NodeJS.ProcessEnv): XynFault {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof XynFault) return error;
  }
  throw new Error('the settings were taken');
}

describe('loadConfig', () => {
  it('has a usable default for every setting', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      stateDir: resolve('.xyn'),
      host: '127.0.0.1',
      port: 7420,
      temporalNamespace: 'default',
      taskQueue: 'xyn',
      envId: 'local',
      stage: 'dev',
      agents: 'providers',
      workflowSlots: 100,
      activitySlots: 200,
      cachedWorkflows: 2000,
    });
    expect(config.databaseUrl).toBeUndefined();
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes empty variables as unset', () => {
    expect(loadConfig({ XYN_PORT: '', TEMPORAL_ADDRESS: ' ' })).toEqual(loadConfig({}));
  });

  it('reads which models take the place of others', () => {
    const written = 'openai/gpt-5=anthropic/claude-x, openai/*=openai/meta/llama:8b';
    expect(loadConfig({ XYN_AGENT_OVERRIDES: written }).agentOverrides).toEqual([
      { from: { provider: 'openai', model: 'gpt-5' }, to: { provider: 'anthropic', model: 'claude-x' } },
      { from: { provider: 'openai', model: '*' }, to: { provider: 'openai', model: 'meta/llama:8b' } },
    ]);
    for (const wrong of ['openai=anthropic', 'a/b=c/*', 'a/b=c/d,a/b=e/f', 'a/b=c/d,', 'a/b=c/d=e/f']) {
      expect(faultOf({ XYN_AGENT_OVERRIDES: wrong }).message).toContain('XYN_AGENT_OVERRIDES: must be provider/model=');
    }
  });

  it('never shows a key', () => {
    expect(faultOf({ OPENAI_API_KEY: 'two words' }).message).not.toContain('words');
    const keys = { OPENAI_API_KEY: 'key-of-openai', ANTHROPIC_API_KEY: 'key-of-anthropic' };
    expect(secretsOf(loadConfig(keys))).toEqual(['key-of-openai', 'key-of-anthropic']);
  });

  it('takes a container engine that only this machine reaches, and patterns of images', () => {
    const given = {
      XYN_CONTAINER_ENGINE: 'tcp://127.0.0.1:2375',
      XYN_CONTAINER_IMAGES: 'busybox:1, registry.example/ops/*',
    };
    expect(loadConfig(given)).toMatchObject({
      containerEngine: 'tcp://127.0.0.1:2375',
      containerImages: ['busybox:1', 'registry.example/ops/*'],
    });
    expect(faultOf({ XYN_CONTAINER_ENGINE: 'tcp://10.0.0.5:2375' }).message).toContain('XYN_CONTAINER_ENGINE');
    expect(faultOf({ XYN_CONTAINER_IMAGES: 'a b' }).message).toContain('XYN_CONTAINER_IMAGES');
  });

  it('takes ranges, addresses and names as grants', () => {
    const list = '10.0.0.0/8, ::1,Inner.example,fd00::/8';
    expect(loadConfig({ XYN_EGRESS_ALLOW: list }).egressAllow).toEqual([
      '10.0.0.0/8',
      '::1',
      'inner.example',
      'fd00::/8',
    ]);
    for (const wrong of ['10.0.0.0/33', 'http://a', 'a/8', '1.2.3.4/8/9', 'a,,b']) {
      expect(faultOf({ XYN_EGRESS_ALLOW: wrong }).message).toContain('XYN_EGRESS_ALLOW');
    }
  });

  it('names all problems at once', () => {
    const fault = faultOf({
      XYN_PORT: '70000',
      XYN_STAGE: 'live',
      TEMPORAL_ADDRESS: 'localhost',
      XYN_WORKFLOW_SLOTS: '0',
      XYN_ALLOWED_HOSTS: 'a.example, b_c/',
      XYN_URL: 'ftp://x',
    });
    expect(fault.code).toBe('config_invalid');
    const problems = fault.details?.['problems'] as { variable: string }[];
    expect(problems.map(({ variable }) => variable).sort()).toEqual([
      'TEMPORAL_ADDRESS',
      'XYN_ALLOWED_HOSTS',
      'XYN_PORT',
      'XYN_STAGE',
      'XYN_URL',
      'XYN_WORKFLOW_SLOTS',
    ]);
    expect(fault.message).toContain('XYN_PORT: must be a whole number from 0 to 65535, not "70000"');
  });

  it('never repeats the value of a secret setting', () => {
    const fault = faultOf({ DATABASE_URL: 'mysql://root:hunter22@db/x' });
    expect(JSON.stringify([fault.message, fault.details])).not.toContain('hunter22');
  });

  it('refuses an open listener that other machines reach', () => {
    expect(faultOf({ XYN_HOST: '0.0.0.0' }).message).toContain('XYN_ALLOW_OPEN_NETWORK');
    expect(loadConfig({ XYN_HOST: '0.0.0.0', XYN_ALLOW_OPEN_NETWORK: 'yes' }).host).toBe('0.0.0.0');
    expect(loadConfig({ XYN_HOST: '::1' }).host).toBe('::1');
    expect(isLoopback('127.evil.example')).toBe(false);
  });

  it('refuses settings that do not fit together', () => {
    expect(faultOf({ XYN_AGENTS: 'scripted', XYN_STAGE: 'prod' }).message).toContain('XYN_AGENTS');
    expect(faultOf({ DATABASE_OWNER_URL: 'postgres://o@h/d' }).message).toContain('DATABASE_URL');
  });

  it('documents every setting, under a name of its own', () => {
    const all = Object.values(SETTINGS);
    expect(new Set(all.map(({ variable }) => variable)).size).toBe(all.length);
    for (const { doc } of all) expect(doc).toMatch(/\.$/);
  });
});

describe('secretsOf', () => {
  it('finds passwords, encoded and decoded', () => {
    const config = loadConfig({ DATABASE_URL: 'postgres://a:p%40ssword@h/d', DATABASE_OWNER_URL: 'postgres://o@h/d' });
    expect(secretsOf(config)).toEqual(['p%40ssword', 'p@ssword']);
  });
});
