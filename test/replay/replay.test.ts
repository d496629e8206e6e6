import { beforeAll, describe, expect, it } from '@jest/globals';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJson, historyToJson, type HistoryJson } from '../../src/temporal/history-json.js';
import { replayHistory } from '../../src/temporal/replay.js';
import { SITUATIONS } from './situations.js';
import { TICKS } from './ticks.js';
import { withoutMachine } from './without-machine.js';

const folder = fileURLToPath(new URL('./histories', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
// The bundle that workers run; `npm test` builds it.
const bundlePath = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

const read = (file: string): HistoryJson => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as HistoryJson;
const workflowIdIn = ({ events }: HistoryJson): string =>
  (events[0]?.['workflowExecutionStartedEventAttributes'] as { workflowId: string }).workflowId;
const replay = (history: HistoryJson) => replayHistory(bundlePath, history, workflowIdIn(history));

/** What each recorded history came to, by the execution's id; undefined: it fits. */
const verdicts = new Map<string, Error | undefined>();
const runIdIn = ({ events }: HistoryJson): string =>
  (events[0]?.['workflowExecutionStartedEventAttributes'] as { originalExecutionRunId: string }).originalExecutionRunId;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
  });
  // One worker for all of them: making one takes longer than a replay.
  const histories = files.map((file) => {
    const history = read(file);
    return { workflowId: workflowIdIn(history), history: historyFromJson(history) };
  });
  const options = { workflowBundle: { codePath: bundlePath }, debugMode: false };
  for await (const { runId, error } of Worker.runReplayHistories(options, histories)) verdicts.set(runId, error);
});

describe('recorded histories', () => {
  it.each(files)('%s fits the interpreter of today', (file) => {
    const runId = runIdIn(read(file));
    expect([...verdicts.keys()]).toContain(runId);
    expect(verdicts.get(runId)).toBeUndefined();
  });

  it('cover every situation', () => {
    const missing = [...SITUATIONS, ...TICKS].filter(
      ({ name }) => !files.some((file) => new RegExp(`-${name}(-\\d+)?\\.json$`).exec(file)),
    );
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  it.each(files)('%s names no machine', (file) => {
    const history = read(file);
    expect(withoutMachine(history)).toEqual(history);
    expect(JSON.stringify(history)).not.toMatch(/node_modules|file:\/\//);
  });
});

describe('replayHistory', () => {
  const [plain = ''] = files.filter((file) => file.endsWith('-action.json'));

  it('says where code and history part', async () => {
    const history = read(plain);
    const scheduled = history.events.find((event) => event['eventType'] === 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED');
    (scheduled?.['activityTaskScheduledEventAttributes'] as { activityId: string }).activityId = 'other';
    const { fits, difference } = await replay(history);
    expect(fits).toBe(false);
    expect(difference).toMatch(/activity.*id/i);
    expect(difference).not.toContain('Failure {');
  });

  it('finds nothing to object to in a run that has just begun', async () => {
    const { events } = read(plain);
    expect(await replay({ events: events.slice(0, 1) })).toEqual({ fits: true });
    expect(await replay({ events: events.slice(0, 2) })).toEqual({ fits: true });
  });

  it('says what stopped code that fails', async () => {
    const history = read(plain);
    (history.events[0]?.['workflowExecutionStartedEventAttributes'] as { input: object }).input = { payloads: [] };
    expect(await replay(history)).toEqual({
      fits: false,
      difference: expect.stringMatching(/^Cannot read properties/),
    });
  });

  it('takes histories as clients fetch them', async () => {
    const json = read(plain);
    const history = historyFromJson(json);
    expect(await replayHistory(bundlePath, history, workflowIdIn(json))).toEqual({ fits: true });
    expect(historyToJson(history)).toMatchObject({
      events: json.events.map(({ eventId, eventType }) => ({ eventId, eventType })),
    });
  });

  it.each([[null], [{}], [{ events: [] }], [{ events: [{ eventId: '1', eventType: 7, x: [] }] }], ['text']])(
    'refuses %j, which is no history',
    async (value) => {
      await expect(replayHistory(bundlePath, value, 'run/x')).rejects.toMatchObject({ code: 'request_invalid' });
    },
  );
});
