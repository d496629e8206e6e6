/** Pages that the navigation names. */
export type NavKey =
  | 'home'
  | 'gates'
  | 'events'
  | 'runs'
  | 'launch'
  | 'blueprints'
  | 'drafts'
  | 'schedules'
  | 'audit'
  | 'artifacts'
  | 'footprints'
  | 'health';

/** Whose day a page is cut for (001 §17.3). A view only narrows what is shown; what one may do the services say. */
export type View = 'operator' | 'owner' | 'user';

export const VIEWS = ['operator', 'owner', 'user'] as const;

/** One entry of the navigation. */
export interface NavLink {
  key: NavKey;
  label: string;
  href: string;
}

const HIDDEN: Record<View, readonly NavKey[]> = {
  operator: [],
  owner: ['events', 'launch', 'drafts', 'artifacts', 'health'],
  user: ['events', 'blueprints', 'drafts', 'schedules', 'audit', 'artifacts', 'footprints', 'health'],
};

/** The navigation of a view, group by group; the first group has no title. */
export function navigation(view: View): { title: string | null; links: NavLink[] }[] {
  const groups: { title: string | null; links: NavLink[] }[] = [
    {
      title: null,
      links: [
        { key: 'home', label: 'Home', href: '/ui' },
        { key: 'gates', label: 'Gates', href: '/ui/gates' },
        { key: 'events', label: 'Events', href: '/ui/events' },
        { key: 'runs', label: 'Runs', href: '/ui/runs' },
        { key: 'launch', label: 'Launch', href: '/ui/runs/new' },
      ],
    },
    {
      title: 'Build',
      links: [
        { key: 'blueprints', label: 'Blueprints', href: '/ui/blueprints' },
        { key: 'drafts', label: 'Drafts', href: '/ui/drafts' },
        { key: 'schedules', label: 'Schedules', href: '/ui/schedules' },
      ],
    },
    {
      title: 'Prove',
      links: [
        { key: 'audit', label: 'Audit', href: '/ui/audit' },
        { key: 'artifacts', label: 'Artifacts', href: '/ui/artifacts' },
        { key: 'footprints', label: 'Footprints', href: '/ui/footprints' },
      ],
    },
    { title: 'Govern', links: [{ key: 'health', label: 'Health', href: '/ui/health' }] },
  ];
  return groups
    .map(({ title, links }) => ({ title, links: links.filter(({ key }) => !HIDDEN[view].includes(key)) }))
    .filter(({ links }) => links.length > 0);
}
