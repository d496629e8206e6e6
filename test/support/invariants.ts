import { Client, Connection } from '@temporalio/client';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { sha256Hex } from '../../src/domain/hash.js';
import { idempotencyKeyOf, runIdOfWorkflow, workflowIdOf } from '../../src/domain/ids.js';
import { canonicalJson, type JsonObject } from '../../src/domain/json.js';
import type { Plan } from '../../src/domain/plan.js';
import { allPids, argumentsOf } from '../../src/servers/process-ref.js';
import { auditChain } from '../../src/catalog/audit-chain.js';
import { AuditHeads } from '../../src/services/audit-heads.js';
import { verifyAudit } from '../../src/services/audit-verification.js';
import { encodingsOf } from './secret-encodings.js';
import type { Call } from './sink.js';

/** What is looked at after a fault. */
export interface InvariantSubject {
  /** As the owner: sees every table, and the connections of others. */
  pool: pg.Pool;
  temporalAddress: string;
  /** Where the signed heads of the audit trail lie. */
  auditDir: string;
  /** Ids of all runs that the API accepted, in the client's own book. */
  accepted: readonly string[];
  /** What reached the target. */
  calls: readonly Call[];
  /** Whole texts that must be nowhere. */
  secrets: readonly string[];
  /** Logs and the folder with keys and artifacts. */
  logFiles: readonly string[];
  stateDir: string;
  /** The processes of ours that live now. */
  pids: readonly number[];
  /** Processes that ended although nobody ended them. */
  unexpectedEnds: readonly object[];
  /** Runs that may wait for people; all others must have ended. */
  mayWait?: readonly string[];
}

/** One broken invariant, by the numbers of the reliability notes. */
export interface Violation {
  invariant: `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9}`;
  message: string;
}

/** Violations, and the counts of the line that every fault test prints. */
export interface InvariantReport {
  violations: Violation[];
  accepted: number;
  finished: number;
  /** Accepted runs that are not in the catalog. */
  lost: number;
  /** Effects beyond the one that a step may have. */
  double: number;
  /** Open workflows without an open run, and open runs without a workflow. */
  orphan: number;
  audit_ok: boolean;
}

const MIB = 1_048_576;
const MAX_RSS_BYTES = 512 * MIB;
/** Pool and listeners of one process, and five more. */
const MAX_CONNECTIONS = 10 + 3 + 5;
/** Attempts of ended runs that never ended become `lost` after a minute; then the reconciler has its pass. */
const LOST_AFTER = '75 seconds';
const OUTBOX_AGE = '5 seconds';

/**
 * Checks I1 to I9 until all hold or the time is up: records come a moment after what they tell of.
 * @param withinMs how long violations may take to go away.
 */
export async function checkInvariants(subject: InvariantSubject, withinMs = 20_000): Promise<InvariantReport> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const report = await look(subject);
    if (report.violations.length === 0 || Date.now() > deadline) return report;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function look(subject: InvariantSubject): Promise<InvariantReport> {
  const connection = await Connection.connect({ address: subject.temporalAddress });
  try {
    const client = new Client({ connection });
    const runs = await runsOf(subject);
    const { orphans, violations: parity } = await sameOpenRuns(subject, client);
    const { double, violations: effects } = await effectsOnce(subject);
    const audit = await auditHolds(subject);
    return {
      violations: [
        ...runs.violations,
        ...parity,
        ...(await nothingHangs(subject)),
        ...effects,
        ...audit,
        ...(await nothingUnapproved(subject)),
        ...(await noSecrets(subject, client)),
        ...(await processesAreWell(subject)),
      ],
      accepted: subject.accepted.length,
      finished: runs.finished,
      lost: runs.lost,
      double,
      orphan: orphans,
      audit_ok: audit.length === 0,
    };
  } finally {
    await connection.close();
  }
}

function all(invariant: Violation['invariant'], messages: readonly string[]): Violation[] {
  return messages.map((message) => ({ invariant, message }));
}

