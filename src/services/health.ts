import type { CatalogAccess } from '../catalog/unit-of-work.js';

/** How each part of the installation is. */
export interface HealthReport {
  postgres: { ok: boolean };
  temporal: { ok: boolean; address: string; ui_url: string | null };
  worker: { ok: boolean; pollers: number };
}

export interface HealthServiceDeps {
  catalog: Pick<CatalogAccess, 'ping'>;
  gateway: { address: string; pollers(): Promise<number> };
  /** Temporal's own web interface, when it is known. */
  temporalUiUrl: string | null;
}

/** A part that does not answer within this is not well. */
const PATIENCE_MS = 2_000;

/** Asks every part with a short deadline; never fails. */
export class HealthService {
  readonly #deps: HealthServiceDeps;

  constructor(deps: HealthServiceDeps) {
    this.#deps = deps;
  }

  async check(): Promise<HealthReport> {
    const { catalog, gateway, temporalUiUrl } = this.#deps;
    const [postgres, pollers] = await Promise.all([within(catalog.ping().then(() => true)), within(gateway.pollers())]);
    return {
      postgres: { ok: postgres === true },
      temporal: { ok: pollers !== undefined, address: gateway.address, ui_url: temporalUiUrl },
      worker: { ok: (pollers ?? 0) > 0, pollers: pollers ?? 0 },
    };
  }
}

async function within<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer.catch(() => undefined), late]);
  } finally {
    clearTimeout(timer);
  }
}
