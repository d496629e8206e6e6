import { cronText, parseCron } from '../../domain/cron.js';
import { isJsonObject } from '../../domain/json.js';
import type { ScheduleSpec } from '../../domain/plan.js';
import { OVERLAPS } from '../../domain/schedule.js';
import { nearestName } from '../suggestion.js';
import { defined } from './defined.js';
import type { Fields } from './fields.js';
import type { Report } from './report.js';

/** What the event of a schedule tells in its data. */
export const FIRED_DATA: readonly string[] = ['schedule_id', 'scheduled_at'];

const NAMES = { known: ['cron', 'every', 'timezone', 'jitter', 'overlap', 'catchup'] };
const SECOND_MS = 1_000;
const LONGEST_MS = 30 * 86_400_000;
/** Language §2. */
const CATCHUP_MS = 600_000;
/** Temporal takes nothing shorter for a missed time. */
const LEAST_CATCHUP_MS = 10_000;
const LONGEST_JITTER_MS = 86_400_000;

/** Reads the `schedule` of a trigger. */
export class ScheduleReader {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  /** @param entry the trigger; its field `schedule` is there. @returns undefined when it does not say when to fire. */
  read(entry: Fields): ScheduleSpec | undefined {
    const map = entry.get('schedule');
    if (!isJsonObject(map)) {
      this.#report.add('trigger_invalid', entry.at('schedule'), '`schedule` is a map with `cron` or `every`.');
      return undefined;
    }
    const fields = entry.inner('schedule', map, NAMES);
    const jitter = fields.duration('jitter', { min: SECOND_MS, max: LONGEST_JITTER_MS });
    const catchup = fields.duration('catchup', { min: LEAST_CATCHUP_MS, max: LONGEST_MS }) ?? CATCHUP_MS;
    const overlap = fields.oneOf('overlap', OVERLAPS);
    const when = this.#when(fields);
    if (when === undefined) return undefined;
    return {
      ...when,
      ...defined({ jitter_ms: jitter, overlap: overlap === 'skip' ? undefined : overlap }),
      catchup_ms: catchup,
    };
  }

  #when(fields: Fields): Pick<ScheduleSpec, 'cron' | 'timezone' | 'every_ms'> | undefined {
    const { cron, every } = { cron: fields.has('cron'), every: fields.has('every') };
    if (cron === every) {
      const message = 'A schedule has either `cron` or `every`.';
      const at = cron ? fields.at('every') : fields.pointer;
      this.#report.add('trigger_invalid', at, message, cron ? { what: 'key' } : {});
      return undefined;
    }
    if (every) {
      if (fields.has('timezone')) {
        const message = '`every` counts what has passed and knows no time zone; `cron` does.';
        this.#report.add('field_conflict', fields.at('timezone'), message, { what: 'key' });
      }
      const ms = fields.duration('every', { min: SECOND_MS, max: LONGEST_MS });
      return ms === undefined ? undefined : { every_ms: ms };
    }
    const timezone = this.#timezone(fields);
    const text = fields.text('cron');
    if (text === undefined || timezone === undefined) return undefined;
    const parsed = parseCron(text);
    if (!('problem' in parsed)) return { cron: cronText(text), timezone };
    this.#report.add('cron_invalid', fields.at('cron'), parsed.problem);
    return undefined;
  }

  #timezone(fields: Fields): string | undefined {
    if (!fields.has('timezone')) return 'UTC';
    const name = fields.text('timezone');
    if (name === undefined || isTimeZone(name)) return name;
    const message = `No time zone is called \`${name}\`: a name like \`Europe/Berlin\`, or \`UTC\`.`;
    const known = Intl.supportedValuesOf('timeZone');
    const bySpelling = known.find((one) => one.toLowerCase() === name.trim().replaceAll(' ', '_').toLowerCase());
    const suggestion = bySpelling ?? nearestName(name, known) ?? known.find((one) => one.endsWith(`/${name}`));
    this.#report.add('timezone_unknown', fields.at('timezone'), message, { suggestion });
    return undefined;
  }
}

/** A name of the IANA database, also one of its older names; written as it is there, since servers mind the case. */
function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  if (!/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)+$/.test(name)) return false;
  try {
    // The formatter takes any case and gives the name back in the right one, or under its newer name.
    const resolved = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    return resolved === name || resolved.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}
