import type { BlueprintPageStore } from '../catalog/blueprint-page-store.js';
import type { BlueprintLine, EndedRun, OpenRuns, RunDay, VersionFacts } from '../domain/blueprint-page.js';

/** Days of the calendar: 26 weeks. */
const DAYS = 182;

/** What the pages of blueprints read beyond the API's service. */
export class BlueprintPages {
  readonly #store: Pick<BlueprintPageStore, keyof BlueprintPageStore>;

  constructor(store: Pick<BlueprintPageStore, keyof BlueprintPageStore>) {
    this.#store = store;
  }

  /** By name, at most 500. @throws XynFault `db_unavailable` */
  async lines(): Promise<BlueprintLine[]> {
    return this.#store.lines();
  }

  /** The newest 40 runs that completed or failed, oldest first. @throws XynFault `db_unavailable` */
  async ended(blueprintId: string): Promise<EndedRun[]> {
    return this.#store.ended(blueprintId);
  }

  /** How many runs ended, and failed, on each of the newest 182 days, oldest first. @throws XynFault `db_unavailable` */
  async days(blueprintId: string): Promise<RunDay[]> {
    return this.#store.days(blueprintId, DAYS);
  }

  /** Open runs by the version that they began with, newest version first. @throws XynFault `db_unavailable` */
  async openByVersion(blueprintId: string): Promise<OpenRuns[]> {
    return this.#store.openByVersion(blueprintId);
  }

  /**
   * How versions went whose runs are among the newest 1 000, and where those that are asked for came from.
   * @throws XynFault `db_unavailable`
   */
  async versionFacts(
    blueprintId: string,
    versions: readonly number[],
  ): Promise<{ facts: VersionFacts[]; counted: number }> {
    return this.#store.versionFacts(blueprintId, versions);
  }
}
