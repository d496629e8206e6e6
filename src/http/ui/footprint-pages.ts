import { z } from 'zod';
import { footprintsPage } from '../../ui/footprints/footprints.js';
import { MEASURES, type MeasureName } from '../../ui/footprints/measures.js';
import { page } from './page.js';

/** Ranges that the service keeps. */
const RANGES = [7, 30, 90] as const;
const query = z.object({
  by: z.enum(Object.keys(MEASURES) as [MeasureName, ...MeasureName[]]).default('runs'),
  days: z
    .enum(['7', '30', '90'])
    .default('30')
    .transform((text) => Number(text) as (typeof RANGES)[number]),
});

export const footprintPages = [
  page({
    path: '/footprints',
    privilege: 'run.read',
    query,
    load: async ({ services, query: { by, days }, ui }) => {
      const use = await services.footprintDays.use(days);
      const main = footprintsPage({ ...use, by, ranges: RANGES }, ui);
      return { title: 'Footprints', nav: 'footprints', crumb: 'Footprints', testId: 'page-footprints', main };
    },
  }),
];
