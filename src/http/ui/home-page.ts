import { homePage } from '../../ui/home/home.js';
import { page } from './page.js';

/** The blueprint that the package brings for a first look; where it is there, a first start leads to it. */
const DEMO = 'bp.checkmk.auto_remediate';

/** Times of schedules that the page names. */
const COMING_UP = 5;

/** The page for somebody on call. */
export const homePages = [
  page({
    path: '',
    privilege: 'run.read',
    load: async ({ services, caller, ui }) => {
      const [facts, health, comingUp] = await Promise.all([
        services.overview.home(caller.actor),
        services.overview.health(),
        services.schedules.comingUp(COMING_UP),
      ]);
      const blueprints = facts.isFirstStart ? await services.blueprints.list() : [];
      const ready = blueprints.filter(({ active_version, enabled }) => active_version !== null && enabled);
      const starter = ready.find(({ blueprint_id }) => blueprint_id === DEMO) ?? ready[0] ?? null;
      const { main, fragments, title, needed } = homePage(
        { health, comingUp, starter, viewer: caller.actor, ...facts },
        ui,
      );
      const topics = ['gates', 'runs', 'health'] as const;
      const base = { title, nav: 'home', crumb: 'Home', testId: 'page-home' } as const;
      return { needs: needed, main, live: { topics, fragments }, ...base };
    },
  }),
];