async function rowsOf<T>({ pool }: InvariantSubject, sql: string, values: unknown[] = []): Promise<T[]> {
  return (await pool.query(sql, values)).rows as T[];
}

/** I1, I8: what was accepted is there, and has ended or waits for people. */
async function runsOf(subject: InvariantSubject): Promise<{ finished: number; lost: number; violations: Violation[] }> {
  const rows = await rowsOf<{ run_id: string; status: string }>(
    subject,
    'SELECT run_id, status FROM runs WHERE run_id = ANY($1::uuid[])',
    [subject.accepted],
  );
  const statuses = new Map(rows.map((row) => [row.run_id, row.status]));
  const isEnded = (id: string): boolean => ['completed', 'failed', 'cancelled'].includes(statuses.get(id) ?? '');
  const lost = subject.accepted.filter((id) => !statuses.has(id));
  const open = subject.accepted.filter((id) => statuses.has(id) && !isEnded(id) && !subject.mayWait?.includes(id));
  return {
    finished: subject.accepted.filter(isEnded).length,
    lost: lost.length,
    violations: [
      ...all(
        'I1',
        lost.map((id) => `run ${id} was accepted and is not in the catalog`),
      ),
      ...all(
        'I8',
        open.map((id) => `run ${id} is ${statuses.get(id)} and should have ended`),
      ),
    ],
  };
}

/** I2: the same runs are open in Temporal and in the catalog. */
async function sameOpenRuns(
  subject: InvariantSubject,
  client: Client,
): Promise<{ orphans: number; violations: Violation[] }> {
  const workflows = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    workflows.add(runIdOfWorkflow(workflowId) ?? workflowId);
  }
  const rows = await rowsOf<{ run_id: string }>(
    subject,
    "SELECT run_id FROM runs WHERE status IN ('created', 'running')",
  );
  const open = new Set(rows.map((row) => row.run_id));
  const violations = [
    ...all(
      'I2',
      [...workflows].filter((id) => !open.has(id)).map((id) => `workflow of ${id} is open, its run is not`),
    ),
    ...all(
      'I2',
      [...open].filter((id) => !workflows.has(id)).map((id) => `run ${id} is open without a workflow`),
    ),
  ];
  return { orphans: violations.length, violations };
}

/** I3 and a part of I9: nothing of an ended run is left open, and the outbox is drained. */
async function nothingHangs(subject: InvariantSubject): Promise<Violation[]> {
  const ended = "r.status IN ('completed', 'failed', 'cancelled')";
  const steps = await rowsOf<{ path: string; run_id: string; status: string }>(
    subject,
    `SELECT s.path, s.run_id, s.status FROM steps s JOIN runs r USING (run_id)
     WHERE ${ended} AND s.status IN ('created', 'running')`,
  );
  const gates = await rowsOf<{ path: string; run_id: string }>(
    subject,
    `SELECT g.path, g.run_id FROM gates g JOIN runs r USING (run_id) WHERE ${ended} AND g.status = 'open'`,
  );
  const attempts = await rowsOf<{ step_id: string; run_id: string }>(
    subject,
    `SELECT a.step_id, a.run_id FROM step_attempts a JOIN runs r USING (run_id)
     WHERE ${ended} AND a.status = 'running' AND r.completed_at < now() - $1::interval`,
    [LOST_AFTER],
  );
  const incomplete = await rowsOf<{ run_id: string }>(subject, 'SELECT run_id FROM runs WHERE needs_repair');
  const undispatched = await rowsOf<{ event_name: string }>(
    subject,
    'SELECT event_name FROM events WHERE dispatched_at IS NULL AND occurred_at < now() - $1::interval',
    [OUTBOX_AGE],
  );
  return [
    ...all(
      'I3',
      steps.map((row) => `step ${row.path} of ended run ${row.run_id} is ${row.status}`),
    ),
    ...all(
      'I3',
      gates.map((row) => `gate ${row.path} of ended run ${row.run_id} is open`),
    ),
    ...all(
      'I3',
      attempts.map((row) => `an attempt at ${row.step_id} of ended run ${row.run_id} still counts as running`),
    ),
    ...all(
      'I3',
      incomplete.map((row) => `run ${row.run_id} lacks records`),
    ),
    ...all(
      'I9',
      undispatched.map((row) => `${row.event_name} has lain in the outbox for over ${OUTBOX_AGE}`),
    ),
  ];
}

