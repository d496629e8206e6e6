import { describe, expect, it } from '@jest/globals';
import { compileContext as context } from '../../test/support/compile-context.js';
import { compileBlueprint } from './index.js';

const PLAN = 'plan: [{kind: transform, id: seen, set: {x: 1}}]';

async function compile(trigger: string, more = '') {
  const text = `api: xyn/v1\nid: bp.s\n${more}triggers:\n  - ${trigger}\n${PLAN}\n`;
  const { compiled, problems } = await compileBlueprint(new TextEncoder().encode(text), context);
  return { triggers: compiled?.plan.triggers, digest: compiled?.plan.digest, problems };
}

describe('schedules', () => {
  it('fill in what is not said: UTC, no jitter, skip, ten minutes', async () => {
    const { triggers, problems } = await compile('schedule: {cron: "0 3 * * mon"}');
    expect(problems).toEqual([]);
    expect(triggers).toEqual([{ kind: 'schedule', cron: '0 3 * * MON', timezone: 'UTC', catchup_ms: 600_000 }]);
  });

  it('keep everything that is said, with filter, inputs and switch', async () => {
    const { triggers } = await compile(
      '{schedule: {cron: "0 3 * * *", timezone: Europe/Berlin, jitter: 5m, overlap: queue_one, catchup: 1h}, filter: env.stage == "prod", inputs: {day: "{{event.data.scheduled_at}}"}, enabled: false}',
      'inputs: {day: string}\n',
    );
    expect(triggers).toMatchObject([
      {
        kind: 'schedule',
        cron: '0 3 * * *',
        timezone: 'Europe/Berlin',
        jitter_ms: 300_000,
        overlap: 'queue_one',
        catchup_ms: 3_600_000,
        filter: expect.anything(),
        inputs: { day: expect.anything() },
        disabled: true,
      },
    ]);
    expect((await compile('schedule: {every: 6h, overlap: skip}')).triggers).toEqual([
      { kind: 'schedule', every_ms: 21_600_000, catchup_ms: 600_000 },
    ]);
  });

  it('are the same plan however their cron expression is spaced', async () => {
    const [one, two] = await Promise.all([
      compile('schedule: {cron: "0 3 * * mon"}'),
      compile('schedule: {cron: " 0  3 * * MON ", timezone: UTC}'),
    ]);
    expect(one.digest).toBe(two.digest);
  });

  it.each([
    ['schedule: {cron: "0 25 * * *"}', 'cron_invalid', '`25` is no hour: 0–23.', undefined],
    ['schedule: {cron: "0 0 30 2 *"}', 'cron_invalid', 'never fires', undefined],
    ['schedule: {cron: "0 3 * * *", timezone: Europe/Berln}', 'timezone_unknown', 'Europe/Berln', 'Europe/Berlin'],
    ['schedule: {cron: "0 3 * * *", timezone: europe/berlin}', 'timezone_unknown', 'europe', 'Europe/Berlin'],
    ['schedule: {cron: "0 3 * * *", timezone: Berlin}', 'timezone_unknown', 'Berlin', 'Europe/Berlin'],
    ['schedule: {cron: "0 3 * * *", timezone: "+02:00"}', 'timezone_unknown', '+02:00', undefined],
    ['schedule: {}', 'trigger_invalid', 'either `cron` or `every`', undefined],
    ['schedule: {cron: "0 3 * * *", every: 1h}', 'trigger_invalid', 'either', undefined],
    ['schedule: {every: 1h, timezone: UTC}', 'field_conflict', '`every` counts', undefined],
    ['schedule: {every: 0s}', 'duration_range', 'between 1s and 30d', undefined],
    ['schedule: {every: 1h, catchup: 5s}', 'duration_range', 'between 10s', undefined],
    ['schedule: {every: 1h, overlap: kill}', 'value_unknown', '`cancel_other`', undefined],
    ['schedule: {every: 1h, jiter: 1m}', 'field_unknown', 'jiter', 'jitter'],
    ['schedule: "0 3 * * *"', 'trigger_invalid', 'is a map', undefined],
    ['{schedule: {every: 1h}, event: a.b}', 'trigger_invalid', 'one of `event`, `schedule` or `manual`', undefined],
  ])('refuse %s', async (trigger, code, message, suggestion) => {
    const { problems } = await compile(trigger);
    expect(problems).toEqual([
      expect.objectContaining({
        code,
        severity: 'error',
        message: expect.stringContaining(message),
        ...(suggestion === undefined ? {} : { suggestion }),
      }),
    ]);
  });

  it('say which inputs nobody gives', async () => {
    const inputs = 'inputs: {host: string, scheduled_at: string}\n';
    expect((await compile('schedule: {every: 1h}', inputs)).problems).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'input_missing', suggestion: 'add `inputs`' })]),
    );
  });

  it('bring nothing from outside: their inputs may choose what is acted on', async () => {
    const step = 'plan: [{kind: action_task, id: a, action: ssh.run, with: {host: "{{inputs.host}}", argv: ["true"]}}]';
    const codes = async (trigger: string): Promise<string[]> => {
      const text = `api: xyn/v1\nid: bp.s\ninputs: {host: string}\ntriggers: [${trigger}]\n${step}\n`;
      const { problems } = await compileBlueprint(new TextEncoder().encode(text), context);
      return problems.map(({ code }) => code);
    };
    expect(await codes('{schedule: {every: 1h}, inputs: {host: web-1}}')).toEqual([]);
    expect(await codes('{schedule: {every: 1h}, inputs: {host: web-1}}, {event: a.b}')).toEqual(['tainted_target']);
  });
});
