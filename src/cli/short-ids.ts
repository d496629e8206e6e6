import { XynFault } from '../domain/fault.js';
import type { ApiClient } from '../client/api-client.js';

const FULL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PREFIX = /^[0-9a-f]{8}[0-9a-f-]{0,27}$/;

/** Whether a text is an id or the beginning of one. */
export function looksLikeId(text: string): boolean {
  return PREFIX.test(text.toLowerCase()) || FULL.test(text.toLowerCase());
}

async function resolve(
  given: string,
  kind: 'run' | 'gate',
  candidates: (prefix: string) => Promise<string[]>,
): Promise<string> {
  const text = given.toLowerCase();
  if (FULL.test(text)) return text;
  if (!PREFIX.test(text)) {
    const message = `\`${given.slice(0, 60)}\` is no ${kind} id: give the whole id, or its first 8 or more characters.`;
    throw new XynFault('request_invalid', message);
  }
  const ids = await candidates(text);
  const [first] = ids;
  if (first === undefined) {
    throw new XynFault(
      `${kind}_not_found`,
      `No ${kind} has an id that begins with ${text}; see \`xynctl ${kind}s list\`.`,
    );
  }
  if (ids.length > 1) {
    const message = `${text} is the beginning of several ${kind} ids (${ids.slice(0, 5).join(', ')}); give more of it.`;
    throw new XynFault('request_invalid', message);
  }
  return first;
}

/**
 * The run of an id or of its first 8 or more characters.
 * @throws XynFault `run_not_found`, `request_invalid` when it is no id or fits several runs.
 */
export async function resolveRunId(client: ApiClient, given: string): Promise<string> {
  return resolve(given, 'run', async (prefix) => {
    const { items } = await client.listRuns({ run_id_prefix: prefix });
    return items.map((run) => run.run_id);
  });
}

/**
 * The gate of an id or of its first 8 or more characters; open gates first, then the newest others.
 * @throws XynFault `gate_not_found`, `request_invalid` when it is no id or fits several gates.
 */
export async function resolveGateId(client: ApiClient, given: string): Promise<string> {
  return resolve(given, 'gate', async (prefix) => {
    const open = await gatesThatFit(client, prefix, 'open');
    return open.length > 0 ? open : gatesThatFit(client, prefix, undefined);
  });
}

/** Pages that are looked through for a short gate id. */
const MAX_GATE_PAGES = 25;

async function gatesThatFit(client: ApiClient, prefix: string, status: 'open' | undefined): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_GATE_PAGES; page += 1) {
    const { items, next_cursor: next } = await client.listGates({ status, limit: 200, cursor });
    found.push(...items.map((gate) => gate.gate_id).filter((id) => id.startsWith(prefix)));
    if (next === null) break;
    cursor = next;
  }
  return found;
}
