import { API_PREFIX, INTERNAL_PREFIX, route, type Route } from '../route.js';
import { actionExecutedSchema, executeActionRequest } from '../schemas/action.js';

/** For operators and tools of Xyn itself: these may change with any release. */
export const internalRoutes: readonly Route[] = [
  route({
    method: 'POST',
    prefix: INTERNAL_PREFIX,
    path: '/actions/execute',
    id: 'executeAction',
    summary: 'Carry out one action as a run of one step; the run shows, streams and cancels it',
    privilege: 'action.execute',
    body: executeActionRequest,
    answers: { 202: actionExecutedSchema },
    documentCodes: true,
    errors: ['idempotency_mismatch', 'blueprint_disabled', 'plan_digest_mismatch'],
    handle: async ({ actions }, { caller, body }) => {
      const run = await actions.execute(caller, body);
      return { status: 202, location: `${API_PREFIX}/runs/${run.run_id}`, body: { request_id: body.request_id, run } };
    },
  }),
];