interface StepRow {
  run_id: string;
  step_id: string;
  path: string;
  status: string;
  inputs: JsonObject | null;
  completed_at: Date | null;
  plan: Plan;
  attempts: { attempt: number; started_at: string; audits: number }[];
  decisions: { decision: string; status: string }[];
}

/** All steps that ran on a worker, with their plans, attempts and the decisions of their recovery gates. */
async function actionSteps(subject: InvariantSubject): Promise<StepRow[]> {
  return rowsOf<StepRow>(
    subject,
    `SELECT s.run_id, s.step_id, s.path, s.status, s.inputs, s.completed_at, v.plan,
       coalesce((SELECT jsonb_agg(jsonb_build_object('attempt', a.attempt, 'started_at', a.started_at,
         'audits', (SELECT count(*) FROM audit_log l WHERE l.key = 'attempt/' || s.step_id || '/' || a.attempt)))
         FROM step_attempts a WHERE a.step_id = s.step_id), '[]') AS attempts,
       coalesce((SELECT jsonb_agg(jsonb_build_object('decision', d.decision, 'status', d.status))
         FROM gates g JOIN gate_decisions d USING (gate_id)
         WHERE g.run_id = s.run_id AND g.path = s.path || '~recover'), '[]') AS decisions
     FROM steps s JOIN runs r USING (run_id)
     JOIN blueprint_versions v ON v.blueprint_id = r.blueprint_id AND v.version = r.blueprint_version
     WHERE s.kind = 'action_task'`,
  );
}

/** I4: what reached the target, against what the catalog tells. */
async function effectsOnce(subject: InvariantSubject): Promise<{ double: number; violations: Violation[] }> {
  const messages: string[] = [];
  let double = 0;
  for (const step of await actionSteps(subject)) {
    // Ids are unique in a plan; the path of a step also says which branch, iteration and attempt.
    const node = step.plan.nodes.find(({ id }) => id === step.path.split('.').at(-1));
    if (node?.kind !== 'action_task' || node.effect === 'read') continue;
    const where = `${step.path} of run ${step.run_id}`;
    const calls = subject.calls.filter((call) => isCallOf(call, step));
    const acted = calls.filter((call) => call.acted);
    const key = node.idempotency === 'keyed' ? idempotencyKeyOf(step.run_id, step.path) : undefined;
    if (calls.some((call) => call.key !== key)) messages.push(`${where} was called with a wrong idempotency key`);
    const retries = step.decisions.filter((one) => one.decision === 'retry' && one.status === 'applied').length;
    const done = step.decisions.some((one) => one.decision === 'done' && one.status === 'applied');
    const most = node.idempotency === 'none' ? 1 + retries : 1;
    if (acted.length > most) double += acted.length - most;
    if (acted.length > most) messages.push(`${where} had ${acted.length} effects, at most ${most} were allowed`);
    if (node.idempotency === 'none' && calls.length > most)
      messages.push(`${where} was called ${calls.length} times, at most ${most} were allowed`);
    if (step.status === 'completed' && !done && acted.length === 0) messages.push(`${where} completed without effect`);
    if (step.attempts.length < calls.length)
      messages.push(`${where} was called ${calls.length} times and has ${step.attempts.length} attempts`);
    const unaudited = step.attempts.filter((one) => one.audits !== 1);
    if (unaudited.length > 0) messages.push(`${where} has ${unaudited.length} attempts without one audit entry each`);
    const late = calls.filter((call) => step.completed_at !== null && call.at > step.completed_at.getTime());
    if (late.length > 0) messages.push(`${where} was called ${late.length} times after its end`);
  }
  return { double, violations: all('I4', messages) };
}

