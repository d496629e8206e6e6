import { z } from 'zod';
import { listPage } from '../listing.js';
import { route, type Route } from '../route.js';
import { auditListQuery, auditListSchema, auditReportSchema } from '../schemas/audit.js';
import { wholeNumber } from '../schemas/common.js';

const position = z.strictObject({ audit_id: wholeNumber });

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/audit',
    id: 'listAudit',
    summary: 'List the audit trail, newest first',
    privilege: 'audit.read',
    query: auditListQuery,
    answers: { 200: auditListSchema },
    handle: (services, { query }) => listPage(services, 'audit', query, position, (q) => services.audit.list(q)),
  }),
  route({
    method: 'GET',
    path: '/audit/verify',
    id: 'verifyAudit',
    summary: 'Compute the chain of the audit trail again and say whether all of it fits',
    privilege: 'audit.verify',
    answers: { 200: auditReportSchema },
    handle: async ({ audit }) => ({ body: await audit.verify() }),
  }),
];
