import { z } from 'zod';
import type { BlueprintDetailDto } from '../../domain/dtos.js';
import type { ScenarioRunDto } from '../../domain/drafts.js';
import type { Plan } from '../../domain/plan.js';
import { asset } from '../../ui/assets.js';
import {
  blueprintDiff,
  blueprintOverview,
  blueprintRuns,
  blueprintSchedules,
  blueprintSource,
  blueprintTests,
  blueprintVersions,
  versionsInOverview,
} from '../../ui/blueprints/blueprint.js';
import { activateMain } from '../../ui/blueprints/activate.js';
import { blueprintsMain } from '../../ui/blueprints/blueprints.js';
import type { Html } from '../../ui/html.js';
import { href } from '../../ui/html.js';
import { formText, lastTested } from './scenario-texts.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

const BELOW = { label: 'Blueprints', href: '/ui/blueprints' };
const VERSIONS = 50;
const RUNS = 25;

const list = page({
  path: '/blueprints',
  privilege: 'blueprint.read',
  load: async ({ services, ui }) => ({
    title: 'Blueprints',
    nav: 'blueprints',
    crumb: 'Blueprints',
    testId: 'page-blueprints',
    main: blueprintsMain(await services.blueprintPages.lines(), ui),
  }),
});

function framed(blueprint: BlueprintDetailDto, main: Html, what?: string): PageAnswer {
  const name = what === undefined ? blueprint.name : `${blueprint.name}, ${what}`;
  return { title: name, nav: 'blueprints', above: [BELOW], crumb: blueprint.name, testId: 'page-blueprint', main };
}

const overview = page({
  path: '/blueprints/:blueprint_id',
  privilege: 'blueprint.read',
  load: async ({ services, param, ui, csrf }) => {
    const id = param('blueprint_id');
    const { blueprintPages } = services;
    const [blueprint, ended, days, open] = await Promise.all([
      services.blueprints.get(id),
      blueprintPages.ended(id),
      blueprintPages.days(id),
      blueprintPages.openByVersion(id),
    ]);
    const { active_version: version } = blueprint;
    const [stored, { facts, counted }] = await Promise.all([
      version === null ? null : services.blueprints.version(id, version),
      blueprintPages.versionFacts(
        id,
        versionsInOverview(blueprint, open).map((one) => one.version),
      ),
    ]);
    const plan = stored === null ? null : (stored.plan as unknown as Plan);
    const isByClock = plan?.triggers.some(({ kind }) => kind === 'schedule') === true;
    const [next] = isByClock ? await services.schedules.comingUp(1, { blueprint_id: id }) : [];
    const view = {
      blueprint,
      tab: 'overview',
      plan,
      nextAt: next?.at ?? null,
      ended,
      days,
      open,
      facts,
      counted,
      csrf,
      glyphs: `${asset('glyphs').url}#`,
    } as const;
    return framed(blueprint, blueprintOverview(view, ui));
  },
});

const versionQuery = z.object({ below: z.coerce.number().int().min(1).max(1_000_000_000).optional() });

const versions = page<z.infer<typeof versionQuery>>({
  path: '/blueprints/:blueprint_id/versions',
  privilege: 'blueprint.read',
  query: versionQuery,
  load: async ({ services, param, query, ui, csrf }) => {
    const id = param('blueprint_id');
    const cursor = query.below === undefined ? {} : { cursor: { version: query.below } };
    const [blueprint, { items, next }] = await Promise.all([
      services.blueprints.get(id),
      services.blueprints.versions(id, { limit: VERSIONS, ...cursor }),
    ]);
    const { facts, counted } = await services.blueprintPages.versionFacts(
      id,
      items.map(({ version }) => version),
    );
    const here = `/ui/blueprints/${encodeURIComponent(id)}/versions`;
    const older = next === null ? null : href(here, { below: next.version });
    return framed(
      blueprint,
      blueprintVersions({ blueprint, tab: 'versions', csrf, versions: items, facts, counted, older }, ui),
      'versions',
    );
  },
});

const schedules = page({
  path: '/blueprints/:blueprint_id/schedules',
  privilege: 'schedule.read',
  load: async ({ services, param, ui, csrf }) => {
    const id = param('blueprint_id');
    const [blueprint, found] = await Promise.all([
      services.blueprints.get(id),
      services.schedules.list({ blueprint_id: id }),
    ]);
    const view = { blueprint, tab: 'schedules', csrf, schedules: found } as const;
    return framed(blueprint, blueprintSchedules(view, ui), 'schedules');
  },
});

const runs = page({
  path: '/blueprints/:blueprint_id/runs',
  privilege: 'run.read',
  load: async ({ services, param, caller, ui, csrf }) => {
    const id = param('blueprint_id');
    const [blueprint, { items }] = await Promise.all([
      services.blueprints.get(id),
      services.overview.runs({ blueprint: id }, RUNS),
    ]);
    const view = { blueprint, tab: 'runs', csrf, lines: items, viewer: caller.actor } as const;
    return framed(blueprint, blueprintRuns(view, ui), 'runs');
  },
});

