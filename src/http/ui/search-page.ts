import { z } from 'zod';
import { searchPage, searchResults } from '../../ui/search/search.js';
import { page } from './page.js';

const query = z.object({ q: z.string().max(100).default('') });

/** The palette's results; asked for as a page, a page. It finds gates, but never decides one. */
export const searchPages = [
  page({
    path: '/_search',
    privilege: 'run.read',
    query,
    load: async ({ services, query: { q }, preferences, ui, isPart }) => {
      const view = { ...(await services.overview.search(q.trim())), q: q.trim(), view: preferences.view };
      const main = isPart ? searchResults(view, ui) : searchPage(view, ui);
      return { title: 'Search', nav: null, crumb: 'Search', testId: 'page-search', main };
    },
  }),
];
