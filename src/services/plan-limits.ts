import type { ProblemDto } from '../domain/dtos.js';
import { canonicalJson } from '../domain/json.js';
import { planDigest } from '../domain/plan-digest.js';
import type { Limits, Plan } from '../domain/plan.js';
import type { Compilation } from './blueprints.js';
import { laneOf } from './rails.js';

/** Limits of runs that hold in a deployment, within those of the language (language §9). */
export interface LimitRails {
  /** Where a blueprint says nothing. */
  defaults: Pick<Limits, 'steps' | 'run_time_ms'>;
  /** What a blueprint may say, at most. */
  ceilings: Pick<Limits, 'steps' | 'run_time_ms'>;
  /** `max_age` of runs that use containers, where a blueprint says nothing. Milliseconds. */
  workcellAgeMs: number;
}

/** Limits that a document sets by itself, by their names, with their places in the text. */
export type WrittenLimits = ReadonlyMap<string, { line: number; column: number }>;

const NAMES = { steps: 'steps', run_time_ms: 'run_time' } as const;

/**
 * Puts the limits of the deployment into a compiled plan, or refuses one that asks for more: `limit_range`, and
 * `limit_steps` for more steps in a row than may run.
 */
export function applyLimits(compilation: Compilation, rails: LimitRails, written: WrittenLimits): Compilation {
  const { compiled, problems } = compilation;
  if (compiled === undefined) return compilation;
  const { plan } = compiled;
  const found: ProblemDto[] = [];
  const limits: Limits = { ...plan.limits };
  for (const field of ['steps', 'run_time_ms'] as const) {
    if (limits[field] === rails.defaults[field]) continue;
    const place = written.get(NAMES[field]);
    if (place === undefined) limits[field] = rails.defaults[field];
    else if (limits[field] > rails.ceilings[field]) found.push(tooMuch(field, rails.ceilings[field], place));
  }
  const isWorkcell = laneOf(plan, '') === 'workcell' && limits.max_age_ms > rails.workcellAgeMs;
  if (isWorkcell && !written.has('max_age')) limits.max_age_ms = rails.workcellAgeMs;
  found.push(...stepsProblem(plan, limits));
  if (found.length > 0) return { problems: [...found, ...problems] };
  if (canonicalJson(limits) === canonicalJson(plan.limits)) return compilation;
  const changed = { ...plan, limits };
  return { compiled: { ...compiled, plan: { ...changed, digest: planDigest(changed) } }, problems };
}

function tooMuch(field: 'steps' | 'run_time_ms', ceiling: number, place: { line: number; column: number }): ProblemDto {
  const bound = field === 'steps' ? `${ceiling} steps` : `${ceiling / 60_000} minutes`;
  const message = `\`limits.${NAMES[field]}\` is more than this deployment allows: ${bound}.`;
  return { code: 'limit_range', severity: 'error', path: `/limits/${NAMES[field]}`, ...place, message };
}

/** The compiler counts by the document's own limit; with holders the engine counts. */
function stepsProblem({ nodes, root }: Plan, { steps }: Limits): ProblemDto[] {
  const isFlat = root.do.length === nodes.length;
  if (!isFlat || nodes.length <= steps) return [];
  const message = `The plan has ${nodes.length} steps, and a run may have ${steps}: set \`limits.steps\`.`;
  return [{ code: 'limit_steps', severity: 'error', path: '/plan', line: 1, column: 1, message }];
}
