import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../config/config.js';
import { planDigest } from '../domain/plan-digest.js';
import { createCompiler } from './compiler.js';
import { artifactBounds, limitRailsOf, railsOf } from './rails.js';

const head = 'api: xyn/v1\nid: bp.a\ntriggers: [{manual: {}}]\n';
const stepsOf = (count: number): string =>
  `plan:\n${Array.from({ length: count }, (_, ix) => `  - {kind: transform, id: s${ix}, set: {x: true}}\n`).join('')}`;

function compile(text: string, env: NodeJS.ProcessEnv = {}) {
  return createCompiler(limitRailsOf(loadConfig(env)))(new TextEncoder().encode(text));
}

const codes = ({ problems }: Awaited<ReturnType<typeof compile>>): string[] =>
  problems.filter(({ severity }) => severity === 'error').map(({ code }) => code);

describe('the safety rails of the source plan', () => {
  it('are the defaults of the profile local', () => {
    const config = loadConfig({});
    expect(railsOf(config)).toMatchObject({
      eventBacklogMs: 7 * 86_400_000,
      causeDepth: 8,
      places: { workcell: 3, ci: 1 },
    });
    expect(limitRailsOf(config)).toMatchObject({
      defaults: { steps: 200, run_time_ms: 3_600_000 },
      workcellAgeMs: 7_200_000,
    });
    expect(artifactBounds(config)).toEqual({ maxBytes: 250 * 2 ** 20, maxStoreBytes: 20 * 2 ** 30 });
  });

  it('differ by profile, and a variable wins over it', () => {
    expect(railsOf(loadConfig({ XYN_PROFILE: 'ci' })).places).toEqual({ workcell: 1, ci: 1 });
    const server = railsOf(loadConfig({ XYN_PROFILE: 'server', XYN_CI_RUNS: '2' }));
    expect(server).toMatchObject({ startsPerMinute: 6_000, places: { workcell: 20, ci: 2 } });
    expect(() => loadConfig({ XYN_PROFILE: 'huge' })).toThrow('must be one of local, ci, server');
  });

  it.each([
    ['XYN_WORKCELLS', '0'],
    ['XYN_EVENT_BACKLOG_DAYS', '91'],
    ['XYN_EVENT_DEPTH', '33'],
    ['XYN_MAX_RUN_STEPS', '1001'],
    ['XYN_ARTIFACT_MIB', '10241'],
    ['XYN_STARTS_PER_MINUTE', '-1'],
  ])('have a range: %s=%s is refused', (variable, value) => {
    expect(() => loadConfig({ [variable]: value })).toThrow(`${variable}: must be a whole number`);
  });

  it('have defaults that are not above their ceilings', () => {
    expect(() => loadConfig({ XYN_MAX_RUN_STEPS: '100' })).toThrow('XYN_RUN_STEPS: is more than');
    expect(() => loadConfig({ XYN_MAX_RUN_MINUTES: '59' })).toThrow('XYN_RUN_MINUTES: is more than');
  });
});

describe('limits of runs', () => {
  it('are those of the language where nothing else is set', async () => {
    const { compiled } = await compile(head + stepsOf(2));
    expect(compiled?.plan.limits).toMatchObject({ steps: 200, run_time_ms: 3_600_000 });
  });

  it('are those of the deployment where the document says nothing; its digest covers them', async () => {
    const text = head + stepsOf(2);
    const { compiled } = await compile(text, { XYN_RUN_STEPS: '5', XYN_RUN_MINUTES: '10' });
    expect(compiled?.plan.limits).toMatchObject({ steps: 5, run_time_ms: 600_000 });
    expect(compiled?.plan.digest).toBe(planDigest(compiled!.plan));
    expect(compiled?.plan.digest).not.toBe((await compile(text)).compiled?.plan.digest);
  });

  it('refuse one step more than a run may have', async () => {
    const env = { XYN_RUN_STEPS: '5' };
    expect(codes(await compile(head + stepsOf(5), env))).toEqual([]);
    expect(codes(await compile(head + stepsOf(6), env))).toEqual(['limit_steps']);
    expect(codes(await compile(`${head}limits: {steps: 6}\n${stepsOf(6)}`, env))).toEqual([]);
  });

  it('may be set by a document up to the ceiling, and not one above', async () => {
    const env = { XYN_MAX_RUN_STEPS: '300', XYN_MAX_RUN_MINUTES: '120' };
    const limits = (text: string) => compile(`${head}limits: ${text}\n${stepsOf(1)}`, env);
    expect((await limits('{steps: 300, run_time: 2h}')).compiled?.plan.limits).toMatchObject({
      steps: 300,
      run_time_ms: 7_200_000,
    });
    expect((await limits('{steps: 301}')).problems).toMatchObject([
      {
        code: 'limit_range',
        path: '/limits/steps',
        line: 4,
        column: 17,
        message: expect.stringContaining('300 steps'),
      },
    ]);
    expect(codes(await limits('{run_time: 121m}'))).toEqual(['limit_range']);
  });
});
