import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RunDto } from '../../domain/dtos.js';
import { XynFault } from '../../domain/fault.js';
import { ERROR_CODES } from '../../domain/error-codes.js';
import { replayMain, rerunMain, type ReplayView, type RerunView } from '../../ui/runs/rerun.js';
import { uuid } from '../schemas/common.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const choice = { from: z.string().min(1).max(2_000).optional(), latest: z.literal('1').optional() };
const rerunQuery = z.object(choice);
type Choice = z.infer<typeof rerunQuery>;

function requestOf({ from, latest }: Choice): { from?: string; latest: boolean } {
  return { ...(from === undefined ? {} : { from }), latest: latest === '1' };
}

/** What a service refuses is told on the page; what the page itself lacks, and defects, are not for it. */
function refusalOf(error: unknown): XynFault {
  if (error instanceof XynFault && error.code !== 'run_not_found' && ERROR_CODES[error.code].status < 500) return error;
  if (error instanceof XynFault && (error.code === 'replay_busy' || error.code === 'replay_timeout')) return error;
  throw error;
}

function around(run: RunDto, crumb: string): Omit<PageAnswer, 'main' | 'testId'> {
  const above = [
    { label: 'Runs', href: '/ui/runs' },
    { label: run.name, href: `/ui/runs/${run.run_id}` },
  ];
  return { title: `${crumb} ${run.name}`, nav: 'runs', above, crumb };
}

/** @param refused why the rerun that was asked for was not made. */
async function rerunPage(call: UiCall, chosen: Choice, refused?: XynFault): Promise<PageAnswer> {
  const { services, csrf, ui } = call;
  const { waiting_on: _waiting, ...run } = await services.runs.get(call.param('run_id'));
  let found: Pick<RerunView, 'plan' | 'problem'>;
  try {
    if (refused !== undefined) throw refused;
    found = { plan: await services.reruns.preview(run.run_id, requestOf(chosen)), problem: null };
  } catch (error) {
    found = { plan: null, problem: refusalOf(error) };
  }
  const active = found.plan === null ? null : (await services.blueprints.get(run.blueprint_id)).active_version;
  const main = rerunMain(
    {
      run,
      ...found,
      from: chosen.from ?? null,
      latest: chosen.latest === '1',
      newer: active === run.blueprint_version ? null : active,
      csrf,
      key: randomUUID(),
    },
    ui,
  );
  const status = refused === undefined ? {} : { status: ERROR_CODES[refused.code].status };
  return { ...around(run, 'Rerun'), testId: 'page-rerun', main, ...status };
}

const rerunQuestion = page<Choice>({
  path: '/runs/:run_id/rerun',
  privilege: 'run.read',
  query: rerunQuery,
  load: (call) => rerunPage(call, call.query),
});

const rerun = form({
  path: '/runs/:run_id/rerun',
  privilege: 'run.create',
  body: z.strictObject({ ...choice, key: uuid }),
  handle: async (call) => {
    const { key, ...chosen } = call.body;
    try {
      const request = { ...requestOf(chosen), idempotencyKey: `rerun:${key}` };
      const { run } = await call.services.reruns.rerun(call.caller, call.param('run_id'), request);
      return { location: `/ui/runs/${run?.run_id ?? ''}` };
    } catch (error) {
      return rerunPage(call, chosen, refusalOf(error));
    }
  },
});

async function replayPage(
  call: UiCall,
  done: Partial<Pick<ReplayView, 'result' | 'problem'>> = {},
): Promise<PageAnswer> {
  const { waiting_on: _waiting, ...run } = await call.services.runs.get(call.param('run_id'));
  const main = replayMain({ run, result: null, problem: null, ...done, csrf: call.csrf }, call.ui);
  return { ...around(run, 'Replay check'), testId: 'page-replay', main };
}

const replayQuestion = page({
  path: '/runs/:run_id/replay-check',
  privilege: 'run.replay',
  load: (call) => replayPage(call),
});

const replay = form({
  path: '/runs/:run_id/replay-check',
  privilege: 'run.replay',
  body: z.strictObject({}),
  handle: async (call) => {
    try {
      return await replayPage(call, { result: await call.services.replays.check(call.param('run_id')) });
    } catch (error) {
      const problem = refusalOf(error);
      return { ...(await replayPage(call, { problem })), status: ERROR_CODES[problem.code].status };
    }
  },
});

export const rerunPages = [rerunQuestion, replayQuestion];
export const rerunForms = [rerun, replay];
