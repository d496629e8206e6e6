import { z } from 'zod';
import type { AuditFilter } from '../../services/audit-trail.js';
import { AUDIT_FILTER_WORDS, auditPage } from '../../ui/audit/audit.js';
import { href } from '../../ui/html.js';
import { readTerms } from '../../ui/parts/filter-terms.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { API_PREFIX } from '../route.js';
import { uuid, wholeNumber } from '../schemas/common.js';
import { completionsOf } from './completion.js';
import { form, page, type PageAnswer, type UiCall } from './page.js';

/** A row holds what does not compress: the beginning of a hash, and a run's id. */
const PAGE_SIZE = 36;
/** A form waits that long for the check, then the page says that it goes on. */
const PATIENCE_MS = 10_000;
const position = z.strictObject({ audit_id: wholeNumber });
const listQuery = z.object({
  q: z.string().max(300).default(''),
  /** Pages about one run lead here. */
  run_id: uuid.optional(),
  cursor: z.string().max(500).optional(),
  entry: wholeNumber.optional(),
});
type ListQuery = z.infer<typeof listQuery>;

const text = (value: string): boolean => value.length <= 200;

function filterOf(q: string): { filter: AuditFilter; problem: string | null } {
  const isId = (value: string): boolean => uuid.safeParse(value).success;
  const { terms, problem } = readTerms(q, { actor: text, action: text, type: text, id: text, run: isId });
  const { actor, action, type, id, run } = terms;
  return {
    problem,
    filter: {
      ...(actor === undefined ? {} : { actor }),
      ...(action === undefined ? {} : { action }),
      ...(type === undefined ? {} : { resource_type: type }),
      ...(id === undefined ? {} : { resource_id: id }),
      ...(run === undefined ? {} : { run_id: run }),
    },
  };
}

/** The entries of this page; an opened one that is not among them comes first. */
async function entriesOf(
  { services, query }: UiCall<ListQuery>,
  filter: AuditFilter,
  listing: { name: string; filter: object },
) {
  const { audit, cursors } = services;
  const key = await cursors.key();
  const after = query.cursor === undefined ? {} : { cursor: decodeCursor(key, listing, position, query.cursor) };
  const { items, next } = await audit.list({ ...filter, ...after, limit: PAGE_SIZE });
  const wanted = query.entry;
  const isThere = wanted === undefined || items.some(({ audit_id: id }) => id === wanted);
  const above = { audit_id: isThere ? '0' : String(BigInt(wanted) + 1n) };
  const alone = isThere ? [] : (await audit.list({ limit: 1, cursor: above })).items;
  const entries = [...alone.filter(({ audit_id: id }) => id === wanted), ...items];
  return { entries, next: next === null ? null : encodeCursor(key, listing, next) };
}

async function loadAudit(call: UiCall<ListQuery>): Promise<PageAnswer> {
  const { services, query, ui, csrf } = call;
  const q = query.run_id === undefined ? query.q : `run:${query.run_id} ${query.q}`.trim();
  const { filter, problem } = filterOf(q);
  const listing = { name: 'ui/audit', filter: { q } };
  const [state, { entries, next }, words] = await Promise.all([
    services.audit.state(),
    entriesOf(call, filter, listing),
    completionsOf(call, q, AUDIT_FILTER_WORDS),
  ]);
  const links = await services.audit.links(entries.map(({ audit_id: id }) => id));
  const { main, fragments } = auditPage(
    {
      q,
      problem,
      words,
      views: call.preferences.savedViews.audit ?? [],
      entries,
      hashes: new Map(links.map(({ audit_id: id, hash }) => [id, hash])),
      selected: query.entry ?? null,
      state,
      csrf,
      older: next === null ? null : href('/ui/audit', { q, cursor: next }),
      isFirstPage: query.cursor === undefined,
      exportHref: href(`${API_PREFIX}/audit`, { ...filter, limit: 100 }),
      entryHref: (entry) =>
        `${href('/ui/audit', { q, cursor: query.cursor, entry })}${entry === null ? '' : `#entry-${entry}`}`,
    },
    ui,
  );
  const base = { title: 'Audit', nav: 'audit', crumb: 'Audit', testId: 'page-audit' } as const;
  // Whatever changes something leaves an event, and an entry.
  return { ...base, main, live: { topics: ['events'], fragments } };
}

const verify = form({
  path: '/audit/verify',
  isBelow: true,
  privilege: 'audit.verify',
  body: z.strictObject({}),
  handle: async ({ services }) => {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    try {
      await Promise.race([services.audit.verify(), patience]);
    } finally {
      clearTimeout(timer);
    }
    return { location: '/ui/audit' };
  },
});

export const auditPages = [page({ path: '/audit', privilege: 'audit.read', query: listQuery, load: loadAudit })];
export const auditForms = [verify];
