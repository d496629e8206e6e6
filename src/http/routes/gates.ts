import { z } from 'zod';
import { listPage } from '../listing.js';
import { route, type Route } from '../route.js';
import { timestamp, uuid } from '../schemas/common.js';
import {
  decideGateRequest,
  gateDecidedSchema,
  gateDetailSchema,
  gateListQuery,
  gateListSchema,
} from '../schemas/gate.js';

const position = z.strictObject({ opened_at: timestamp, gate_id: uuid });

export const gateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/gates',
    id: 'listGates',
    summary: 'List gates, newest first',
    privilege: 'gate.read',
    query: gateListQuery,
    answers: { 200: gateListSchema },
    handle: (services, { query }) => listPage(services, 'gates', query, position, (q) => services.gates.list(q)),
  }),
  route({
    method: 'GET',
    path: '/gates/:gate_id',
    id: 'getGate',
    summary: 'Show a gate with the inputs it covers and its decisions',
    privilege: 'gate.read',
    answers: { 200: gateDetailSchema },
    errors: ['gate_not_found'],
    handle: async ({ gates }, { param }) => ({ body: await gates.get(param('gate_id')) }),
  }),
  route({
    method: 'POST',
    path: '/gates/:gate_id/decide',
    id: 'decideGate',
    summary: 'Decide at a gate; a repeat by the same person changes nothing',
    privilege: 'gate.decide',
    body: decideGateRequest,
    answers: { 200: gateDecidedSchema, 202: gateDecidedSchema },
    errors: [
      'gate_not_found',
      'gate_closed',
      'gate_already_decided',
      'gate_decision_refused',
      'decision_unknown',
      'reason_required',
    ],
    handle: async ({ gates }, { caller, param, body }) => {
      const answer = await gates.decide(caller, param('gate_id'), body);
      return answer.status === 'submitted' ? { status: 202, body: answer } : { body: answer };
    },
  }),
];
