import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  ArtifactDto,
  EventWithVerdicts,
  GateDto,
  ProblemDto,
  RunDto,
  ScheduleDetailDto,
  StepDto,
  VerdictDto,
  WaitingOn,
} from '../../src/domain/dtos.js';
import type { DraftDto, DraftRevisionDto } from '../../src/domain/drafts.js';
import { invalidDocument } from '../../src/domain/document-fault.js';
import { XynFault } from '../../src/domain/fault.js';
import { previewOf } from '../../src/services/plan-preview.js';
import { action, planOf } from './plans.js';
import type { HealthReport, Services } from '../../src/http/services.js';
import type { Caller } from '../../src/services/caller.js';
import type { EventMessage, OpenStream, StreamMessage } from '../../src/services/live-events.js';
import type { DoctorReport } from '../../src/services/doctor.js';
import type { RunMessage } from '../../src/services/live-run.js';

/** What the fake services hold and what they were asked; tests change it directly. */
export interface FakeWorld {
  health: HealthReport;
  doctor: DoctorReport;
  events: EventWithVerdicts[];
  runs: RunDto[];
  steps: StepDto[];
  gates: GateDto[];
  artifacts: { dto: ArtifactDto; bytes: Buffer }[];
  calls: { name: string; caller: Caller; args: unknown }[];
  /** Thrown by every call, when set. */
  failure?: Error;
  /** Called before each look at a run. */
  onLook?: () => void;
  /** What the next event starts. */
  verdicts: VerdictDto[];
  /** What is wrong with every document. */
  problems: ProblemDto[];
}

const at = '2026-11-21T10:00:00.000Z';

/** An error at 3:5 of every document. */
export function fakeProblem(over: Partial<ProblemDto> = {}): ProblemDto {
  const message = '`promt` is not a field of agent_task.';
  return { code: 'field_unknown', severity: 'error', path: '/plan/0', line: 3, column: 5, message, ...over };
}

function reportOf(world: FakeWorld, bytes: Uint8Array): { is_valid: boolean; problems: ProblemDto[] } {
  const empty = fakeProblem({ code: 'yaml_empty', path: '', line: 1, column: 1, message: 'The document is empty.' });
  const problems = bytes.length === 0 ? [empty] : world.problems;
  return { is_valid: !problems.some(({ severity }) => severity === 'error'), problems };
}

export function fakeEvent(over: Partial<EventWithVerdicts> = {}): EventWithVerdicts {
  return {
    event_id: randomUUID(),
    event_name: 'checkmk.alert',
    occurred_at: at,
    env_id: 'local',
    actor: 'local',
    correlation_id: 'c-1',
    run_id: null,
    step_id: null,
    resource: null,
    data: {},
    verdicts: [],
    ...over,
  };
}

export function fakeRun(over: Partial<RunDto> = {}): RunDto {
  return {
    run_id: randomUUID(),
    name: 'Remediate',
    status: 'running',
    phase: null,
    blueprint_id: 'bp.remediate',
    blueprint_version: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    trigger: 'checkmk.alert',
    event_id: null,
    priority: 0,
    created_at: at,
    started_at: at,
    completed_at: null,
    cancel_requested_at: null,
    actor: 'local',
    correlation_id: 'c-1',
    inputs: {},
    outputs: null,
    error: null,
    rerun_of: null,
    rerun_from: null,
    ...over,
  };
}

const fakeSchedule: ScheduleDetailDto = {
  schedule_id: 'bp.remediate:1',
  blueprint_id: 'bp.remediate',
  blueprint_name: 'Remediate',
  version: 1,
  cron: '0 3 * * *',
  timezone: 'Europe/Berlin',
  every: null,
  jitter: null,
  overlap: 'skip',
  catchup: '10m',
  is_enabled: true,
  is_paused: false,
  pause: null,
  sync: { state: 'applied', error: null, at },
  next: [{ at, local: '2026-11-21T11:00:00+01:00', is_clock_changed: false }],
  last_run: null,
  runs: [],
  counts: { started: 3, skipped: 1, missed: 0 },
};

