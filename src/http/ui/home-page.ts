import { homePage } from '../../ui/home/home.js';
import { page } from './page.js';

/** The page for somebody on call. */
export const homePages = [
  page({
    path: '',
    privilege: 'run.read',
    load: async ({ services, caller, ui }) => {
      const [facts, health] = await Promise.all([services.overview.home(), services.overview.health()]);
      const { main, fragments, needed } = homePage({ ...facts, health, viewer: caller.actor }, ui);
      const topics = ['gates', 'runs', 'health'] as const;
      const base = { title: 'Home', nav: 'home', crumb: 'Home', testId: 'page-home' } as const;
      return { ...base, main, live: { topics, fragments }, needsYou: needed };
    },
  }),
];
