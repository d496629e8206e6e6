import { isIP } from 'node:net';
import type { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { SETTINGS, type Setting } from './settings.js';

type Settings = typeof SETTINGS;
type Value<S> = S extends { schema: z.ZodType<infer T, string> } ? T : never;

/** All settings, parsed. A setting without a default is `undefined` when its variable is unset. */
export type Config = Readonly<{
  [K in keyof Settings]: Settings[K] extends { fallback: string } ? Value<Settings[K]> : Value<Settings[K]> | undefined;
}>;

/** A setting that cannot be used, in words that never repeat a secret value. */
interface Problem {
  variable: string;
  message: string;
}

/** Whether only this machine reaches a listener on the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** What a variable says; unset and empty ones say nothing. */
export function givenText(setting: Pick<Setting<unknown>, 'variable'>, env: NodeJS.ProcessEnv): string | undefined {
  const given = env[setting.variable]?.trim();
  return given === '' ? undefined : given;
}

function readSetting(setting: Setting<unknown>, env: NodeJS.ProcessEnv, problems: Problem[]): unknown {
  const written = givenText(setting, env) ?? setting.fallback;
  if (written === undefined) return undefined;
  const parsed = setting.schema.safeParse(written);
  if (parsed.success) return parsed.data;
  const shown = setting.secret === true ? '' : `, not ${JSON.stringify(written.slice(0, 80))}`;
  problems.push({
    variable: setting.variable,
    message: `${parsed.error.issues[0]?.message ?? 'is not valid'}${shown}`,
  });
  return undefined;
}

/** What a setting is where nothing sets it: some depend on the profile. */
export function fallbackOf({ fallback, profiles = {} }: Setting<unknown>, env: NodeJS.ProcessEnv): string | undefined {
  const profile = env[SETTINGS.profile.variable]?.trim() ?? '';
  return new Map(Object.entries(profiles)).get(profile) ?? fallback;
}

function crossCheck(config: Config): Problem[] {
  const problems: Problem[] = [];
  if (config.agents === 'scripted' && config.stage !== 'dev') {
    problems.push({ variable: 'XYN_AGENTS', message: `scripted answers are for stage dev only, not ${config.stage}` });
  }
  if (config.databaseOwnerUrl !== undefined && config.databaseUrl === undefined) {
    problems.push({ variable: 'DATABASE_OWNER_URL', message: 'needs DATABASE_URL beside it' });
  }
  if (config.runSteps > config.maxRunSteps) {
    problems.push({ variable: 'XYN_RUN_STEPS', message: `is more than XYN_MAX_RUN_STEPS (${config.maxRunSteps})` });
  }
  if (config.runMinutes > config.maxRunMinutes) {
    problems.push({
      variable: 'XYN_RUN_MINUTES',
      message: `is more than XYN_MAX_RUN_MINUTES (${config.maxRunMinutes})`,
    });
  }
  if (!isLoopback(config.host) && !config.allowOpenNetwork) {
    const message =
      `${config.host} is reached from other machines, and the API asks nobody who they are; ` +
      'listen on 127.0.0.1, or set XYN_ALLOW_OPEN_NETWORK=yes behind something that asks';
    problems.push({ variable: 'XYN_HOST', message });
  }
  return problems;
}

function refuse(problems: readonly Problem[]): never {
  const lines = problems.map(({ variable, message }) => `  ${variable}: ${message}`);
  throw new XynFault('config_invalid', `Settings that cannot be used:\n${lines.join('\n')}`, {
    details: { problems },
  });
}

/**
 * Reads every setting from environment variables; unset and empty ones take their default.
 * @throws XynFault `config_invalid` that names all problems at once.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const problems: Problem[] = [];
  const entries = Object.entries(SETTINGS).map(([key, setting]) => {
    const fallback = fallbackOf(setting, env);
    return [key, readSetting({ ...setting, ...(fallback === undefined ? {} : { fallback }) }, env, problems)];
  });
  if (problems.length > 0) refuse(problems);
  const config = Object.freeze(Object.fromEntries(entries)) as Config;
  const conflicts = crossCheck(config);
  if (conflicts.length > 0) refuse(conflicts);
  return config;
}

/** The passwords and keys inside settings, passwords plain and percent-encoded, for the logger to mask. */
export function secretsOf(config: Config): string[] {
  const found = new Set<string>();
  for (const key of [config.openaiApiKey, config.anthropicApiKey]) if (key !== undefined) found.add(key);
  for (const value of [config.databaseUrl, config.databaseOwnerUrl]) {
    const password = value === undefined ? '' : new URL(value).password;
    if (password === '') continue;
    found.add(password);
    try {
      found.add(decodeURIComponent(password));
    } catch {
      // A percent sign that encodes nothing: the plain form is all there is.
    }
  }
  return [...found];
}
