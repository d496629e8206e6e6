import { createHash } from 'node:crypto';
import { uuidV5 } from '../../../src/domain/hash.js';
import type { Catalog } from '../../../src/catalog/connect.js';
import type { JsonObject } from '../../../src/domain/json.js';
import { action, agent, gate, planOf, transform } from '../../support/plans.js';
import type { PlanNode } from '../../../src/domain/plan.js';

const SEEDS = '0a1b7c52-54c8-5e0d-9d0e-52c8a1b7c0de';

/** The same name, the same id: pages of a seeded catalog have stable addresses. */
export function seededId(name: string): string {
  return uuidV5(SEEDS, name);
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Text that tries to break out of a page, to hide, and to reorder. */
export const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202egnp.exe\u200b\u0007`;

type StepState = 'completed' | 'failed' | 'running' | 'skipped' | 'created';

interface SeedStep {
  id: string;
  name: string;
  status: StepState;
  kind?: string;
  tookMs?: number;
  attempts?: number;
  error?: JsonObject;
  inputs?: JsonObject;
  outputs?: JsonObject;
}

interface SeedRun {
  key: string;
  name: string;
  blueprint: string;
  status: 'created' | 'running' | 'completed' | 'failed' | 'cancelled';
  actor: string;
  trigger: string;
  agoMs: number;
  tookMs?: number;
  steps: SeedStep[];
  error?: JsonObject;
  event?: string;
  inputs?: JsonObject;
}

const done = (id: string, name: string, tookMs = 4_000): SeedStep => ({ id, name, status: 'completed', tookMs });
const todo = (id: string, name: string): SeedStep => ({ id, name, status: 'created' });
const fault = (code: string, message: string): JsonObject => ({ code, message });

const BLUEPRINTS: Record<string, { name: string; nodes: PlanNode[]; riskHigh?: boolean }> = {
  'bp.web.roll_patch': {
    name: 'Roll a patch over the web tier',
    nodes: [
      action('facts', { action: 'ssh.exec', effect: 'read', name: 'Collect package facts' }),
      agent('assess', { name: 'Assess the advisory' }),
      transform('batches', [['hosts', ['web-01', 'web-02']]], { name: 'Split into batches' }),
      action('dump', { action: 'postgres.dump', name: 'Dump orders database' }),
      action('drain', { action: 'edge.drain', name: 'Drain the pool' }),
      action('patch', { action: 'ssh.exec', name: 'Install the packages', idempotency: 'none' }),
      gate('cutover', { name: 'Approve the cut-over' }),
      action('shift', { action: 'edge.config.apply', name: 'Shift traffic' }),
      action('restart', {
        action: 'service.restart',
        effect: 'destructive',
        idempotency: 'none',
        name: 'Restart the balancer',
        with: { note: { $: ['.', ['.', ['v', 'event'], 'data'], 'service'] } },
      }),
      action('verify', { action: 'http.call', effect: 'read', name: 'Verify from outside' }),
    ],
  },
  'bp.backup.nightly': {
    name: 'Nightly backup',
    nodes: [
      action('snapshot', { action: 'postgres.dump', name: 'Take a dump' }),
      action('upload', { action: 's3.put', name: 'Upload it' }),
      action('verify', { action: 's3.head', effect: 'read', name: 'Verify the copy' }),
      action('expire', { action: 's3.expire', effect: 'destructive', name: 'Expire old copies' }),
    ],
  },
  'bp.edge.cert_renew': {
    name: 'Renew a certificate',
    nodes: [
      action('order', { action: 'acme.order', name: 'Order' }),
      action('dns', { action: 'dns.record.upsert', name: 'Set the challenge record' }),
      action('check', { action: 'dns.lookup', effect: 'read', name: 'Wait for the record' }),
      action('install', { action: 'edge.cert.install', name: 'Install' }),
    ],
  },
  'bp.ci.build': {
    name: 'Build and test',
    nodes: [
      action('checkout', { action: 'git.checkout', name: 'Check out' }),
      action('build', { action: 'container.run', name: 'Build' }),
      action('test', { action: 'container.run', name: 'Tests' }),
      action('publish', { action: 'registry.push', name: 'Publish' }),
    ],
  },
  'bp.alert.triage': {
    name: 'Explain an alert',
    nodes: [
      action('logs', { action: 'ssh.exec', effect: 'read', name: 'Read the logs' }),
      agent('explain', { name: 'Explain' }),
      gate('fix', { name: 'Approve the fix' }),
      action('apply', { action: 'ssh.exec', name: 'Apply the fix', effect: 'destructive', idempotency: 'none' }),
    ],
  },
};

const RUNS: SeedRun[] = [
  {
    key: 'patch',
    name: 'Patch the web tier for CVE-2026-3381',
    blueprint: 'bp.web.roll_patch',
    status: 'running',
    actor: 'maria',
    trigger: 'checkmk.alert',
    event: 'alert-web',
    agoMs: 19 * MINUTE,
    inputs: { advisory: 'CVE-2026-3381', pool: 'web' },
    steps: [
      done('facts', 'Collect package facts', 31_000),
      done('assess', 'Assess the advisory', 12_400),
      done('batches', 'Split into batches', 1),
      done('dump', 'Dump orders database', 92_000),
      done('drain', 'Drain the pool', 8_000),
      done('patch', 'Install the packages', 412_000),
      { id: 'cutover', name: 'Approve the cut-over', status: 'running', kind: 'gate' },
      todo('shift', 'Shift traffic'),
      todo('restart', 'Restart the balancer'),
      todo('verify', 'Verify from outside'),
    ],
  },
  {
    key: 'triage',
    name: 'Explain alert storm on shop',
    blueprint: 'bp.alert.triage',
    status: 'running',
    actor: 'event',
    trigger: 'checkmk.alert',
    agoMs: 42 * MINUTE,
    steps: [
      done('logs', 'Read the logs', 2_300),
      { ...done('explain', 'Explain', 21_000), kind: 'agent_task' },
      { id: 'fix', name: 'Approve the fix', status: 'running', kind: 'gate' },
      todo('apply', 'Apply the fix'),
    ],
  },
  {
    key: 'lost',
    name: 'Restart edge proxies',
    blueprint: 'bp.alert.triage',
    status: 'running',
    actor: 'jonas',
    trigger: 'manual',
    agoMs: 2 * HOUR,
    steps: [
      done('logs', 'Read the logs'),
      done('explain', 'Explain'),
      done('fix', 'Approve the fix'),
      {
        id: 'apply',
        name: 'Apply the fix',
        status: 'running',
        error: fault('outcome_unknown', 'The worker was lost after the command was sent.'),
      },
    ],
  },
  {
    key: 'build-91',
    name: 'Build api #2291',
    blueprint: 'bp.ci.build',
    status: 'running',
    actor: 'kwame',
    trigger: 'git.push',
    agoMs: 2.4 * MINUTE,
    steps: [
      done('checkout', 'Check out', 3_000),
      done('build', 'Build', 61_000),
      { id: 'test', name: 'Tests', status: 'running' },
      todo('publish', 'Publish'),
    ],
  },
  {
    key: 'cert',
    name: 'Certificate of *.shop',
    blueprint: 'bp.edge.cert_renew',
    status: 'running',
    actor: 'schedule',
    trigger: 'xyn.schedule.fired',
    agoMs: 1.7 * MINUTE,
    steps: [
      done('order', 'Order', 900),
      done('dns', 'Set the challenge record', 700),
      { id: 'check', name: 'Wait for the record', status: 'running', attempts: 3 },
      todo('install', 'Install'),
    ],
  },
  {
    key: 'queued',
    name: 'Build docs #118',
    blueprint: 'bp.ci.build',
    status: 'created',
    actor: 'kwame',
    trigger: 'git.push',
    agoMs: 4_000,
    steps: [],
  },
  {
    key: 'backup-crm',
    name: 'Nightly backup of crm',
    blueprint: 'bp.backup.nightly',
    status: 'failed',
    actor: 'schedule',
    trigger: 'xyn.schedule.fired',
    agoMs: 11 * HOUR,
    tookMs: 850_000,
    error: { code: 'target_unreachable', message: 'db-crm:22 did not answer within 10 s.', path: 'snapshot' },
    steps: [
      {
        id: 'snapshot',
        name: 'Take a dump',
        status: 'failed',
        attempts: 5,
        tookMs: 850_000,
        error: fault('target_unreachable', 'db-crm:22 did not answer within 10 s.'),
      },
      { id: 'upload', name: 'Upload it', status: 'skipped' },
      { id: 'verify', name: 'Verify the copy', status: 'skipped' },
      { id: 'expire', name: 'Expire old copies', status: 'skipped' },
    ],
  },
  {
    key: 'hostile',
    name: HOSTILE,
    blueprint: 'bp.alert.triage',
    status: 'failed',
    actor: 'event',
    trigger: 'checkmk.alert',
    event: 'alert-hostile',
    agoMs: 5 * HOUR,
    tookMs: 9_000,
    inputs: { note: HOSTILE },
    error: { code: 'action_failed', message: HOSTILE, path: 'logs' },
    steps: [
      {
        id: 'logs',
        name: HOSTILE,
        status: 'failed',
        error: fault('action_failed', HOSTILE),
        inputs: { text: HOSTILE },
        outputs: { text: HOSTILE },
      },
    ],
  },
  {
    key: 'drain',
    name: 'Drain hel-1b',
    blueprint: 'bp.web.roll_patch',
    status: 'cancelled',
    actor: 'jonas',
    trigger: 'manual',
    agoMs: 1.6 * HOUR,
    tookMs: 41_000,
    steps: [done('facts', 'Collect package facts'), { id: 'assess', name: 'Assess the advisory', status: 'skipped' }],
  },
];

function finished(count: number): SeedRun[] {
  const kinds = ['bp.ci.build', 'bp.edge.cert_renew', 'bp.backup.nightly', 'bp.alert.triage'] as const;
  return Array.from({ length: count }, (_, n) => {
    const blueprint = kinds[n % kinds.length] ?? 'bp.ci.build';
    const { name, nodes } = BLUEPRINTS[blueprint] as { name: string; nodes: PlanNode[] };
    const isBroken = n % 37 === 12;
    const steps = nodes.map((node, at): SeedStep => {
      const label = node.name ?? node.id;
      if (isBroken && at >= 2) return { id: node.id, name: label, status: at === 2 ? 'failed' : 'skipped' };
      return done(node.id, label, 1_000 + ((n * 7_919 + at * 104_729) % 40_000));
    });
    return {
      key: `past-${n}`,
      name: `${name} #${2_290 - n}`,
      blueprint,
      status: isBroken ? 'failed' : 'completed',
      actor: ['schedule', 'kwame', 'maria', 'event'][n % 4] ?? 'maria',
      trigger: ['xyn.schedule.fired', 'git.push', 'manual', 'checkmk.alert'][n % 4] ?? 'manual',
      agoMs: 20 * MINUTE + n * 11 * MINUTE,
      tookMs: 20_000 + ((n * 7_919) % 200_000),
      ...(isBroken
        ? { error: { code: 'action_failed', message: 'The program ended with exit code 2.', path: steps[2]?.id ?? '' } }
        : {}),
      steps,
    };
  });
}

