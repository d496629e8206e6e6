import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { CatalogAction } from '../../domain/action-catalog.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import { Memo } from '../../domain/memo.js';
import { pointerToken } from '../source.js';
import { nearestName } from '../suggestion.js';
import type { Report } from './report.js';
import { schemaChecker } from './types.js';

/** Compiling a schema costs milliseconds; contracts are few, so their validators are kept. */
const MAX_KEPT = 500;
const validators = new Memo<string, ValidateFunction>(MAX_KEPT);
const contracts = schemaChecker();

function validatorOf(action: CatalogAction): ValidateFunction {
  return validators.get(action.contract, () => {
    const validate = contracts.compile(action.input);
    contracts.removeSchema(action.input);
    return validate;
  });
}

/** All schemas that describe the value at a path below a schema, alternatives included. */
export function schemasAt(schema: JsonObject, path: readonly string[]): readonly JsonObject[] {
  let found = alternatives(schema);
  for (const key of path) {
    const [only] = found;
    found = found.length === 1 && only !== undefined ? below(only, key) : found.flatMap((one) => below(one, key));
  }
  return found;
}

function below({ properties, additionalProperties, items }: JsonObject, key: string): readonly JsonObject[] {
  if (isJsonObject(properties) && Object.hasOwn(properties, key)) return alternatives(properties[key] as Json);
  if (isJsonObject(items) && /^\d+$/.test(key)) return alternatives(items);
  return isJsonObject(additionalProperties) ? alternatives(additionalProperties) : [];
}

/** Contracts are few and are looked into at every input of a step. */
const knownAlternatives = new WeakMap<JsonObject, readonly JsonObject[]>();

function alternatives(schema: Json): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const known = knownAlternatives.get(schema);
  if (known !== undefined) return known;
  const inner = ['anyOf', 'oneOf', 'allOf'].flatMap((word) => {
    const list = schema[word];
    return Array.isArray(list) ? list.flatMap(alternatives) : [];
  });
  const found = [schema, ...inner];
  knownAlternatives.set(schema, found);
  return found;
}

/** Whether a mark such as `x-secret` stands at a place of a schema. */
export function markAt(schema: JsonObject, path: readonly string[], mark: string): Json | undefined {
  for (const { [mark]: value } of schemasAt(schema, path)) if (value !== undefined && value !== false) return value;
  return undefined;
}

/**
 * Checks the literal parts of `with` against the action's schema.
 * @param dynamic JSON pointers, below `with`, of values that are only known at run time.
 */
export function checkInput(
  report: Report,
  action: CatalogAction,
  { value, pointer, dynamic }: { value: JsonObject; pointer: string; dynamic: readonly string[] },
): void {
  const validate = validatorOf(action);
  if (validate(value)) return;
  const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`);
  const told = new Set<string>();
  for (const error of validate.errors ?? []) {
    const at = error.instancePath;
    if (dynamic.some((path) => isBelow(at, path))) continue;
    if (
      ['anyOf', 'oneOf', 'not', 'if', 'propertyNames'].includes(error.keyword) &&
      dynamic.some((path) => isBelow(path, at))
    )
      continue;
    // What fails inside an alternative is told by the alternative as a whole.
    if (/\/(anyOf|oneOf)\/\d+\//.test(error.schemaPath)) continue;
    tell(report, action, pointer, error, told);
  }
}

function tell(report: Report, action: CatalogAction, pointer: string, error: ErrorObject, told: Set<string>): void {
  const path = error.instancePath;
  const unknown = error.params['additionalProperty'] as string | undefined;
  const at = unknown === undefined ? `${pointer}${path}` : `${pointer}${path}/${pointerToken(unknown)}`;
  if (told.has(at)) return;
  told.add(at);
  if (unknown !== undefined) {
    const keys = path.split('/').slice(1).map(untoken);
    const known = schemasAt(action.input, keys).flatMap(({ properties }) => Object.keys(properties ?? {}));
    const message = `There is no input \`${unknown}\`.`;
    report.add('action_input_invalid', at, message, { what: 'key', suggestion: nearestName(unknown, known) });
    return;
  }
  const missing = error.params['missingProperty'] as string | undefined;
  const allowed = error.params['allowedValues'] as Json[] | undefined;
  const message =
    missing !== undefined
      ? `\`${missing}\` is required.`
      : `${path === '' ? 'The input' : `\`${path.slice(1)}\``} ${error.message ?? 'is invalid'}${allowed === undefined ? '' : `: ${allowed.map((value) => JSON.stringify(value)).join(', ')}`}.`;
  report.add('action_input_invalid', missing === undefined ? at : `${at}/${pointerToken(missing)}`, message);
}

function untoken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}