function fakeSchedules(asked: (name: string, caller: Caller, args: unknown) => void): Services['schedules'] {
  const found = (id: string): ScheduleDetailDto => {
    if (id === fakeSchedule.schedule_id) return fakeSchedule;
    throw new XynFault('schedule_not_found', 'No schedule has that id.');
  };
  const { runs: _runs, counts: _counts, ...listed } = fakeSchedule;
  const ids = { schedule_id: fakeSchedule.schedule_id, event_id: randomUUID(), run_id: randomUUID() };
  return {
    list: async () => [listed],
    comingUp: async () => [{ schedule_id: listed.schedule_id, blueprint_name: listed.blueprint_name, at }],
    get: async (id) => found(id),
    pause: async (caller, id, note) => {
      asked('pause', caller, { id, note });
      return { ...found(id), is_paused: true, pause: { note, by: caller.actor, at } };
    },
    resume: async (caller, id, note) => {
      asked('resume', caller, { id, note });
      return found(id);
    },
    trigger: async (caller, id, request) => {
      asked('trigger', caller, { id, ...request });
      found(id);
      return { ...ids, scheduled_at: at };
    },
    backfill: async (caller, id, request) => {
      asked('backfill', caller, { id, ...request });
      const { dry_run: isDryRun, overlap = 'queue_all' } = request;
      const times = [{ scheduled_at: at, local: '2026-11-21T11:00:00+01:00', is_known: false, run_id: ids.run_id }];
      return { schedule_id: found(id).schedule_id, is_dry_run: isDryRun, overlap, times };
    },
  };
}

export function fakeStep(over: Partial<StepDto> = {}): StepDto {
  return {
    step_id: randomUUID(),
    run_id: randomUUID(),
    path: 'fix',
    node_id: 'fix',
    kind: 'action_task',
    name: 'Fix it',
    status: 'running',
    skip_reason: null,
    handled: false,
    attempts: 1,
    started_at: at,
    completed_at: null,
    logs_artifact_id: null,
    inputs: null,
    outputs: null,
    error: null,
    reused_from_run: null,
    ...over,
  };
}

const fakeBlueprint = {
  blueprint_id: 'bp.remediate',
  name: 'Remediate',
  active_version: 1,
  digest: `sha256:${'0'.repeat(64)}`,
  enabled: true,
  created_at: at,
  updated_at: at,
};

const fakeVersion = { digest: fakeBlueprint.digest, created_at: at, created_by: 'local' };

const fakeAuditEntry = {
  audit_id: '7',
  at,
  actor: 'local',
  action: 'event.emit',
  resource_type: 'event',
  resource_id: 'e-1',
  reason: null,
  before: null,
  after: { source: 'api' },
  run_id: null,
  step_id: null,
  correlation_id: 'c-1',
  env_id: 'local',
};

export function fakeGate(over: Partial<GateDto> = {}): GateDto {
  return {
    gate_id: randomUUID(),
    run_id: randomUUID(),
    step_id: randomUUID(),
    path: 'approve',
    purpose: 'approval',
    message: 'Restart nginx?',
    status: 'open',
    approvers: [],
    require: 1,
    reject: 1,
    reason: 'optional',
    approvals: 0,
    digest: null,
    opened_at: at,
    expires_at: null,
    closed_at: null,
    ...over,
  };
}

function found<T>(
  item: T | undefined,
  code: 'run_not_found' | 'event_not_found' | 'gate_not_found' | 'step_not_found' | 'artifact_not_found',
): T {
  if (item === undefined) throw new XynFault(code, 'Nothing has that id.');
  return item;
}

function fakeArtifacts(
  world: FakeWorld,
  asked: (name: string, caller: Caller, args: unknown) => void,
): Services['artifacts'] {
  const get = (id: string) =>
    found(
      world.artifacts.find(({ dto }) => dto.artifact_id === id),
      'artifact_not_found',
    );
  return {
    create: async (caller, request, source) => {
      asked('create-artifact', caller, request);
      const chunks: Uint8Array[] = [];
      for await (const chunk of source) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const { idempotencyKey: _key, ...about } = request;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const made = { artifact_id: randomUUID(), created_at: at, created_by: caller.actor };
      const dto = { ...about, ...made, sha256, byte_length: bytes.length };
      world.artifacts.unshift({ dto, bytes });
      return dto;
    },
    list: async ({ limit }) => ({ items: world.artifacts.slice(0, limit).map(({ dto }) => dto), next: null }),
    get: async (id) => get(id).dto,
    preview: async (id) => ({ artifact: get(id).dto, preview: { bytes: 'verified', text: null, isWhole: false } }),
    download: async (id) => {
      const { dto, bytes } = get(id);
      return {
        artifact: dto,
        content: { sha256: dto.sha256 ?? '', bytes: bytes.length },
        open: async (range) => Readable.from([range ? bytes.subarray(range.first, range.last + 1) : bytes]),
      };
    },
  };
}

