import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { launchMain, launchPick, planPreview } from '../../ui/launch/launch.js';
import { formTexts, readForm, type FormProblem, type FormTexts } from '../../ui/parts/schema-form.js';
import type { LaunchPreview } from '../../domain/launch.js';
import { uuid } from '../schemas/common.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

/** Characters of one field. */
const MOST_TEXT = 100_000;
const texts = z.record(z.string().max(200), z.string().max(MOST_TEXT));
const BASE = { nav: 'launch', testId: 'page-launch' } as const;

interface Asked {
  preview: LaunchPreview;
  typed: FormTexts | null;
  problems: readonly FormProblem[];
}

/** What a form would start: the fields need the plan's schema, and the plan is asked with what they say. */
async function ask({ services }: UiCall, blueprintId: string, fields: Record<string, string>): Promise<Asked> {
  const typed = formTexts(fields);
  const bare = await services.launch.preview(blueprintId, {});
  if (typed === null) return { preview: bare, typed, problems: bare.problems };
  const { values, problems } = readForm(bare.schema, typed);
  const preview = await services.launch.preview(blueprintId, values);
  // What could not be read is not missing: it is told once.
  const unread = new Set(problems.map(({ path }) => path));
  return { preview, typed, problems: [...problems, ...preview.problems.filter(({ path }) => !unread.has(path))] };
}

function formPage(
  call: UiCall,
  asked: Asked,
  over: { key?: string; isSent?: true; hasChanged?: true } = {},
): PageAnswer {
  const { preview, typed, problems } = asked;
  const { key = randomUUID(), isSent = false, hasChanged = false } = over;
  const view = { preview, texts: typed, isSent, problems, hasChanged, csrf: call.csrf, key, stage: call.env.stage };
  return {
    ...BASE,
    title: `Launch ${preview.name}`,
    above: [{ label: 'Launch', href: '/ui/runs/new' }],
    crumb: preview.name,
    here: `/ui/runs/new?blueprint=${encodeURIComponent(preview.blueprint_id)}`,
    main: launchMain(view, call.ui),
  };
}

const launcher = page({
  path: '/runs/new',
  privilege: 'run.create',
  query: texts,
  load: async (call) => {
    const { blueprint, ...fields } = call.query;
    if (blueprint !== undefined) return formPage(call, await ask(call, blueprint, fields));
    const blueprints = await call.services.blueprints.list();
    return { ...BASE, title: 'Launch', crumb: 'Launch', main: launchPick(blueprints, call.ui) };
  },
});

const preview = page({
  path: '/runs/new/_preview',
  privilege: 'run.create',
  query: texts,
  load: async (call) => {
    const { blueprint = '', ...fields } = call.query;
    const asked = await ask(call, blueprint, fields);
    const main = planPreview(asked.preview, asked.problems, call.ui);
    return { ...BASE, title: 'Preview', crumb: 'Preview', main, isPart: true };
  },
});

const start = form({
  path: '/runs',
  privilege: 'run.create',
  body: z
    .object({ key: uuid, blueprint: z.string().min(1).max(200), digest: z.string().max(100) })
    .catchall(z.string().max(MOST_TEXT)),
  handle: async (call) => {
    const { key, blueprint, digest, ...fields } = call.body;
    const asked = await ask(call, blueprint, fields);
    if (asked.problems.length > 0) return { ...formPage(call, asked, { key, isSent: true }), status: 422 };
    if (asked.preview.digest !== digest) return { ...formPage(call, asked, { hasChanged: true }), status: 409 };
    // The version is named, so that what runs is what was shown even if another one becomes active just now.
    const { values } = readForm(asked.preview.schema, asked.typed ?? {});
    const ref = `${asked.preview.blueprint_id}@${asked.preview.version}`;
    const run = await call.services.runs.create(call.caller, {
      blueprint_ref: ref,
      inputs: values,
      idempotencyKey: `launch:${key}`,
    });
    return { location: `/ui/runs/${run.run_id}` };
  },
});

export const launchPages = [launcher, preview];
export const launchForms = [start];
