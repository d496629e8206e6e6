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

const PARTS = ['postgres', 'temporal', 'worker'] as const;
type Part = (typeof PARTS)[number];

/** A part that does not answer within this is not well. */
const PATIENCE_MS = 2_000;

/** Asks every part with a short deadline; never fails. */
export class HealthService {
  readonly #deps: HealthServiceDeps;
  readonly #seen = new Map<Part, { ok: boolean; since: string }>();

  constructor(deps: HealthServiceDeps) {
    this.#deps = deps;
  }

  async check(): Promise<HealthReport> {
    const { catalog, gateway, temporalUiUrl } = this.#deps;
    const [postgres, pollers] = await Promise.all([within(catalog.ping().then(() => true)), within(gateway.pollers())]);
    const report: HealthReport = {
      postgres: { ok: postgres === true },
      temporal: { ok: pollers !== undefined, address: gateway.address, ui_url: temporalUiUrl },
      worker: { ok: (pollers ?? 0) > 0, pollers: pollers ?? 0 },
    };
    for (const part of PARTS) this.#note(part, report[part].ok);
    return report;
  }

  /** Since when each part is as it is, as far as the checks of this process saw it. ISO 8601. */
  since(): Partial<Record<Part, string>> {
    return Object.fromEntries([...this.#seen].map(([part, { since }]) => [part, since]));
  }

  #note(part: Part, ok: boolean): void {
    if (this.#seen.get(part)?.ok !== ok) this.#seen.set(part, { ok, since: new Date().toISOString() });
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
