import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import type { Target } from '../domain/action.js';
import { engineProblem } from '../domain/container-engine.js';
import { XynFault } from '../domain/fault.js';
import { Inventory } from './inventory.js';

const MAX_BYTES = 4 * 1_048_576;
const MAX_TARGETS = 10_000;

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,127}$/i, 'must be a name of letters, digits, dot and hyphen');
const address = z
  .string()
  .refine(
    (value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(value),
    'must be a host name or an IP address',
  );
const hostKey = z
  .string()
  .trim()
  .regex(
    /^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,2}( .*)?)$/,
    'must be the public key of the server (ssh-ed25519 AAAA…) or its fingerprint (SHA256:…)',
  );
const pem = z
  .string()
  .max(65_536)
  .regex(/^-----BEGIN CERTIFICATE-----\n/, 'must be a certificate as PEM');
const secret = z.strictObject({ secret: z.string().min(1).max(512) });
const engine = z
  .strictObject({ address: z.string(), ca: pem.optional(), cert: pem.optional(), key: secret.optional() })
  .transform(({ address, ca, cert, key }) => ({
    address,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: key.secret }),
  }))
  .superRefine((given, context) => {
    const message = engineProblem(given);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
const entry = z.strictObject({
  name,
  address,
  port: z.int().min(1).max(65_535).default(22),
  user: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$/, 'must be the name of an account'),
  key: secret.optional(),
  host_key: hostKey,
  engine: engine.optional(),
  labels: z.record(z.string(), z.string()).default({}),
  stage: z.enum(['dev', 'test', 'stage', 'prod']).optional(),
});
const inventory = z.strictObject({ targets: z.array(entry).max(MAX_TARGETS) });

/** Something in the inventory that cannot be used. */
interface Problem {
  line: number;
  message: string;
}

/**
 * Reads `targets.yaml`. No file: no targets.
 * @throws XynFault `config_invalid` that names every problem with its line.
 */
export function loadInventory(file: string | undefined): Inventory {
  if (file === undefined) return new Inventory();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new XynFault('config_invalid', `XYN_TARGETS_FILE (${file}) cannot be read.`, { cause: error });
  }
  return parseInventory(text, file);
}

/**
 * The inventory that a text describes.
 * @param file what to call it in messages.
 * @throws XynFault `config_invalid` that names every problem with its line.
 */
export function parseInventory(text: string, file: string): Inventory {
  if (text.length > MAX_BYTES) refuse(file, [{ line: 1, message: `is longer than ${MAX_BYTES} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core' });
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({
      line: lines.linePos(pos[0]).line,
      message: message.split('\n')[0]?.replace(/ at line \d+.*$/, '') ?? 'is not YAML',
    }));
    refuse(file, problems);
  }
  const parsed = inventory.safeParse(plainOf(document, file));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => ({
      line: lineOf(document, lines, path),
      message: `${path.join('.')}: ${message}`,
    }));
    refuse(file, problems);
  }
  const { targets } = parsed.data;
  const twice = targets.flatMap((target, at) => {
    if (targets.findIndex((other) => other.name === target.name) === at) return [];
    return [{ line: lineOf(document, lines, ['targets', at, 'name']), message: `${target.name} is there twice` }];
  });
  if (twice.length > 0) refuse(file, twice);
  return new Inventory(targets.map(targetOf));
}

/** Aliases are counted by the reader, so that a small text cannot become a large value. */
function plainOf(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    refuse(file, [{ line: 1, message: 'has too many aliases' }]);
  }
}

function targetOf({ key, host_key, engine: containers, stage, ...rest }: z.output<typeof entry>): Target {
  return {
    ...rest,
    hostKey: host_key,
    ...(key === undefined ? {} : { key: key.secret }),
    ...(containers === undefined ? {} : { engine: containers }),
    ...(stage === undefined ? {} : { stage }),
  };
}

/** The line of the innermost node on the path that exists. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function refuse(file: string, problems: readonly Problem[]): never {
  const text = problems.map(({ line, message }) => `  line ${line}: ${message}`).join('\n');
  throw new XynFault('config_invalid', `Targets that cannot be used, in ${file}:\n${text}`, { details: { problems } });
}