/** Steps under test name their run and themselves in the body, so that a wrong key does not hide a call. */
function isCallOf({ body }: Call, step: StepRow): boolean {
  const told = body as { run?: unknown; step?: unknown } | null;
  return told?.run === step.run_id && told.step === step.path;
}

/** I5: the chain and its heads verify, and every change of state has exactly one entry. */
async function auditHolds(subject: InvariantSubject): Promise<Violation[]> {
  const report = await verifyAudit({
    chain: auditChain(subject),
    heads: await AuditHeads.openForReading(subject.auditDir),
  });
  const messages: string[] = [];
  if (!report.ok) messages.push(`the audit trail does not verify: ${JSON.stringify(report.first_problem)}`);
  if (report.unlinked_tail > 0) messages.push(`${report.unlinked_tail} audit entries are not linked`);
  if (report.heads === 0) messages.push('there are no signed heads');
  const wrong = await rowsOf<{ what: string; id: string; entries: number }>(
    subject,
    `SELECT * FROM (
       SELECT 'creation of run' AS what, r.run_id::text AS id,
         (SELECT count(*)::int FROM audit_log l WHERE l.resource_id = r.run_id::text AND l.action = 'run.create') AS entries
       FROM runs r
       UNION ALL SELECT 'end of run', r.run_id::text,
         (SELECT count(*)::int FROM audit_log l WHERE l.resource_id = r.run_id::text AND l.action = 'run.end')
       FROM runs r WHERE r.status IN ('completed', 'failed', 'cancelled')
       UNION ALL SELECT 'decision', d.decision_id::text,
         (SELECT count(*)::int FROM audit_log l WHERE l.key = 'decision/' || d.decision_id)
       FROM gate_decisions d
       UNION ALL SELECT 'emission of event', e.event_id::text,
         (SELECT count(*)::int FROM audit_log l WHERE l.key = 'event/' || e.event_id)
       FROM events e WHERE e.event_name NOT LIKE 'xyn.%'
     ) counted WHERE entries <> 1`,
  );
  messages.push(...wrong.map((row) => `the ${row.what} ${row.id} has ${row.entries} audit entries`));
  const unopened = await rowsOf<{ gate_id: string }>(
    subject,
    `SELECT gate_id FROM gates g WHERE NOT EXISTS (
       SELECT 1 FROM audit_log l WHERE l.resource_id = g.gate_id::text AND l.action = 'gate.open')`,
  );
  messages.push(...unopened.map((row) => `the opening of gate ${row.gate_id} has no audit entry`));
  return all('I5', messages);
}

interface GateRow {
  path: string;
  status: string;
  require: number;
  approvers: string[];
  binds: { path: string; action: string; later: string[]; hash: string }[];
  expires_at: Date | null;
  decisions: { actor: string; decision: string; status: string; created_at: string }[];
}

/** I6: nothing behind a gate began before enough people had approved exactly that, in time. */
async function nothingUnapproved(subject: InvariantSubject): Promise<Violation[]> {
  const messages: string[] = [];
  for (const step of await actionSteps(subject)) {
    const first = Math.min(...step.attempts.map((one) => Date.parse(one.started_at)));
    if (!Number.isFinite(first)) continue;
    const before = gatesBefore(step.plan, step.path);
    const gates = await rowsOf<GateRow>(
      subject,
      `SELECT g.path, g.status, g.require, g.approvers, g.binds, g.expires_at,
         coalesce((SELECT jsonb_agg(to_jsonb(d)) FROM gate_decisions d WHERE d.gate_id = g.gate_id), '[]') AS decisions
       FROM gates g WHERE g.run_id = $1 AND g.path = ANY($2)`,
      [step.run_id, before],
    );
    for (const gatePath of before) {
      const why = unapproved(
        gates.find((gate) => gate.path === gatePath),
        step,
        first,
      );
      if (why !== undefined) messages.push(`${step.path} of run ${step.run_id} ran although gate ${gatePath} ${why}`);
    }
  }
  return all('I6', messages);
}

