import { z } from 'zod';
import { gateInbox } from '../../ui/gates/inbox.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { timestamp, uuid } from '../schemas/common.js';
import { href } from '../../ui/html.js';
import { page } from './page.js';

const PAGE_SIZE = 50;
const position = z.strictObject({ opened_at: timestamp, gate_id: uuid });
const inboxQuery = z.object({
  status: z.enum(['open', 'approved', 'rejected', 'expired', 'cancelled', 'all']).default('open'),
  cursor: z.string().max(500).optional(),
});

const inbox = page({
  path: '/gates',
  privilege: 'gate.read',
  query: inboxQuery,
  load: async ({ services, query, ui }) => {
    const filter = query.status === 'all' ? {} : { status: query.status };
    const listing = { name: 'ui/gates', filter };
    const key = await services.cursors.key();
    const after = query.cursor === undefined ? {} : { cursor: decodeCursor(key, listing, position, query.cursor) };
    const { items, next } = await services.gates.list({ ...filter, ...after, limit: PAGE_SIZE });
    const older =
      next === null ? null : href('/ui/gates', { status: query.status, cursor: encodeCursor(key, listing, next) });
    const { main, fragments } = gateInbox({ status: query.status, gates: items, older }, ui);
    const live = { topics: ['gates' as const], fragments };
    return { title: 'Gates', nav: 'gates', crumb: 'Gates', testId: 'page-gates', main, live };
  },
});

export const gatePages = [inbox];
