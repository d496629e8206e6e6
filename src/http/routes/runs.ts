import { z } from 'zod';
import { XynFault } from '../../domain/fault.js';
import { downloadAnswers, downloadOf } from '../artifact-routes.js';
import { keyPart } from '../caller.js';
import { listPage } from '../listing.js';
import { API_PREFIX, route, type Answer, type Call, type Route } from '../route.js';
import { pageQuery, timestamp, uuid } from '../schemas/common.js';
import {
  cancelRunRequest,
  createRunRequest,
  footprintListSchema,
  replayCheckSchema,
  rerunRequest,
  rerunSchema,
  runDetailSchema,
  runListQuery,
  runListSchema,
  runSchema,
  stepDetailSchema,
  stepListSchema,
} from '../schemas/run.js';
import type { Services } from '../services.js';

/** A short id that covers more runs than this is too short to choose among them. */
const MAX_PREFIX_RUNS = 10;

const runPosition = z.strictObject({ created_at: timestamp, run_id: uuid });
const footprintPosition = z.strictObject({
  recorded_at: timestamp,
  source_kind: z.string(),
  source_ref: z.string(),
  metric: z.string(),
});
const stepPosition = z.strictObject({ seq: z.number(), path: z.string() });

async function listRuns(services: Services, { query }: Call<z.infer<typeof runListQuery>, undefined>): Promise<Answer> {
  const { run_id_prefix: prefix, ...rest } = query;
  if (prefix === undefined) return listPage(services, 'runs', rest, runPosition, (q) => services.runs.list(q));
  const { limit, ...others } = rest;
  if (Object.keys(others).length > 0) {
    throw new XynFault('request_invalid', '`run_id_prefix` does not go with other filters.');
  }
  const ids = await services.runs.idsWithPrefix(prefix, Math.min(limit, MAX_PREFIX_RUNS));
  const runs = await Promise.all(ids.map((id) => services.runs.get(id)));
  return { body: { items: runs.map(({ waiting_on: _waiting, ...run }) => run), next_cursor: null } };
}

const stepRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/runs/:run_id/steps',
    id: 'listSteps',
    summary: 'List the steps of a run, in the order in which it reached them',
    privilege: 'run.read',
    query: pageQuery,
    answers: { 200: stepListSchema },
    errors: ['run_not_found'],
    handle: async (services, { query, param }) => {
      const runId = param('run_id');
      return listPage(services, `steps/${runId}`, query, stepPosition, (q) => services.runs.steps(runId, q));
    },
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id/steps/:step_id',
    id: 'getStep',
    summary: 'Show a step with its attempts',
    privilege: 'run.read',
    answers: { 200: stepDetailSchema },
    errors: ['step_not_found'],
    handle: async ({ runs }, { param }) => ({ body: await runs.step(param('run_id'), param('step_id')) }),
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id/steps/:step_id/log',
    id: 'getStepLog',
    summary: 'Get what a step printed',
    privilege: 'artifact.read',
    answers: downloadAnswers,
    errors: ['step_not_found', 'artifact_not_found', 'artifact_damaged', 'range_not_satisfiable'],
    handle: async ({ runs, artifacts }, { param }) => {
      const step = await runs.step(param('run_id'), param('step_id'));
      if (step.logs_artifact_id === null) throw new XynFault('artifact_not_found', 'The step has no log.');
      return downloadOf(artifacts, step.logs_artifact_id);
    },
  }),
];

const footprintRoute = route({
  method: 'GET',
  path: '/runs/:run_id/footprints',
  id: 'listFootprints',
  summary: 'List what a run used, oldest first, with its totals',
  privilege: 'run.read',
  query: pageQuery,
  answers: { 200: footprintListSchema },
  errors: ['run_not_found'],
  handle: async (services, { query, param }) => {
    const runId = param('run_id');
    let totals: object[] = [];
    const { body } = await listPage(services, `footprints/${runId}`, query, footprintPosition, async (q) => {
      const page = await services.runs.footprints(runId, q);
      totals = page.totals;
      return page;
    });
    return { body: { ...body, totals } };
  },
});

const rerunRoute = route({
  method: 'POST',
  path: '/runs/:run_id/rerun',
  id: 'rerunRun',
  summary: 'Repeat an ended run as a new one that takes over what that one did',
  privilege: 'run.create',
  body: rerunRequest,
  answers: { 200: rerunSchema, 201: rerunSchema },
  errors: [
    'run_not_found',
    'run_open',
    'rerun_open',
    'rerun_too_large',
    'records_incomplete',
    'step_not_found',
    'blueprint_unknown',
    'blueprint_disabled',
    'input_missing',
    'input_unknown',
    'input_invalid',
    'plan_digest_mismatch',
    'artifact_not_found',
    'artifact_damaged',
    'artifact_storage_full',
  ],
  keyed: true,
  handle: async ({ reruns }, { caller, headers, param, body }) => {
    const { dry_run: isDry, ...request } = body;
    if (isDry) return { body: await reruns.preview(param('run_id'), request) };
    const made = await reruns.rerun(caller, param('run_id'), { ...request, ...keyPart(headers) });
    return { status: 201, location: `${API_PREFIX}/runs/${made.run?.run_id ?? ''}`, body: made };
  },
});

export const runRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/runs',
    id: 'createRun',
    summary: 'Start a run of a blueprint by hand',
    privilege: 'run.create',
    body: createRunRequest,
    answers: { 201: runSchema },
    errors: [
      'blueprint_unknown',
      'blueprint_disabled',
      'input_missing',
      'input_unknown',
      'input_invalid',
      'plan_digest_mismatch',
    ],
    keyed: true,
    handle: async ({ runs }, call) => {
      const run = await runs.create(call.caller, { ...call.body, ...keyPart(call.headers) });
      return { status: 201, location: `${API_PREFIX}/runs/${run.run_id}`, body: run };
    },
  }),
  route({
    method: 'GET',
    path: '/runs',
    id: 'listRuns',
    summary: 'List runs, newest first',
    privilege: 'run.read',
    query: runListQuery,
    answers: { 200: runListSchema },
    handle: listRuns,
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id',
    id: 'getRun',
    summary: 'Show a run and what it waits for',
    privilege: 'run.read',
    answers: { 200: runDetailSchema },
    errors: ['run_not_found'],
    handle: async ({ runs }, { param }) => ({ body: await runs.get(param('run_id')) }),
  }),
  route({
    method: 'POST',
    path: '/runs/:run_id/cancel',
    id: 'cancelRun',
    summary: 'Ask a run to cancel; a repeat changes nothing',
    privilege: 'run.cancel',
    body: cancelRunRequest,
    answers: { 200: runSchema },
    errors: ['run_not_found'],
    handle: async ({ runs }, { caller, param, body }) => ({
      body: await runs.cancel(caller, param('run_id'), body.reason),
    }),
  }),
  rerunRoute,
  route({
    method: 'POST',
    path: '/runs/:run_id/replay-check',
    id: 'checkReplay',
    summary: 'Run the history of a run through the code of today, without any effect',
    privilege: 'run.replay',
    answers: { 200: replayCheckSchema },
    errors: ['run_not_found', 'history_gone', 'replay_busy', 'replay_timeout', 'temporal_unavailable'],
    handle: async ({ replays }, { param }) => ({ body: await replays.check(param('run_id')) }),
  }),
  footprintRoute,
  ...stepRoutes,
];
