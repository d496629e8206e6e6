import { fallbackOf, givenText } from './config.js';
import { SECRET_PREFIX } from './settings-file.js';
import { SETTINGS, type Setting } from './settings.js';

/** Where a value comes from, the strongest last. */
export type SettingSource = 'default' | 'file' | 'environment' | 'flag';

/** A setting as it is now. */
export interface SettingState {
  variable: string;
  /** As it would be written; `set` for secrets; null when it has none. */
  value: string | null;
  source: SettingSource;
  default: string | null;
  unit: string | null;
  /** What may be written. */
  accepts: string;
  secret: boolean;
  doc: string;
}

/** Which variables of an environment were not there from the start. */
export interface Origins {
  file: ReadonlySet<string>;
  flag: ReadonlySet<string>;
}

const ALL: readonly Setting<unknown>[] = Object.values(SETTINGS);

function sourceOf(variable: string, origins: Origins): SettingSource {
  if (origins.flag.has(variable)) return 'flag';
  return origins.file.has(variable) ? 'file' : 'environment';
}

/** Every setting with its value and where that comes from; in the order of the schema. Never shows a secret. */
export function describeSettings(env: NodeJS.ProcessEnv, origins: Origins): SettingState[] {
  return ALL.map((setting) => {
    const { variable, unit = null, schema, secret = false, doc } = setting;
    const fallback = fallbackOf(setting, env) ?? null;
    const given = givenText(setting, env);
    return {
      variable,
      value: given === undefined ? fallback : secret ? 'set' : given,
      source: given === undefined ? 'default' : sourceOf(variable, origins),
      default: fallback,
      unit,
      accepts: schema.description ?? '',
      secret,
      doc,
    };
  });
}

/** A variable that looks like one of Xyn's and is none. */
export interface UnknownVariable {
  variable: string;
  /** The setting that was probably meant. */
  suggestion: string | null;
}

/** Variables that begin with `XYN_` and mean nothing; secrets and those of the test suite are left out. */
export function unknownVariables(
  env: NodeJS.ProcessEnv,
  nearest: (written: string, names: Iterable<string>) => string | undefined,
): UnknownVariable[] {
  const known = new Set(ALL.map(({ variable }) => variable));
  const isNamed = (variable: string): boolean =>
    known.has(variable) || variable.startsWith(SECRET_PREFIX) || variable.startsWith('XYN_TEST_');
  return Object.keys(env)
    .filter((variable) => variable.startsWith('XYN_') && !isNamed(variable))
    .sort()
    .map((variable) => ({ variable, suggestion: nearest(variable, known) ?? null }));
}

/** The table of docs/configuration.md. */
export function settingsMarkdown(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = describeSettings({}, { file: new Set(), flag: new Set() }).map((setting) => {
    const preset = setting.default === null ? '' : `\`${setting.default}\``;
    const accepts = setting.unit === null ? setting.accepts : `${setting.accepts} ${setting.unit}`;
    const doc = setting.secret ? `${setting.doc} **Secret.**` : setting.doc;
    return `| ${[`\`${setting.variable}\``, preset, accepts, doc].map(cell).join(' | ')} |`;
  });
  return ['| variable | default | accepts | what it is for |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** What `xynctl init` writes: every setting as a comment, with its default. */
export function settingsTemplate(): string {
  const head = [
    '# Settings of Xyn. Take away the # before a line to set it; variables of the environment win over this file.',
    '# `xynctl config` shows what applies, `xynctl preflight` what is missing. Keep this file to yourself: mode 600.',
    '',
    `# Secrets of actions: the secret ssh/ops is ${SECRET_PREFIX}SSH_OPS. Several lines go into double quotes.`,
    `#${SECRET_PREFIX}SSH_OPS=`,
  ];
  const lines = ALL.flatMap(({ variable, fallback = '', doc }) => ['', `# ${doc}`, `#${variable}=${fallback}`]);
  return `${[...head, ...lines].join('\n')}\n`;
}
