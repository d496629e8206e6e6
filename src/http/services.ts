import type { ActionCalls } from '../services/action-calls.js';
import type { AuditTrail } from '../services/audit-trail.js';
import type { ArtifactService } from '../services/artifacts.js';
import type { BlueprintService } from '../services/blueprints.js';
import type { DoctorService } from '../services/doctor.js';
import type { DraftService } from '../services/drafts.js';
import type { EventService } from '../services/events.js';
import type { GateService } from '../services/gates.js';
import type { LiveStreams } from '../services/live-streams.js';
import type { ReplayCheck } from '../services/replay-check.js';
import type { RerunService } from '../services/rerun.js';
import type { RunService } from '../services/runs.js';
import type { ScheduleService } from '../services/schedules.js';

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
  /** Since when each part is as it is (ISO 8601), as far as this process saw it. */
  since?(): Partial<Record<'postgres' | 'temporal' | 'worker', string>>;
}

/** What cursors of listings are signed with; the same for every process on one catalog. */
export interface CursorKeys {
  /** @throws XynFault `db_unavailable` */
  key(): Promise<string>;
}

/** Everything that the routes call; `src/main` hands in the instances. */
export interface Services {
  health: HealthService;
  cursors: CursorKeys;
  events: Pick<EventService, 'emit' | 'list' | 'get'>;
  runs: Pick<RunService, 'create' | 'list' | 'idsWithPrefix' | 'get' | 'steps' | 'step' | 'footprints' | 'cancel'>;
  replays: Pick<ReplayCheck, 'check'>;
  reruns: Pick<RerunService, 'preview' | 'rerun'>;
  gates: Pick<GateService, 'list' | 'get' | 'decide'>;
  actions: Pick<ActionCalls, 'execute'>;
  audit: Pick<AuditTrail, 'list' | 'verify' | 'state' | 'links'>;
  artifacts: Pick<ArtifactService, 'create' | 'list' | 'get' | 'download' | 'preview'>;
  blueprints: Pick<
    BlueprintService,
    | 'list'
    | 'get'
    | 'versions'
    | 'version'
    | 'validate'
    | 'preview'
    | 'apply'
    | 'activate'
    | 'documentSchema'
    | 'compile'
  >;
  drafts: Pick<
    DraftService,
    | 'save'
    | 'list'
    | 'get'
    | 'revisions'
    | 'revision'
    | 'diff'
    | 'validate'
    | 'test'
    | 'lastTested'
    | 'tryScenarios'
    | 'promote'
  >;
  schedules: Pick<ScheduleService, 'list' | 'comingUp' | 'get' | 'pause' | 'resume' | 'trigger' | 'backfill'>;
  doctor: Pick<DoctorService, 'examine'>;
  live: Pick<LiveStreams, 'events' | 'run' | 'feed'>;
}
