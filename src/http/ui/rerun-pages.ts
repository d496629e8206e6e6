import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RunDto } from '../../domain/dtos.js';
import { canonicalJson, type Json, type JsonObject } from '../../domain/json.js';
import type { RerunRequest } from '../../domain/rerun.js';
import { XynFault } from '../../domain/fault.js';
import { ERROR_CODES } from '../../domain/error-codes.js';
import {
  formFields,
  formTexts,
  readForm,
  textsOf,
  type FormField,
  type FormProblem,
  type FormTexts,
} from '../../ui/parts/schema-form.js';
import { replayMain, rerunMain, type ReplayView, type RerunView } from '../../ui/runs/rerun.js';
import { uuid } from '../schemas/common.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

/** Characters of one field. */
const MOST_TEXT = 100_000;
const choice = { from: z.string().min(1).max(2_000).optional(), latest: z.literal('1').optional() };
const rerunQuery = z.object(choice);
type Choice = z.infer<typeof rerunQuery>;

/** What was chosen, and the inputs that are others than those of the run. */
function requestOf({ from, latest }: Choice, inputs: JsonObject): RerunRequest {
  const changed = Object.keys(inputs).length === 0 ? {} : { inputs };
  return { ...(from === undefined ? {} : { from }), latest: latest === '1', ...changed };
}

/** The inputs of a form. */
interface Typed {
  fields: readonly FormField[];
  changed: JsonObject;
  problems: readonly FormProblem[];
}

/** @param texts what was typed; null: the inputs of the run stand there. */
async function typedOf(call: UiCall, run: RunDto, { latest }: Choice, texts: FormTexts | null): Promise<Typed> {
  const { blueprint_id: id, blueprint_version: version, inputs } = run;
  const ref = latest === '1' || version === null ? id : `${id}@${version}`;
  const { schema } = await call.services.launch.preview(ref, {});
  const shown = textsOf(schema, inputs);
  if (texts === null) return { fields: formFields(schema, shown, []), changed: {}, problems: [] };
  const { values, problems } = readForm(schema, texts);
  const emptied = Object.keys(shown).filter((key) => shown[key] !== '' && texts[key] === '');
  const told = [
    ...problems,
    ...emptied.map((key) => ({
      path: `/${key.replace(/^input\./, '')}`,
      message: 'A rerun keeps what is not given: this cannot be emptied.',
    })),
  ];
  const isOther = ([name, value]: [string, Json]): boolean =>
    canonicalJson(value) !== canonicalJson(inputs[name] ?? null) && (value !== false || inputs[name] != null);
  const changed = Object.fromEntries(Object.entries(values).filter(isOther));
  return { fields: formFields(schema, texts, told), changed, problems: told };
}

const NO_FIELDS: Typed = { fields: [], changed: {}, problems: [] };

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

interface Sent {
  texts?: FormTexts | null;
  /** Why the rerun that was asked for was not made. */
  refused?: XynFault;
}

async function rerunPage(call: UiCall, chosen: Choice, { texts = null, refused }: Sent = {}): Promise<PageAnswer> {
  const { services, csrf, ui } = call;
  const { waiting_on: _waiting, ...run } = await services.runs.get(call.param('run_id'));
  let found: Pick<RerunView, 'plan' | 'problem'>;
  let typed = NO_FIELDS;
  try {
    if (refused !== undefined && !refused.code.startsWith('input_')) throw refused;
    typed = await typedOf(call, run, chosen, texts);
    if (refused !== undefined) throw refused;
    const plan =
      typed.problems.length > 0 ? null : await services.reruns.preview(run.run_id, requestOf(chosen, typed.changed));
    found = { plan, problem: null };
  } catch (error) {
    const problem = refusalOf(error);
    found = { plan: null, problem };
    typed = { ...typed, fields: withProblems(typed.fields, problem) };
  }
  const active = found.plan === null ? null : (await services.blueprints.get(run.blueprint_id)).active_version;
  const main = rerunMain(
    {
      run,
      ...found,
      from: chosen.from ?? null,
      latest: chosen.latest === '1',
      newer: active === run.blueprint_version ? null : active,
      fields: typed.fields,
      hasOtherInputs: Object.keys(typed.changed).length > 0,
      csrf,
      key: randomUUID(),
    },
    ui,
  );
  const isWrong = typed.fields.some(({ problem }) => problem !== null);
  const status = refused !== undefined ? { status: ERROR_CODES[refused.code].status } : isWrong ? { status: 422 } : {};
  return { ...around(run, 'Rerun'), testId: 'page-rerun', main, ...status };
}

/** What the service says of single inputs stands under their fields. */
function withProblems(fields: readonly FormField[], { code, details }: XynFault): FormField[] {
  const given: unknown = code.startsWith('input_') ? details?.['problems'] : undefined;
  const problems = z.array(z.object({ path: z.string(), message: z.string() })).safeParse(given).data ?? [];
  return fields.map((field) => ({
    ...field,
    problem: field.problem ?? problems.find(({ path }) => path.split('/')[1] === field.name)?.message ?? null,
  }));
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
  body: z.object({ ...choice, key: uuid, look: z.literal('1').optional() }).catchall(z.string().max(MOST_TEXT)),
  handle: async (call) => {
    const { key, look, from, latest, ...rest } = call.body;
    const chosen = { ...(from === undefined ? {} : { from }), ...(latest === undefined ? {} : { latest }) };
    const texts = formTexts(rest);
    if (look === '1') return rerunPage(call, chosen, { texts });
    try {
      const { waiting_on: _waiting, ...run } = await call.services.runs.get(call.param('run_id'));
      const typed = texts === null ? NO_FIELDS : await typedOf(call, run, chosen, texts);
      if (typed.problems.length > 0) return await rerunPage(call, chosen, { texts });
      const request = { ...requestOf(chosen, typed.changed), idempotencyKey: `rerun:${key}` };
      const { run: made } = await call.services.reruns.rerun(call.caller, call.param('run_id'), request);
      return { location: `/ui/runs/${made?.run_id ?? ''}` };
    } catch (error) {
      return rerunPage(call, chosen, { texts, refused: refusalOf(error) });
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