const at = (now: number, agoMs: number): string => new Date(now - agoMs).toISOString();

/**
 * A catalog as a busy small team would have it: runs in all states, open and decided gates, an unknown outcome, failures,
 * events with verdicts, an audit trail, and hostile text in every stored field.
 */
export async function seed(
  { pool }: Pick<Catalog, 'pool'>,
  options: { now?: number; finished?: number } = {},
): Promise<void> {
  const now = options.now ?? Date.now();
  const insert = async (table: string, rows: readonly object[]): Promise<void> => {
    const [first] = rows;
    if (first === undefined) return;
    const columns = Object.keys(first)
      .map((name) => `"${name}"`)
      .join(', ');
    await pool.query(
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
      [JSON.stringify(rows)],
    );
  };
  const plans = Object.entries(BLUEPRINTS).map(([id, { name, nodes }]) => ({ id, name, plan: planOf(nodes, { id }) }));
  await insert(
    'blueprints',
    plans.map(({ id, name }) => ({
      blueprint_id: id,
      name,
      active_version: 3,
      enabled: true,
      created_at: at(now, 40 * 24 * HOUR),
      updated_at: at(now, 24 * HOUR),
      layer: 'operator',
      owner_org_id: 'local',
    })),
  );
  await insert(
    'blueprint_versions',
    plans.map(({ id, plan }) => ({
      blueprint_id: id,
      version: 3,
      digest: plan.digest,
      source: `id: ${id}\n`,
      plan,
      debug: {},
      created_at: at(now, 24 * HOUR),
      created_by: 'maria',
    })),
  );
  const digests = new Map(plans.map(({ id, plan }) => [id, plan.digest]));
  const runs = [...RUNS, ...finished(options.finished ?? 120)];
  await insert('events', eventsOf(now));
  await insert(
    'runs',
    runs.map((run) => runRow(run, now, digests.get(run.blueprint) ?? '')),
  );
  await insert(
    'steps',
    runs.flatMap((run) => stepRows(run, now)),
  );
  await insert('gates', gateRows(now));
  await insert('gate_decisions', decisionRows(now));
}

