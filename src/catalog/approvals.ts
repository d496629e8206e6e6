import { sha256Hex } from '../domain/hash.js';
import { gateIdOf } from '../domain/ids.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../domain/json.js';
import type { ApprovalCheck } from '../domain/records.js';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

/** The row of a gate with the votes that count, as people cast them. */
interface GateRow {
  gate_id: string;
  status: string;
  require: number;
  binds: Json;
  approvals: number;
  rejections: number;
}

const GATES = `
  SELECT g.gate_id, g.status, g.require, g.binds,
    count(DISTINCT d.actor) FILTER (WHERE d.decision = 'approve')::int AS approvals,
    count(DISTINCT d.actor) FILTER (WHERE d.decision = 'reject')::int AS rejections
  FROM gates g
  LEFT JOIN gate_decisions d ON d.gate_id = g.gate_id AND d.status IN ('submitted', 'applied')
  WHERE g.gate_id = ANY($1::uuid[])
  GROUP BY g.gate_id`;

/**
 * Looks for the proof in the catalog: decisions of enough people at every gate, and the step's input as the gate showed it.
 * A message to the workflow alone, without rows, approves nothing. A step that a gate did not show is not bound by it.
 * @throws XynFault `db_unavailable` when Postgres does not answer.
 */
export function catalogApprovals({ pool }: Pick<Catalog, 'pool'>): ApprovalCheck {
  return {
    async check(runId, gates, step) {
      if (gates.length === 0) return undefined;
      const ids = new Map(gates.map((path) => [gateIdOf(runId, path), path]));
      const rows = await pool.query<GateRow>(GATES, [[...ids.keys()]]).catch((error: unknown) => {
        throw catalogFault(error);
      });
      const byId = new Map(rows.rows.map((row) => [row.gate_id, row]));
      for (const [id, path] of ids) {
        const reason = undecided(path, byId.get(id)) ?? changed(path, byId.get(id)?.binds, step);
        if (reason !== undefined) return reason;
      }
      return undefined;
    },
  };
}

/** Why the gate does not count as approved. */
function undecided(path: string, gate: GateRow | undefined): string | undefined {
  if (!gate) return `The catalog has no gate ${path}.`;
  if (gate.status !== 'approved' && gate.status !== 'open') return `Gate ${path} is ${gate.status}.`;
  if (gate.approvals < gate.require) {
    return `Gate ${path} has ${gate.approvals} recorded approvals and needs ${gate.require}.`;
  }
  // The workflow closed an approved gate whatever came after; an open one must not have met with refusal.
  if (gate.status === 'open' && gate.rejections > 0) return `Gate ${path} was rejected.`;
  return undefined;
}

/** Why what is about to run is not what the gate showed. */
function changed(gate: string, binds: Json | undefined, step: Step): string | undefined {
  if (!Array.isArray(binds)) return `Gate ${gate} has no readable record of what it showed.`;
  const place = placeOf(step.path);
  const binding = binds.find((one) => isJsonObject(one) && placeOf(one['path'] as string) === place);
  if (!isJsonObject(binding)) return undefined;
  const path = binding['path'] as string;
  const later = new Set(Array.isArray(binding['later']) ? binding['later'] : []);
  const known = Object.entries(step.input).filter(([name]) => !later.has(name));
  const input = Object.fromEntries<Json>(known);
  const hash = sha256Hex(canonicalJson({ path, action: step.action, input }));
  // Without a hash nothing was bound that could be compared: refused, too.
  return hash === binding['hash'] ? undefined : `Step ${step.path} would not run what was approved at gate ${gate}.`;
}

/** The place of a step in the plan: a gate cannot know how often a loop or an attempt around it will run. */
function placeOf(path: string): string {
  return path.replace(/\[\d+\]|#\d+/g, '');
}

interface Step {
  path: string;
  action: string;
  input: JsonObject;
}
