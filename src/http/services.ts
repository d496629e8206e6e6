import type { Page } from '../domain/dtos.js';
import type { Json } from '../domain/json.js';
import type { ArtifactService } from '../services/artifacts.js';
import type { BlueprintService } from '../services/blueprints.js';
import type { EventService } from '../services/events.js';
import type { GateService } from '../services/gates.js';
import type { RunService } from '../services/runs.js';

/** Whether the parts that the API leans on work. */
export interface HealthReport {
  postgres: { ok: boolean };
  /** `ui_url`: Temporal's own screens, null when their address is not known. */
  temporal: { ok: boolean; address: string; ui_url: string | null };
  /** `pollers`: workers that ask for tasks. */
  worker: { ok: boolean; pollers: number };
}

export interface HealthService {
  /** Asks every part, each with a deadline of about a second; never rejects. */
  check(): Promise<HealthReport>;
}

/** An entry of the audit trail. */
export interface AuditDto {
  /** A whole number, as text. */
  audit_id: string;
  at: string;
  actor: string;
  action: string;
  resource_type: string;
  resource_id: string;
  reason: string | null;
  before: Json;
  after: Json;
  run_id: string | null;
  step_id: string | null;
  correlation_id: string | null;
  env_id: string;
}

/** Each field that is given must be equal. */
export interface AuditFilter {
  run_id?: string;
  actor?: string;
  action?: string;
  resource_type?: string;
  resource_id?: string;
}

/** Keyset of the listing: the last entry shown. */
export interface AuditCursor {
  audit_id: string;
}

export interface AuditService {
  /** Newest first. */
  list(query: AuditFilter & { limit: number; cursor?: AuditCursor }): Promise<Page<AuditDto, AuditCursor>>;
}

/** Everything that the routes call; `src/main` hands in the instances. */
export interface Services {
  health: HealthService;
  events: Pick<EventService, 'emit' | 'list' | 'get'>;
  runs: Pick<RunService, 'create' | 'list' | 'idsWithPrefix' | 'get' | 'steps' | 'step' | 'cancel'>;
  gates: Pick<GateService, 'list' | 'get' | 'decide'>;
  audit: AuditService;
  artifacts: Pick<ArtifactService, 'create' | 'list' | 'get' | 'download'>;
  blueprints: Pick<BlueprintService, 'list' | 'get' | 'validate' | 'apply'>;
}
