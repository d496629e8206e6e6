import type { BlueprintDays, FootprintDayStore, FootprintSum } from '../catalog/footprint-days.js';
import { cached } from './cached.js';

/** What was used, under each of the metrics that pages show. */
export interface Used {
  runs: number;
  steps: number;
  /** Milliseconds of steps; two steps at the same time count twice. */
  wallMs: number;
  tokensIn: number;
  tokensOut: number;
  requests: number;
}

/** Use of the newest days. */
export interface FootprintUse {
  days: number;
  total: Used;
  /** Oldest first, with days without any use. `bySource`: `run`, `agent`, `action`, `gate`, … */
  perDay: { day: string; used: Used; bySource: ReadonlyMap<string, Used> }[];
  /** In no order. `perDay`: oldest first, as many as `days`. */
  perBlueprint: { id: string; used: Used; perDay: readonly Used[] }[];
  perModel: { id: string; used: Used }[];
  perAction: { id: string; used: Used }[];
}

/** Ranges that pages offer: each is kept for a moment, since it adds up thousands of rows. */
export const FOOTPRINT_DAYS = [7, 30, 90] as const;
export type FootprintRange = (typeof FOOTPRINT_DAYS)[number];
const USE_MS = 10_000;
const DAY_MS = 86_400_000;

const FIELDS: Readonly<Record<string, keyof Used>> = {
  'run.count': 'runs',
  'step.count': 'steps',
  wall_ms: 'wallMs',
  tokens_in: 'tokensIn',
  tokens_out: 'tokensOut',
  request_count: 'requests',
};

const nothing = (): Used => ({ runs: 0, steps: 0, wallMs: 0, tokensIn: 0, tokensOut: 0, requests: 0 });

/** Use by key, added up as it comes. */
class UseByKey extends Map<string, Used> {
  add(key: string, { metric, quantity }: FootprintSum): void {
    const field = FIELDS[metric];
    if (field === undefined) return;
    const used = this.get(key) ?? nothing();
    used[field] += quantity;
    this.set(key, used);
  }

  get list(): { id: string; used: Used }[] {
    return [...this].map(([id, used]) => ({ id, used }));
  }
}

type Store = Pick<FootprintDayStore, 'fold' | 'sums' | 'blueprintDays'>;

/** Footprints by day, as screens show them; keeps the days up to date. */
export class FootprintDays {
  readonly #store: Store;
  readonly #uses: ReadonlyMap<FootprintRange, () => Promise<FootprintUse>>;

  constructor(store: Store, clock: () => number) {
    this.#store = store;
    this.#uses = new Map(
      FOOTPRINT_DAYS.map((days) => [
        days,
        cached(USE_MS, clock, async () => {
          const [sums, blueprintDays] = await Promise.all([store.sums(days), store.blueprintDays(days)]);
          return useOf(sums, blueprintDays, days, clock());
        }),
      ]),
    );
  }

  /** Moves all noted footprints into their days. @throws XynFault `db_unavailable` */
  async fold(): Promise<void> {
    while ((await this.#store.fold()) > 0);
  }

  /** Use of the newest days, at most ten seconds old. @throws XynFault `db_unavailable` */
  async use(days: FootprintRange): Promise<FootprintUse> {
    const read = this.#uses.get(days);
    if (read === undefined) throw new RangeError(`no page shows ${days} days`);
    return read();
  }
}

/** What blueprints used on each day, by their ids. */
function daysOf(all: readonly BlueprintDays[], days: number): ReadonlyMap<string, readonly Used[]> {
  const perDay = new Map<string, Used[]>();
  for (const { blueprint_id: id, metric, by_day: byDay } of all) {
    const field = FIELDS[metric];
    if (field === undefined) continue;
    const used = perDay.get(id) ?? Array.from({ length: days }, nothing);
    perDay.set(id, used);
    for (const [at, quantity] of Object.entries(byDay)) {
      const day = used[Number(at)];
      if (day !== undefined) day[field] += quantity;
    }
  }
  return perDay;
}

function useOf(
  sums: readonly FootprintSum[],
  blueprintDays: readonly BlueprintDays[],
  days: number,
  nowMs: number,
): FootprintUse {
  const [total, perDay, perSource, blueprints, models, actions] = [0, 1, 2, 3, 4, 5].map(() => new UseByKey()) as [
    UseByKey,
    UseByKey,
    UseByKey,
    UseByKey,
    UseByKey,
    UseByKey,
  ];
  const sources = new Set<string>();
  for (const sum of sums) {
    const { day, source, name, blueprint_id: blueprint } = sum;
    if (blueprint !== null) blueprints.add(blueprint, sum);
    else if (day !== null && source !== null) {
      total.add('', sum);
      perDay.add(day, sum);
      perSource.add(`${day}/${source}`, sum);
      sources.add(source);
    } else if (source === 'agent') models.add(name ?? '', sum);
    else if (source === 'action') actions.add(name ?? '', sum);
  }
  const perBlueprint = daysOf(blueprintDays, days);
  const dates = Array.from({ length: days }, (_, at) =>
    new Date(nowMs - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
  return {
    days,
    total: total.get('') ?? nothing(),
    perDay: dates.map((day) => ({
      day,
      used: perDay.get(day) ?? nothing(),
      bySource: new Map([...sources].map((source) => [source, perSource.get(`${day}/${source}`) ?? nothing()])),
    })),
    perBlueprint: blueprints.list.map((one) => ({ ...one, perDay: perBlueprint.get(one.id) ?? [] })),
    perModel: models.list,
    perAction: actions.list,
  };
}
