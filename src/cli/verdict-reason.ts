import type { JsonObject } from '../domain/json.js';
import type { Event } from '../client/api-client.js';

type Verdict = Event['verdicts'][number]['verdict'];

/** Why an event started a run of a blueprint or did not, in a sentence. */
export function verdictReason(verdict: Verdict, detail: JsonObject | null): string {
  const trigger = typeof detail?.['trigger'] === 'number' ? `trigger ${detail['trigger'] + 1}` : 'the trigger';
  switch (verdict) {
    case 'started':
      return 'a run was started';
    case 'filter_false':
      return `the filter of ${trigger} is false for this event`;
    case 'filter_error':
      return `${partOf(detail, trigger)} could not be evaluated${because(detail)}`;
    case 'input_invalid':
      return `the inputs that ${trigger} gives do not fit${because(detail)}`;
    case 'duplicate_of':
      return `run ${text(detail?.['duplicate_of'])} was started by an event with the same key (${text(detail?.['key'])})`;
    case 'disabled':
      return `${detail?.['reason'] === 'blueprint' ? 'the blueprint' : trigger} is switched off`;
    case 'backlog':
      return detail?.['expired'] === true
        ? 'the event is too old to start anything'
        : `the blueprint starts too often (${text(detail?.['starts_per_minute'])} a minute are allowed); the start is held until there is room`;
    case 'loop':
      return `the event comes from a chain of ${text(detail?.['cause_depth'])} runs that caused one another; ${text(detail?.['allowed'])} are allowed`;
  }
}

function partOf(detail: JsonObject | null, trigger: string): string {
  if (detail?.['code'] === 'plan_digest_mismatch') return 'the stored plan is damaged: it';
  const field = detail?.['field'];
  const part = field === 'inputs' ? 'the inputs' : field === 'dedupe' ? 'the `dedupe.key`' : 'the filter';
  return `${part} of ${trigger}`;
}

function because(detail: JsonObject | null): string {
  const problems = Array.isArray(detail?.['problems']) ? detail['problems'] : [];
  const told = problems.map((problem) => text((problem as JsonObject)['message'])).filter((message) => message !== '');
  const parts = [text(detail?.['code']), ...(told.length > 0 ? told : [text(detail?.['message'])])];
  const reason = parts.filter((part) => part !== '').join(': ');
  return reason === '' ? '' : ` (${reason})`;
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
