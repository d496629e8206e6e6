import type { Verdict } from '../../domain/dtos.js';
import { isImportantEvent, type EventLine, type FilterCheck } from '../../domain/event-console.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { duration } from '../duration.js';
import { bytes, plural } from '../format.js';
import { plainProblem } from '../parts/schema-form.js';
import { statusOf, type Status } from '../status.js';

const REFUSED: ReadonlySet<Verdict> = new Set<Verdict>(['filter_error', 'input_invalid', 'loop']);

/** What became of an event, over all blueprints that listen to it. */
export function outcomeLook({ event_name: name, verdicts }: Pick<EventLine, 'event_name' | 'verdicts'>): Status {
  const started = verdicts.filter(({ verdict }) => verdict === 'started').length;
  const refused = verdicts.find(({ verdict }) => REFUSED.has(verdict));
  const held = verdicts.some(({ verdict }) => verdict === 'backlog');
  if (refused !== undefined) return statusOf('fail', started > 0 ? `${plural(started, 'run')}, refused` : 'refused');
  if (held) return statusOf('held', started > 0 ? `${plural(started, 'run')}, held` : 'held');
  if (started > 0) return statusOf('done', plural(started, 'run'));
  if (verdicts.some(({ verdict }) => verdict === 'duplicate_of')) return statusOf('skipped', 'duplicate');
  if (verdicts.length > 0) return statusOf('skipped', 'no match');
  if (isImportantEvent(name)) return statusOf('fail', '');
  if (name === 'xyn.gate.opened') return statusOf('gate', '');
  return statusOf('dot', name.startsWith('xyn.') ? '' : 'nobody listens');
}

const VERDICTS: Record<Verdict, Status> = {
  started: statusOf('done', 'Started a run'),
  filter_false: statusOf('skipped', 'No match'),
  disabled: statusOf('skipped', 'Switched off'),
  duplicate_of: statusOf('skipped', 'Duplicate'),
  backlog: statusOf('held', 'Held'),
  filter_error: statusOf('fail', 'Refused'),
  input_invalid: statusOf('fail', 'Refused'),
  loop: statusOf('fail', 'Refused'),
};

/** One blueprint's verdict as glyph and word. */
export function verdictLook(verdict: Verdict, detail: JsonObject | null): Status {
  if (verdict === 'backlog' && detail?.['expired'] === true) return statusOf('fail', 'Too old');
  return VERDICTS[verdict];
}

function text(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function problemsOf(detail: JsonObject | null): string {
  const problems = Array.isArray(detail?.['problems']) ? detail['problems'] : [];
  return problems
    .map((one) => {
      const { path, message } = one as JsonObject;
      return plainProblem(text(path).replace(/^\//, '') || 'It', text(message));
    })
    .join(' ');
}

/** Why a blueprint was or was not started, in a sentence; the values behind it stand beside it. */
export function verdictSentence(verdict: Verdict, detail: JsonObject | null): string {
  const entry = typeof detail?.['trigger'] === 'number' ? `Trigger ${detail['trigger'] + 1}` : 'The trigger';
  switch (verdict) {
    case 'started':
      return `${entry} matched.`;
    case 'filter_false':
      return `${entry} listens to this event; its filter was not true.`;
    case 'filter_error': {
      const field = detail?.['field'];
      const what = field === 'inputs' ? 'inputs' : field === 'dedupe' ? 'key of `dedupe`' : 'filter';
      if (detail?.['code'] === 'plan_digest_mismatch')
        return 'The stored plan does not fit its digest, so it is not run.';
      return `The ${what} of ${entry.toLowerCase()} could not be evaluated: ${text(detail?.['message']) || text(detail?.['code'])}.`;
    }
    case 'input_invalid':
      return `The inputs that ${entry.toLowerCase()} gives do not fit. ${problemsOf(detail)}`;
    case 'duplicate_of':
      return `Another event with the key ${text(detail?.['key'])} has started a run.`;
    case 'disabled':
      return detail?.['reason'] === 'blueprint' ? 'The blueprint is switched off.' : `${entry} is switched off.`;
    case 'backlog':
      if (detail?.['expired'] === true) return 'It was held until it was too old to start anything.';
      return `The blueprint starts too often: ${text(detail?.['starts_per_minute'])} a minute are allowed. It starts when there is room.`;
    case 'loop':
      return `It comes from a chain of ${text(detail?.['cause_depth'])} runs that caused one another; ${text(detail?.['allowed'])} are allowed.`;
  }
}

/** The conditions of a filter as they were decided; empty where the record has none. */
export function checksOf(detail: JsonObject | null): FilterCheck[] {
  const checks = detail?.['checks'];
  return Array.isArray(checks) ? (checks as unknown as FilterCheck[]) : [];
}

const MOST_ABOUT = 90;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Of a long number as of a commit or a digest, its beginning says enough. */
const LONG_HEX = /^((?:sha256:)?[0-9a-f]{8})[0-9a-f]{24,}$/;

/** A number with what its field says of it, with plain spaces: it stands among text of others, where a thin one is shown by name. */
function numberText(field: string, value: number): string {
  if (field === 'byte_length') return bytes(value).replaceAll(/\s/g, ' ');
  if (field.endsWith('_ms')) return duration(value).replaceAll(/\s/g, ' ');
  return field === 'version' || field === 'revision' ? `${field} ${value}` : String(value);
}

/**
 * What an event is about, in a line: its resource and the first short texts and numbers of its data. Ids that no person
 * knows come only where nothing else is said.
 */
export function aboutEvent({ resource, data }: Pick<EventLine, 'resource' | 'data'>): string {
  const scalars = Object.entries(data ?? {}).flatMap(([name, value]) => {
    if (typeof value === 'number') return [numberText(name, value)];
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  const parts = [...(resource === null ? [] : [resource.id]), ...scalars];
  const known = parts.filter((one) => !UUID.test(one)).map((one) => one.replace(LONG_HEX, '$1…'));
  const line = [...new Set(known.length === 0 ? parts : known)].slice(0, 3).join(' · ');
  return line.length > MOST_ABOUT ? `${Array.from(line).slice(0, MOST_ABOUT).join('')}…` : line;
}
