import type { BlueprintPageStore } from '../catalog/blueprint-page-store.js';
import type { BlueprintLine, EndedRun } from '../domain/blueprint-page.js';

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
}
