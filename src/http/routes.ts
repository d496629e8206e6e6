import { z } from 'zod';
import { invalidDocument } from '../domain/document-fault.js';
import { XynFault } from '../domain/fault.js';
import { idempotencyKeyOf } from './caller.js';
import { listPage, slicePage } from './listing.js';
import { artifactRoutes } from './artifact-routes.js';
import { API_PREFIX, route, type Answer, type Call, type Route } from './route.js';
import { auditListQuery } from './schemas/audit.js';
import { documentRequest } from './schemas/blueprint.js';
import { pageQuery, timestamp, uuid } from './schemas/common.js';
import { emitEventRequest, eventListQuery } from './schemas/event.js';
import { decideGateRequest, gateListQuery } from './schemas/gate.js';
import type { Health } from './schemas/health.js';
import { cancelRunRequest, createRunRequest, runListQuery } from './schemas/run.js';
import type { Services } from './services.js';

/** A short id that covers more runs than this is too short to choose among them. */
const MAX_PREFIX_RUNS = 10;

const wholeNumber = z.string().regex(/^\d{1,18}$/);
const eventPosition = z.strictObject({ seq: wholeNumber });
const runPosition = z.strictObject({ created_at: timestamp, run_id: uuid });
const gatePosition = z.strictObject({ opened_at: timestamp, gate_id: uuid });
const auditPosition = z.strictObject({ audit_id: wholeNumber });
const stepPosition = z.strictObject({ step_id: uuid });
const blueprintPosition = z.strictObject({ blueprint_id: z.string() });

function keyPart(call: Call<unknown, unknown>): { idempotencyKey?: string } {
  const idempotencyKey = idempotencyKeyOf(call.headers);
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}

async function listRuns(services: Services, { query }: Call<z.infer<typeof runListQuery>, undefined>): Promise<Answer> {
  const { run_id_prefix: prefix, ...rest } = query;
  if (prefix === undefined) return listPage('runs', rest, runPosition, (q) => services.runs.list(q));
  const { limit, ...others } = rest;
  if (Object.keys(others).length > 0) {
    throw new XynFault('request_invalid', '`run_id_prefix` does not go with other filters.');
  }
  const ids = await services.runs.idsWithPrefix(prefix, Math.min(limit, MAX_PREFIX_RUNS));
  const runs = await Promise.all(ids.map((id) => services.runs.get(id)));
  return { body: { items: runs.map(({ waiting_on: _waiting, ...run }) => run), next_cursor: null } };
}

/** What the health route answers. */
export async function healthOf(services: Services, about: { version: string; startedAt: number }): Promise<Health> {
  const checks = await services.health.check();
  const ok = checks.postgres.ok && checks.temporal.ok && checks.worker.ok;
  return {
    status: ok ? 'ok' : 'degraded',
    version: about.version,
    uptime_seconds: Math.floor((Date.now() - about.startedAt) / 1_000),
    now: new Date().toISOString(),
    checks,
  };
}

const eventRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/events',
    privilege: 'event.emit',
    body: emitEventRequest,
    handle: async ({ events }, call) => {
      const { resource = null, run_id = null, step_id = null, ...body } = call.body;
      const event = await events.emit(call.caller, { ...body, resource, run_id, step_id, ...keyPart(call) });
      return { status: 201, location: `${API_PREFIX}/events/${event.event_id}`, body: event };
    },
  }),
  route({
    method: 'GET',
    path: '/events',
    privilege: 'event.read',
    query: eventListQuery,
    handle: ({ events }, { query }) => listPage('events', query, eventPosition, (q) => events.list(q)),
  }),
  route({
    method: 'GET',
    path: '/events/:event_id',
    privilege: 'event.read',
    handle: async ({ events }, { param }) => ({ body: await events.get(param('event_id')) }),
  }),
];

const runRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/runs',
    privilege: 'run.create',
    body: createRunRequest,
    handle: async ({ runs }, call) => {
      const run = await runs.create(call.caller, { ...call.body, ...keyPart(call) });
      return { status: 201, location: `${API_PREFIX}/runs/${run.run_id}`, body: run };
    },
  }),
  route({ method: 'GET', path: '/runs', privilege: 'run.read', query: runListQuery, handle: listRuns }),
  route({
    method: 'GET',
    path: '/runs/:run_id',
    privilege: 'run.read',
    handle: async ({ runs }, { param }) => ({ body: await runs.get(param('run_id')) }),
  }),
  route({
    method: 'POST',
    path: '/runs/:run_id/cancel',
    privilege: 'run.cancel',
    body: cancelRunRequest,
    handle: async ({ runs }, { caller, param, body }) => ({
      body: await runs.cancel(caller, param('run_id'), body.reason),
    }),
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id/steps',
    privilege: 'run.read',
    query: pageQuery,
    handle: async ({ runs }, { query, param }) => {
      const runId = param('run_id');
      return slicePage('steps', query, stepPosition, {
        items: await runs.steps(runId),
        of: { run_id: runId },
        keyOf: ({ step_id }) => ({ step_id }),
        isAt: (step, { step_id }) => step.step_id === step_id,
      });
    },
  }),
  route({
    method: 'GET',
    path: '/runs/:run_id/steps/:step_id',
    privilege: 'run.read',
    handle: async ({ runs }, { param }) => ({ body: await runs.step(param('run_id'), param('step_id')) }),
  }),
];

const gateRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/gates',
    privilege: 'gate.read',
    query: gateListQuery,
    handle: ({ gates }, { query }) => listPage('gates', query, gatePosition, (q) => gates.list(q)),
  }),
  route({
    method: 'GET',
    path: '/gates/:gate_id',
    privilege: 'gate.read',
    handle: async ({ gates }, { param }) => ({ body: await gates.get(param('gate_id')) }),
  }),
  route({
    method: 'POST',
    path: '/gates/:gate_id/decide',
    privilege: 'gate.decide',
    body: decideGateRequest,
    handle: async ({ gates }, { caller, param, body }) => {
      const answer = await gates.decide(caller, param('gate_id'), body);
      return answer.status === 'submitted' ? { status: 202, body: answer } : { body: answer };
    },
  }),
];

const otherRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/audit',
    privilege: 'audit.read',
    query: auditListQuery,
    handle: ({ audit }, { query }) => listPage('audit', query, auditPosition, (q) => audit.list(q)),
  }),
  route({
    method: 'GET',
    path: '/blueprints',
    privilege: 'blueprint.read',
    query: pageQuery,
    handle: async ({ blueprints }, { query }) =>
      slicePage('blueprints', query, blueprintPosition, {
        items: await blueprints.list(),
        of: {},
        keyOf: ({ blueprint_id }) => ({ blueprint_id }),
        isAt: (one, { blueprint_id }) => one.blueprint_id === blueprint_id,
      }),
  }),
  route({
    method: 'GET',
    path: '/blueprints/:blueprint_id',
    privilege: 'blueprint.read',
    handle: async ({ blueprints }, { param }) => ({ body: await blueprints.get(param('blueprint_id')) }),
  }),
];

const documentRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/blueprints/validate',
    privilege: 'blueprint.validate',
    body: documentRequest,
    takesDocument: true,
    handle: async ({ blueprints }, { body }) => {
      const report = await blueprints.validate(body.source);
      if (!report.is_valid) throw invalidDocument(report.problems);
      return { body: report };
    },
  }),
  route({
    method: 'POST',
    path: '/blueprints',
    privilege: 'blueprint.apply',
    body: documentRequest,
    takesDocument: true,
    handle: async ({ blueprints }, { caller, body }) => {
      const applied = await blueprints.apply(caller, body.source);
      const location = `${API_PREFIX}/blueprints/${applied.blueprint_id}`;
      return { status: applied.created ? 201 : 200, location, body: applied };
    },
  }),
];

/** Every route of the API, each with the privilege that it needs. */
export function routesOf(about: { version: string; startedAt: number }): readonly Route[] {
  const health = route({
    method: 'GET',
    path: '/health',
    privilege: 'open',
    handle: async (services) => ({ body: await healthOf(services, about) }),
  });
  return [health, ...eventRoutes, ...runRoutes, ...gateRoutes, ...documentRoutes, ...artifactRoutes, ...otherRoutes];
}