/** One draft that is always the same; what is asked is noted. */
function fakeDrafts(asked: (name: string, caller: Caller, args: unknown) => void): Services['drafts'] {
  const draftId = '4b1c9f52-6b0c-4d7e-8f7e-2d6f3a1c5e90';
  const artifactId = '5c2d0a63-7c1d-4e8f-9a8f-3e7a4b2d6fa1';
  const content = { trigger_event_type: 'checkmk.alert', notes: null, source_run_id: null };
  const promotion = { promoted_at: null, promoted_version: null };
  const checks = { validated_at: null, is_valid: null, report_artifact_id: null, tested_at: null, tests: null };
  const draft: DraftDto = {
    draft_id: draftId,
    name: 'bp.remediate',
    kind: 'blueprint',
    status: 'draft',
    revision: 1,
    blueprint_id: 'bp.remediate',
    base_version: null,
    is_valid: null,
    created_at: at,
    created_by: 'local',
    updated_at: at,
    updated_by: 'local',
    content,
  };
  const newest: DraftRevisionDto = {
    revision: 1,
    definition_artifact_id: artifactId,
    definition_sha256: '0'.repeat(64),
    notes: null,
    source_run_id: null,
    created_at: at,
    created_by: 'local',
    ...checks,
    ...promotion,
  };
  const definition = 'id: bp.remediate\n';
  return {
    save: async (caller, request) => {
      asked('save-draft', caller, request);
      return { ...draft, created: true };
    },
    list: async () => ({ items: [draft], next: null }),
    get: async () => ({ ...draft, content: { ...content, definition }, newest }),
    revisions: async () => ({ items: [newest], next: null }),
    revision: async (id) => ({ draft_id: id, ...newest, definition }),
    validate: async (caller, id) => {
      asked('validate-draft', caller, { id });
      const report = { status: 'validated' as const, is_valid: true, issues: [], report_artifact_id: artifactId };
      return { draft_id: id, revision: 1, ...report };
    },
    lastTested: async () => null,
    tryScenarios: async () => ({ ok: true, passed: 0, failed: 0, problems: [], scenarios: [] }),
    diff: async (id) => ({
      draft_id: id,
      from: { version: null },
      to: { revision: 1 },
      added: 1,
      removed: 0,
      lines: [
        { kind: 'skipped', count: 3 },
        { kind: 'added', text: 'id: bp.remediate' },
      ],
      is_whole: true,
    }),
    test: async (caller, id, scenarios) => {
      asked('test-draft', caller, { id, scenarios });
      const one = { name: 'it works', line: 3, column: 5, ok: true, mismatches: [] };
      const counts = { ok: true, passed: 1, failed: 0, problems: [], scenarios: [one] };
      return { draft_id: id, revision: 1, report_artifact_id: artifactId, ...counts };
    },
    promote: async (caller, id, request) => {
      asked('promote-draft', caller, { id, ...request });
      const { blueprint_id, digest } = fakeBlueprint;
      return { draft_id: id, revision: 1, blueprint_id, version: 2, digest, status: 'active', promoted_at: at };
    },
  };
}

function gateWaits(world: FakeWorld, runId: string): WaitingOn[] {
  const open = world.gates.filter((gate) => gate.run_id === runId && gate.status === 'open');
  return open.map(({ gate_id, path, purpose, approvers, require, approvals, opened_at: since, expires_at }) => ({
    kind: 'gate',
    ...{ gate_id, path, purpose, approvers, require, approvals, since, expires_at },
  }));
}

/** Streams that tell what the world holds when they are opened, and end. */
function fakeLive(world: FakeWorld): Services['live'] {
  const streamOf = <M extends StreamMessage>(messages: M[]): OpenStream<M> => ({
    messages: Readable.from(messages) as AsyncIterable<M>,
    close: () => undefined,
  });
  return {
    feed: { position: () => '1-0', subscribe: () => () => undefined },
    events: () => {
      if (world.failure !== undefined) throw world.failure;
      return streamOf<EventMessage>([
        { type: 'ready', id: '1-0', data: { position: '1-0' } },
        ...world.events.map((event, ix) => ({ type: 'event' as const, id: `1-${ix + 1}`, data: event })),
      ]);
    },
    run: async (runId) => {
      world.onLook?.();
      if (world.failure !== undefined) throw world.failure;
      const run = {
        ...found(
          world.runs.find((one) => one.run_id === runId),
          'run_not_found',
        ),
        waiting_on: gateWaits(world, runId),
      };
      const steps = world.steps.filter((step) => step.run_id === runId);
      const gates = world.gates.filter((gate) => gate.run_id === runId);
      const isSettled = steps.every(({ status }) => status !== 'running');
      const hasEnded = isSettled && ['completed', 'failed', 'cancelled'].includes(run.status);
      return streamOf<RunMessage>([
        { type: 'snapshot', id: '1-0', data: { run, steps, gates, has_more_steps: false } },
        ...(hasEnded ? [{ type: 'end' as const, id: '1-0', data: run }] : []),
      ]);
    },
  };
}