function runRow(run: SeedRun, now: number, digest: string): object {
  const isOpen = run.status === 'created' || run.status === 'running';
  const ended = run.tookMs === undefined ? null : at(now, run.agoMs - run.tookMs);
  return {
    run_id: seededId(run.key),
    name: run.name,
    blueprint_id: run.blueprint,
    blueprint_version: 3,
    digest,
    status: run.status,
    trigger: run.trigger,
    event_id: run.event === undefined ? null : seededId(run.event),
    inputs: run.inputs ?? {},
    outputs: run.status === 'completed' ? {} : null,
    error: run.error ?? null,
    actor: run.actor,
    correlation_id: `cor-${run.key}`,
    env_id: 'env-1',
    env: {},
    priority: 0,
    cause_depth: 0,
    created_at: at(now, run.agoMs + 300),
    dispatched_at: run.status === 'created' ? null : at(now, run.agoMs),
    started_at: run.status === 'created' ? null : at(now, run.agoMs),
    completed_at: isOpen ? null : ended,
    seq: 1,
    last_progress_at: ended ?? at(now, Math.min(run.agoMs, MINUTE)),
    needs_repair: false,
    layer: 'operator',
    owner_org_id: 'local',
  };
}

function stepRows(run: SeedRun, now: number): object[] {
  let clock = now - run.agoMs;
  // The catalog knows a step when the run has reached it.
  return run.steps
    .filter(({ status }) => status !== 'created')
    .map((step, index) => {
      const started = clock;
      clock += step.tookMs ?? 0;
      const isOver = step.status === 'completed' || step.status === 'failed';
      return {
        step_id: seededId(`${run.key}/${step.id}`),
        run_id: seededId(run.key),
        path: step.id,
        node_id: step.id,
        kind: step.kind ?? 'action_task',
        name: step.name,
        status: step.status,
        skip_reason: step.status === 'skipped' ? 'not_reached' : null,
        handled: false,
        seq: index + 1,
        attempts: step.attempts ?? 1,
        inputs: step.inputs ?? {},
        outputs: step.outputs ?? null,
        error: step.error ?? null,
        started_at: step.status === 'skipped' ? null : new Date(started).toISOString(),
        completed_at: isOver ? new Date(clock).toISOString() : null,
      };
    });
}

