import { healthPage } from '../../ui/health/health.js';
import { page } from './page.js';

export const healthPages = [
  page({
    path: '/health',
    privilege: 'run.read',
    load: async ({ services, ui, version }) => {
      const [report, parts, backlog] = await Promise.all([
        services.doctor.examine(),
        services.overview.health(),
        // The page is there for when Postgres is not.
        services.overview.backlog().catch(() => null),
      ]);
      const since = services.health.since?.() ?? {};
      const { main, fragments } = healthPage({ report, parts, backlog, since, version }, ui);
      const base = { title: 'Health', nav: 'health', crumb: 'Health', testId: 'page-health' } as const;
      return { ...base, main, live: { topics: ['health'], fragments } };
    },
  }),
];