function fakeReruns(
  world: FakeWorld,
  asked: (name: string, caller: Caller, args: unknown) => void,
): Services['reruns'] {
  const facts = { blueprint_version: 1, reused: ['look'], reused_count: 1, anew_count: 1 };
  const plan = { ...facts, anew: [{ path: 'fix', reason: 'failed' as const }] };
  return {
    preview: async () => ({ run: null, ...plan }),
    rerun: async (caller, id, request) => {
      asked('rerun', caller, { id, ...request });
      const run = fakeRun({ status: 'created', started_at: null, rerun_of: id, rerun_from: 'fix' });
      world.runs.unshift(run);
      return { run, ...plan };
    },
  };
}

/** Services in memory, for what lies at the edge: envelopes, bounds, parsing, printing. */
export function fakeServices(): { services: Services; world: FakeWorld } {
  const world: FakeWorld = {
    health: {
      postgres: { ok: true },
      temporal: { ok: true, address: '127.0.0.1:7233', ui_url: 'http://127.0.0.1:8233' },
      worker: { ok: true, pollers: 1 },
    },
    doctor: {
      ok: true,
      checked_at: at,
      postgres_version: '15.18',
      temporal_version: '1.31.2',
      findings: [],
      open_runs: 0,
      checked_runs: 0,
      runs: [],
      is_complete: true,
      next: null,
    },
    events: [],
    runs: [],
    steps: [],
    gates: [],
    artifacts: [],
    calls: [],
    verdicts: [],
    problems: [],
  };
  const asked = (name: string, caller: Caller, args: unknown): void => {
    world.calls.push({ name, caller, args });
    if (world.failure !== undefined) throw world.failure;
  };
  const failing = (): void => {
    if (world.failure !== undefined) throw world.failure;
  };
  const services: Services = {
    artifacts: fakeArtifacts(world, asked),
    drafts: fakeDrafts(asked),
    schedules: fakeSchedules(asked),
    health: { check: async () => world.health },
    cursors: { key: async () => 'a key of tests' },
    events: {
      emit: async (caller, request) => {
        asked('emit', caller, request);
        const { idempotencyKey: _key, resource = null, run_id = null, step_id = null, ...body } = request;
        const event = fakeEvent({ ...body, resource, run_id, step_id, actor: caller.actor });
        event.correlation_id = caller.correlationId;
        event.verdicts = world.verdicts;
        world.events.unshift(event);
        return event;
      },
      list: async ({ limit, cursor }) => {
        failing();
        const start = cursor === undefined ? 0 : Number(cursor.seq);
        const items = world.events.slice(start, start + limit).map(({ verdicts: _verdicts, ...event }) => event);
        return { items, next: start + limit < world.events.length ? { seq: String(start + limit) } : null };
      },
      get: async (id) =>
        found(
          world.events.find((event) => event.event_id === id),
          'event_not_found',
        ),
    },
    runs: {
      create: async (caller, request) => {
        asked('create', caller, request);
        const run = fakeRun({ status: 'created', started_at: null });
        world.runs.unshift(run);
        return run;
      },
      list: async ({ limit, cursor, status }) => {
        failing();
        const all = world.runs.filter((run) => status === undefined || run.status === status);
        const start = cursor === undefined ? 0 : all.findIndex((run) => run.run_id === cursor.run_id) + 1;
        const items = all.slice(start, start + limit);
        const last = start + limit < all.length ? items.at(-1) : undefined;
        return { items, next: last === undefined ? null : { created_at: last.created_at, run_id: last.run_id } };
      },
      idsWithPrefix: async (prefix, limit) =>
        world.runs
          .map((run) => run.run_id)
          .filter((id) => id.startsWith(prefix))
          .slice(0, limit),
      get: async (id) => {
        world.onLook?.();
        failing();
        const run = found(
          world.runs.find((one) => one.run_id === id),
          'run_not_found',
        );
        return { ...run, waiting_on: gateWaits(world, id) };
      },
      steps: async (id, { limit, cursor }) => {
        const steps = world.steps.filter((step) => step.run_id === id);
        const from = cursor?.seq ?? 0;
        const next = from + limit < steps.length ? { seq: from + limit, path: '' } : null;
        return { items: steps.slice(from, from + limit), next };
      },
      step: async (runId, stepId) => {
        const step = world.steps.find((one) => one.run_id === runId && one.step_id === stepId);
        return { ...found(step, 'step_not_found'), attempt_log: [] };
      },
      footprints: async (id) => ({
        items: [
          {
            recorded_at: at,
            source_kind: 'step',
            source_ref: 's/1',
            metric: 'tokens_in',
            run_id: id,
            step_id: null,
            quantity: 7,
            unit: 'tokens',
            dims: { provider: 'openai' },
          },
        ],
        totals: [{ metric: 'tokens_in', unit: 'tokens', quantity: 7 }],
        next: null,
      }),
      cancel: async (caller, id, reason) => {
        asked('cancel', caller, { id, reason });
        const run = found(
          world.runs.find((one) => one.run_id === id),
          'run_not_found',
        );
        run.cancel_requested_at = at;
        return run;
      },
    },
    reruns: fakeReruns(world, asked),
    replays: { check: async () => ({ fits: true, difference: null, events: 11 }) },
    gates: {
      list: async ({ limit, status }) => {
        failing();
        const items = world.gates.filter((gate) => status === undefined || gate.status === status).slice(0, limit);
        return { items, next: null };
      },
      get: async (id) => {
        const gate = found(
          world.gates.find((one) => one.gate_id === id),
          'gate_not_found',
        );
        return { ...gate, binds: [], decisions: [] };
      },
      decide: async (caller, id, request) => {
        asked('decide', caller, { id, ...request });
        const gate = found(
          world.gates.find((one) => one.gate_id === id),
          'gate_not_found',
        );
        if (gate.reason === 'required' && request.reason === undefined) {
          throw new XynFault('reason_required', 'This gate wants a reason.');
        }
        gate.status = request.decision === 'approve' ? 'approved' : 'rejected';
        return { gate, decision_id: randomUUID(), status: 'applied' };
      },
    },
    actions: {
      execute: async (caller, request) => {
        asked('execute', caller, request);
        return fakeRun({ status: 'created', started_at: null });
      },
    },
    audit: {
      list: async () => ({ items: [fakeAuditEntry], next: { audit_id: '7' } }),
      verify: async () => ({ ok: true, entries: 1, linked: 1, unlinked_tail: 0, heads: 1 }),
      state: async () => ({
        ...{ head: null, since: null, pending: 0, shown: [], signed: [] },
        ...{ last: null, checkingSince: null, counts: new Map() },
      }),
      links: async () => [],
    },
    live: fakeLive(world),
    doctor: { examine: async () => world.doctor },
    blueprints: {
      validate: async (bytes) => reportOf(world, bytes),
      apply: async (caller, bytes) => {
        asked('apply', caller, { source: new TextDecoder().decode(bytes) });
        const { is_valid, problems } = reportOf(world, bytes);
        if (!is_valid) throw invalidDocument(problems);
        const { blueprint_id, digest } = fakeBlueprint;
        return { blueprint_id, version: 2, digest, created: true, warnings: problems };
      },
      preview: async (request) => {
        const bytes = request.source ?? new TextEncoder().encode('id: bp.remediate');
        const { is_valid, problems } = reportOf(world, bytes);
        if (!is_valid) throw invalidDocument(problems);
        const env = { id: 'local', name: 'local', stage: 'dev' as const, vars: {} };
        return previewOf(planOf([action('fix')]), request, { env, targetFields: () => [], nowMs: Date.parse(at) });
      },
      compile: async (bytes) => ({ problems: reportOf(world, bytes).problems }),
      documentSchema: () => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', $defs: {} }),
      versions: async (_id, { cursor }) => ({
        items: cursor === undefined ? [{ version: 2, ...fakeVersion }] : [{ version: 1, ...fakeVersion }],
        next: cursor === undefined ? { version: 2 } : null,
      }),
      version: async (id, version) => ({ blueprint_id: id, version, ...fakeVersion, source: 'id: x\n', plan: {} }),
      activate: async (caller, id, request) => {
        asked('activate', caller, { id, ...request });
        const { digest } = fakeBlueprint;
        return { blueprint_id: id, version: request.version, digest, previous_version: 2 };
      },
      list: async () => [fakeBlueprint],
      get: async (id) => {
        if (id !== fakeBlueprint.blueprint_id) {
          throw new XynFault('blueprint_unknown', 'No blueprint has that id.');
        }
        return { ...fakeBlueprint, source: 'id: bp.remediate\n', versions: [] };
      },
    },
  };
  return { services, world };
}