function gateRow(run: string, step: string, now: number, over: object): object {
  return {
    gate_id: seededId(`gate/${run}`),
    run_id: seededId(run),
    step_id: seededId(`${run}/${step}`),
    path: step,
    purpose: 'approval',
    message: null,
    approvers: [],
    require: 1,
    reject: 1,
    reason: 'optional',
    status: 'open',
    digest: `sha256:${sha(run)}`,
    binds: [],
    seq: 3,
    opened_at: at(now, 9 * MINUTE),
    expires_at: null,
    closed_at: null,
    ...over,
  };
}

function bind(path: string, name: string, input: JsonObject, later: string[] = []): object {
  return { path, action: name, input, later, hash: `sha256:${sha(path)}` };
}

function gateRows(now: number): object[] {
  return [
    gateRow('patch', 'cutover', now, {
      message: 'Approve the cut-over of the web tier?',
      require: 2,
      reason: 'required',
      approvers: ['local', 'maria', 'petra', 'jonas'],
      expires_at: new Date(now + 11.2 * MINUTE).toISOString(),
      binds: [
        bind('shift', 'edge.config.apply', {
          host: 'edge-1',
          site: 'shop',
          upstreams: ['web-17:8443', 'web-19:8443'],
          health_interval: '5s',
        }),
        bind('restart', 'service.restart', {
          host: 'lb-1',
          argv: ['systemctl', 'restart', 'caddy.service'],
          note: 'CVE-2026-3381 ok\u202egnp.sh',
        }),
        bind('verify', 'http.call', { url: 'https://shop.example.test/health', method: 'GET' }),
      ],
    }),
    gateRow('triage', 'fix', now, {
      message: 'Free the disk of shop-3?',
      opened_at: at(now, 40 * MINUTE),
      expires_at: new Date(now + 3.7 * HOUR).toISOString(),
      binds: [bind('apply', 'ssh.exec', { host: 'shop-3', argv: ['journalctl', '--vacuum-size=500M'] }, ['command'])],
    }),
    gateRow('lost', 'apply', now, {
      purpose: 'recovery',
      message: null,
      opened_at: at(now, 24 * MINUTE),
      binds: [bind('apply', 'service.restart', { host: 'lb-2', argv: ['systemctl', 'restart', 'envoy.service'] })],
    }),
    gateRow('past-3', 'fix', now, {
      message: HOSTILE,
      status: 'approved',
      opened_at: at(now, 53 * MINUTE),
      closed_at: at(now, 52 * MINUTE),
    }),
    gateRow('past-7', 'fix', now, {
      message: 'Restart the queue?',
      status: 'rejected',
      opened_at: at(now, 97 * MINUTE),
      closed_at: at(now, 95 * MINUTE),
    }),
    gateRow('past-11', 'fix', now, {
      message: 'Rotate the edge tokens?',
      status: 'expired',
      opened_at: at(now, 3 * HOUR),
      expires_at: at(now, 2.2 * HOUR),
      closed_at: at(now, 2.2 * HOUR),
    }),
  ];
}