/** What the compiler says today; the page is shown without it when there is no compiler. */
async function warningsOf({ services }: UiCall, source: string | null) {
  if (source === null) return [];
  const { problems } = await services.blueprints
    .validate(new TextEncoder().encode(source))
    .catch(() => ({ problems: [] }));
  return problems.slice(0, 100);
}

const source = page({
  path: '/blueprints/:blueprint_id/source',
  privilege: 'blueprint.read',
  load: async (call) => {
    const blueprint = await call.services.blueprints.get(call.param('blueprint_id'));
    const problems = await warningsOf(call, blueprint.source);
    return framed(
      blueprint,
      blueprintSource({ blueprint, tab: 'source', csrf: call.csrf, problems }, call.ui),
      'source',
    );
  },
});

async function testsPage(call: UiCall, tried?: { scenarios: string; run: ScenarioRunDto }): Promise<PageAnswer> {
  const { services, param, csrf, ui } = call;
  const id = param('blueprint_id');
  const blueprint = await services.blueprints.get(id);
  const kept = await lastTested(services.drafts, { blueprintId: id, version: blueprint.active_version });
  const scenarios = tried?.scenarios ?? kept?.scenarios ?? '';
  const view = { blueprint, tab: 'tests', csrf, kept, scenarios, tried: tried?.run ?? null } as const;
  return framed(blueprint, blueprintTests(view, ui), 'tests');
}

const tests = page({
  path: '/blueprints/:blueprint_id/tests',
  privilege: 'draft.read',
  load: (call) => testsPage(call),
});

/** Runs scenarios on the active version; nothing is kept. */
const tryTests = form({
  path: '/blueprints/:blueprint_id/tests',
  privilege: 'draft.validate',
  body: z.strictObject({ scenarios: formText }),
  handle: async (call) => {
    const { source } = await call.services.blueprints.get(call.param('blueprint_id'));
    const { scenarios } = call.body;
    const run = await call.services.drafts.tryScenarios(source ?? '', scenarios);
    const here = `/ui/blueprints/${encodeURIComponent(call.param('blueprint_id'))}/tests`;
    return { ...(await testsPage(call, { scenarios, run })), here };
  },
});

const number = z
  .string()
  .regex(/^[1-9]\d{0,8}$/)
  .transform(Number);
const diffQuery = z.object({ from: number, to: number });

const diff = page<z.infer<typeof diffQuery>>({
  path: '/blueprints/:blueprint_id/diff',
  privilege: 'blueprint.read',
  query: diffQuery,
  load: async ({ services, param, query, ui }) => {
    const id = param('blueprint_id');
    const [from, to] = await Promise.all([
      services.blueprints.version(id, query.from),
      services.blueprints.version(id, query.to),
    ]);
    const above = [BELOW, { label: id, href: `/ui/blueprints/${encodeURIComponent(id)}/versions` }];
    const title = `${id}, ${from.version} to ${to.version}`;
    const main = blueprintDiff({ blueprintId: id, from, to }, ui);
    return { title, nav: 'blueprints', above, crumb: 'What changed', testId: 'page-blueprint-diff', main };
  },
});

const activateQuery = z.object({ version: number });

/** Asks before another version becomes the active one. */
const activateQuestion = page<z.infer<typeof activateQuery>>({
  path: '/blueprints/:blueprint_id/activate',
  privilege: 'blueprint.read',
  query: activateQuery,
  load: async ({ services, param, query, ui, csrf }) => {
    const id = param('blueprint_id');
    const [blueprint, to] = await Promise.all([
      services.blueprints.get(id),
      services.blueprints.version(id, query.version),
    ]);
    const above = [BELOW, { label: blueprint.name, href: `/ui/blueprints/${encodeURIComponent(id)}/versions` }];
    const title = `${blueprint.name}, back to ${to.version}`;
    const main = activateMain({ blueprint, to, csrf }, ui);
    return { title, nav: 'blueprints', above, crumb: 'Roll back', testId: 'page-activate', main };
  },
});

const activate = form({
  path: '/blueprints/:blueprint_id/activate',
  isBelow: true,
  privilege: 'blueprint.activate',
  body: z.strictObject({ version: number, reason: z.string().max(500).default('') }),
  handle: async ({ services, caller, param, body }) => {
    const id = param('blueprint_id');
    const reason = body.reason.trim();
    await services.blueprints.activate(caller, id, { version: body.version, ...(reason === '' ? {} : { reason }) });
    return { location: `/ui/blueprints/${encodeURIComponent(id)}/versions` };
  },
});

export const blueprintPages = [list, versions, schedules, runs, source, tests, diff, activateQuestion, overview];
export const blueprintForms = [activate, tryTests];
