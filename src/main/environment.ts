import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Config } from '../config/config.js';
import type { EnvFacts } from '../domain/engine/state.js';
import { XynFault } from '../domain/fault.js';

const vars = z.record(z.string(), z.string());

/**
 * What expressions see as `env` (design §9): id, name and stage from settings, the variables from their file, a YAML or
 * JSON map of texts.
 * @throws XynFault `config_invalid` when the file cannot be read or holds something else.
 */
export function environmentOf(config: Config): EnvFacts {
  return { id: config.envId, name: config.envName, stage: config.stage, vars: readVars(config.envVarsFile) };
}

function readVars(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  try {
    return vars.parse(parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new XynFault('config_invalid', `XYN_ENV_VARS_FILE (${file}) must be a map of texts that can be read.`, {
      cause: error,
    });
  }
}