function decision(run: string, actor: string, kind: string, now: number, agoMs: number, reason: string | null): object {
  return {
    decision_id: seededId(`decision/${run}/${actor}`),
    gate_id: seededId(`gate/${run}`),
    run_id: seededId(run),
    decision: kind,
    actor,
    reason,
    source: 'api',
    status: 'applied',
    created_at: at(now, agoMs),
    settled_at: at(now, agoMs - 40),
  };
}

function decisionRows(now: number): object[] {
  return [
    decision('patch', 'jonas', 'approve', now, 5 * MINUTE, 'Soak test is clean.'),
    decision('past-3', 'petra', 'approve', now, 52 * MINUTE, HOSTILE),
    decision('past-7', 'jonas', 'reject', now, 95 * MINUTE, 'Not before the release.'),
  ];
}

function eventsOf(now: number): object[] {
  const event = (key: string, name: string, agoMs: number, data: JsonObject) => ({
    event_id: seededId(key),
    event_name: name,
    occurred_at: at(now, agoMs),
    env_id: 'env-1',
    actor: 'checkmk',
    correlation_id: `cor-${key}`,
    data,
    cause_depth: 0,
    matched_at: at(now, agoMs - 20),
    dispatched_at: at(now, agoMs - 30),
    layer: 'operator',
    owner_org_id: 'local',
  });
  return [
    event('alert-web', 'checkmk.alert', 19.1 * MINUTE, { host: 'web-17', service: 'packages', state: 'CRIT' }),
    event('alert-hostile', 'checkmk.alert', 5 * HOUR, { host: HOSTILE, service: HOSTILE }),
    ...Array.from({ length: 60 }, (_, n) =>
      event(`push-${n}`, 'git.push', n * 7 * MINUTE, { ref: 'refs/heads/main', commit: sha(`c${n}`).slice(0, 40) }),
    ),
  ].sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1));
}