function gatesBefore(plan: Plan, stepPath: string): string[] {
  const list = plan.root.do.flatMap((ix) => plan.nodes[ix] ?? []);
  const at = list.findIndex((node) => node.path === stepPath);
  return list.slice(0, Math.max(0, at)).flatMap((node) => (node.kind === 'gate' ? [node.path] : []));
}

function unapproved(gate: GateRow | undefined, step: StepRow, first: number): string | undefined {
  if (gate === undefined) return 'is not recorded';
  if (gate.status !== 'approved') return `is ${gate.status}`;
  const inTime = gate.decisions.filter((one) => {
    const at = Date.parse(one.created_at);
    return (
      one.decision === 'approve' && one.status === 'applied' && at <= first && at <= (gate.expires_at?.getTime() ?? at)
    );
  });
  const allowed = inTime.filter((one) => gate.approvers.length === 0 || gate.approvers.includes(one.actor));
  if (new Set(allowed.map((one) => one.actor)).size < gate.require) return 'lacks approvals from before its start';
  const bound = gate.binds.find((one) => one.path === step.path);
  if (bound === undefined || step.inputs === null) return undefined;
  const known = Object.entries(step.inputs).filter(([name]) => !bound.later.includes(name));
  const hash = sha256Hex(canonicalJson({ path: step.path, action: bound.action, input: Object.fromEntries(known) }));
  return hash === bound.hash ? undefined : 'had shown something else';
}

/** I7: no secret in any table, history, log, kept file or argument list, however it is written. */
async function noSecrets(subject: InvariantSubject, client: Client): Promise<Violation[]> {
  const needles = subject.secrets.flatMap((secret) => encodingsOf(secret));
  const messages: string[] = [];
  const search = (where: string, text: string): void => {
    for (const { name, text: needle } of needles) {
      if (text.includes(needle)) messages.push(`${where} holds a secret (${name})`);
    }
  };
  const tables = await rowsOf<{ name: string }>(
    subject,
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
  );
  for (const { name } of tables) {
    const rows = await rowsOf<{ line: string }>(subject, `SELECT t::text AS line FROM "${name}" t`);
    search(`table ${name}`, rows.map((row) => row.line).join('\n'));
  }
  for (const runId of subject.accepted) search(`history of run ${runId}`, await historyText(client, runId));
  for (const file of [...subject.logFiles, ...(await filesIn(subject.stateDir))]) {
    search(file, await readFile(file, 'latin1').catch(() => ''));
  }
  for (const pid of await allPids()) search(`arguments of process ${pid}`, (await argumentsOf(pid)).join(' '));
  return all('I7', messages);
}

/** Payloads as text, beside everything else of a history. */
async function historyText(client: Client, runId: string): Promise<string> {
  try {
    const history = await client.workflow.getHandle(workflowIdOf(runId)).fetchHistory();
    return JSON.stringify(history, (_name, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    );
  } catch {
    return '';
  }
}

async function filesIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** I9: nothing crashed, nothing grew, no connection was left behind. */
async function processesAreWell(subject: InvariantSubject): Promise<Violation[]> {
  const messages = subject.unexpectedEnds.map((end) => `a process ended by itself: ${JSON.stringify(end)}`);
  for (const file of subject.logFiles) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const bad = lines.filter((line) => /"level":"fatal"|unhandled ?rejection|uncaught ?exception/i.test(line));
    messages.push(...bad.map((line) => `${path.basename(file)}: ${line.slice(0, 300)}`));
  }
  for (const pid of subject.pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const bytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    if (bytes > MAX_RSS_BYTES) messages.push(`process ${pid} uses ${Math.round(bytes / MIB)} MiB`);
  }
  const connections = await rowsOf<{ application_name: string; count: number }>(
    subject,
    `SELECT application_name, count(*)::int AS count FROM pg_stat_activity
     WHERE application_name IN ('xyn-api', 'xyn-worker') GROUP BY application_name`,
  );
  for (const { application_name: name, count } of connections) {
    if (count > MAX_CONNECTIONS) messages.push(`${name} has ${count} connections to Postgres`);
  }
  return all('I9', messages);
}
