import type { Catalog } from '../../../src/catalog/connect.js';
import type { Plan, PlanNode } from '../../../src/domain/plan.js';
import { sha256Hex } from '../../../src/domain/hash.js';
import { planDigest } from '../../../src/domain/plan-digest.js';
import { buildTree } from '../../../src/ui/graph/build-tree.js';
import { stopsOf } from '../../../src/ui/graph/tree.js';
import { act, ask, choose, forEach, longPlan, parallel, sketchPlan, think } from './graph-plans.js';
import { HOSTILE, seededId } from './seed.js';

const MINUTE = 60_000;
const SECOND = 1_000;

/** A step of a sample: `[path, status, started after ms, took ms]` and what else its row has. */
type Row = [path: string, status: string, afterMs: number, tookMs: number | null, more?: Record<string, unknown>];

interface Sample {
  key: string;
  name: string;
  plan: Plan;
  status: string;
  agoMs: number;
  rows: Row[];
  error?: object;
}

const named = (plan: Plan, id: string): Plan => {
  const whole = { ...plan, id, digest: '', source: `sha256:${sha256Hex(id)}` };
  return { ...whole, digest: planDigest(whole) };
};

const PATCH = named(
  sketchPlan([
    think('plan_scope', 'Plan scope'),
    parallel('prepare', {
      a: [act('snapshot_db', 'Snapshot DB', 'backup.postgres.dump')],
      b: [act('drain_cdn', 'Drain CDN', 'edge.config.apply')],
      c: [act('mirror_pkgs', 'Mirror packages', 'container.exec')],
    }),
    act('canary', 'Canary', 'ssh.run'),
    choose('canary_healthy', {
      healthy: [forEach('patch_hosts', [act('apply', 'Apply', 'os.packages.upgrade')], 40)],
      default: [act('rollback', 'Roll back canary', 'ssh.run')],
    }),
    parallel('cutover', {
      a: [
        ask('approve_cutover', 'Approve cut-over'),
        parallel('shift', {
          a: [act('shift_traffic', 'Shift traffic', 'edge.config.apply')],
          b: [act('dns_weights', 'DNS weights', 'dns.record.upsert')],
        }),
        act('restart_lb', 'Restart load balancer', 'service.restart'),
      ],
      b: [act('soak', 'Soak test', 'http.call')],
    }),
    think('report', 'Report'),
  ]),
  'rolling_patch',
);

const items = Array.from({ length: 40 }, (_, index): Row => {
  const failed = index === 17;
  const more = failed
    ? { error: { code: 'health_check_failed', message: '502 after 3 tries' }, attempts: 3, inputs: { host: 'web-18' } }
    : {};
  return [
    `canary_healthy:healthy.patch_hosts[${index}].apply`,
    failed ? 'failed' : 'completed',
    (146 + 10 * index) * SECOND,
    53 * SECOND,
    more,
  ];
});

const PATCH_ROWS: Row[] = [
  ['plan_scope', 'completed', 0, 9 * SECOND],
  ['prepare', 'completed', 9 * SECOND, 72 * SECOND],
  ['prepare:a.snapshot_db', 'completed', 9 * SECOND, 72 * SECOND],
  ['prepare:b.drain_cdn', 'completed', 9 * SECOND, 4 * SECOND],
  ['prepare:c.mirror_pkgs', 'completed', 9 * SECOND, 41 * SECOND, { attempts: 2 }],
  ['canary', 'completed', 82 * SECOND, 54 * SECOND],
  ['canary_healthy', 'completed', 137 * SECOND, 501 * SECOND, { kind: 'switch', outputs: { case: 'healthy' } }],
  [
    'canary_healthy:healthy.patch_hosts',
    'completed',
    137 * SECOND,
    501 * SECOND,
    { kind: 'for_each', outputs: { count: 40 } },
  ],
  ...items,
  ['canary_healthy:healthy.patch_hosts[17].apply~undo[0]', 'completed', 370 * SECOND, 33 * SECOND],
  ['canary_healthy:default.rollback', 'skipped', 0, null, { skip_reason: 'not_selected' }],
  ['cutover:a.approve_cutover', 'running', 641 * SECOND, null, { kind: 'gate' }],
  ['cutover:b.soak', 'running', 642 * SECOND, null],
];

const LONG = named(longPlan(200), 'restore_proof');

function longRows(): Row[] {
  const stops = [...stopsOf(buildTree(LONG))].filter(({ type }) => type === 'leaf');
  return stops.slice(0, 100).map(({ path }, index): Row => {
    if (path.endsWith('no.s')) return [path, 'skipped', 0, null, { skip_reason: 'not_selected' }];
    const status = index === 99 ? 'running' : index === 60 ? 'failed' : 'completed';
    return [
      path,
      status,
      index * 40 * SECOND,
      status === 'running' ? null : 38 * SECOND,
      status === 'failed' ? { handled: true, error: { code: 'exit_code', message: 'It ended with 3.' } } : {},
    ];
  });
}

const SAMPLES: Sample[] = [
  {
    key: 'sample-patch',
    name: 'Patch web tier for CVE-2026-4117',
    plan: PATCH,
    status: 'running',
    agoMs: 1_178 * SECOND,
    rows: PATCH_ROWS,
  },
  {
    key: 'sample-long',
    name: 'Quarterly restore proof, all databases',
    plan: LONG,
    status: 'running',
    agoMs: 4_000 * SECOND,
    rows: longRows(),
  },
  {
    key: 'sample-hostile',
    name: HOSTILE,
    plan: named(sketchPlan([act('a', HOSTILE), act('b', 'Never reached')]), 'hostile'),
    status: 'failed',
    agoMs: 60 * MINUTE,
    rows: [
      ['a', 'failed', 0, 4 * SECOND, { error: { code: 'exit_code', message: HOSTILE }, outputs: { text: HOSTILE } }],
      ['b', 'skipped', 0, null, { skip_reason: 'not_reached' }],
    ],
    error: { code: 'exit_code', message: HOSTILE, path: 'a', step: 'a' },
  },
  ...Array.from({ length: 6 }, (_, index): Sample => ({
    key: `sample-earlier-${index}`,
    name: 'Patch web tier',
    plan: PATCH,
    status: 'completed',
    agoMs: (30 + 24 * 60 * index) * MINUTE,
    rows: PATCH.nodes
      .filter(({ kind }) => kind !== 'gate')
      .map(({ id, kind }): Row => [id, 'completed', 0, usualOf(id), { kind }]),
  })),
];

function usualOf(id: string): number {
  return ({ shift_traffic: 30, dns_weights: 60, restart_lb: 4, report: 12, soak: 600 }[id] ?? 20) * SECOND;
}

/** The id of a sample run. */
export function sampleRun(name: 'patch' | 'long' | 'hostile'): string {
  return seededId(`sample-${name}`);
}

/** Runs with all kinds of holders, for the run's page. */
export async function seedRunSamples({ pool }: Catalog): Promise<void> {
  const now = Date.now();
  const insert = async (table: string, rows: object[]): Promise<void> => {
    const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].join(', ');
    await pool.query(
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
      [JSON.stringify(rows)],
    );
  };
  const plans = new Map(SAMPLES.map(({ plan }) => [plan.id, plan]));
  const time = (ms: number): string => new Date(ms).toISOString();
  await insert(
    'blueprints',
    [...plans.keys()].map((id) => ({
      blueprint_id: id,
      name: id,
      active_version: 1,
      enabled: true,
      created_at: time(now),
      updated_at: time(now),
      layer: 'operator',
      owner_org_id: 'local',
    })),
  );
  await insert(
    'blueprint_versions',
    [...plans.values()].map((plan) => ({
      blueprint_id: plan.id,
      version: 1,
      digest: plan.digest,
      source: 'x',
      plan,
      debug: {},
      created_at: time(now),
      created_by: 'maria',
    })),
  );
  const isOver = (status: string): boolean => status !== 'running';
  await insert(
    'runs',
    SAMPLES.map(({ key, name, plan, status, agoMs, error }) => ({
      run_id: seededId(key),
      name,
      blueprint_id: plan.id,
      blueprint_version: 1,
      digest: plan.digest,
      status,
      trigger: 'manual',
      event_id: null,
      inputs: {
        advisory: 'CVE-2026-4117',
        pool: 'web',
        batch: 8,
        token: { secret: 'prod/edge/token' },
        note: key === 'sample-hostile' ? HOSTILE : 'none',
      },
      outputs: null,
      error: error ?? null,
      actor: 'maria',
      correlation_id: key,
      env_id: 'env-1',
      env: {},
      priority: 0,
      cause_depth: 0,
      created_at: time(now - agoMs),
      dispatched_at: time(now - agoMs),
      started_at: time(now - agoMs),
      completed_at: isOver(status) ? time(now - agoMs + 1_440 * SECOND) : null,
      seq: 1,
      last_progress_at: time(now),
      needs_repair: false,
      layer: 'operator',
      owner_org_id: 'local',
    })),
  );
  await insert(
    'steps',
    SAMPLES.flatMap(({ key, plan, agoMs, rows }) =>
      rows.map((row, seq) => stepRow(key, plan.nodes, now - agoMs, row, seq)),
    ),
  );
  await insert(
    'step_attempts',
    [
      [1, 'failed', 9, 20],
      [2, 'completed', 26, 50],
    ].map(([attempt, status, from, to]) => ({
      step_id: seededId('sample-patch/prepare:c.mirror_pkgs'),
      attempt,
      run_id: sampleRun('patch'),
      status,
      worker: 'host-1/4711',
      pack: 'core',
      error: null,
      started_at: time(now - 1_178 * SECOND + Number(from) * SECOND),
      ended_at: time(now - 1_178 * SECOND + Number(to) * SECOND),
    })),
  );
  await insert('gates', [
    {
      gate_id: seededId('sample-gate'),
      run_id: sampleRun('patch'),
      step_id: seededId('sample-patch/cutover:a.approve_cutover'),
      path: 'cutover:a.approve_cutover',
      purpose: 'approval',
      message: 'Cut over?',
      approvers: [],
      require: 2,
      reject: 1,
      reason: 'required',
      status: 'open',
      digest: null,
      binds: [],
      seq: 9,
      opened_at: time(now - 537 * SECOND),
      expires_at: time(now + 672 * SECOND),
    },
  ]);
  await insert('gate_decisions', [
    {
      decision_id: seededId('sample-decision'),
      gate_id: seededId('sample-gate'),
      run_id: sampleRun('patch'),
      decision: 'approve',
      actor: 'jonas',
      source: 'ui',
      status: 'applied',
      created_at: time(now - 300 * SECOND),
    },
  ]);
}

function stepRow(
  key: string,
  nodes: readonly PlanNode[],
  start: number,
  [path, status, after, took, more = {}]: Row,
  seq: number,
): object {
  const id = /[a-z0-9_]+$/.exec(path.replace(/~.*$/, ''))?.[0] ?? path;
  const node = nodes.find((one) => one.id === id);
  return {
    step_id: seededId(`${key}/${path}`),
    run_id: seededId(key),
    path,
    node_id: id,
    kind: node?.kind ?? 'action_task',
    name: node?.name ?? id,
    status,
    skip_reason: null,
    handled: false,
    seq: seq + 1,
    attempts: 1,
    inputs: { host: 'web-01' },
    outputs: status === 'completed' ? { ok: true } : null,
    error: null,
    started_at: status === 'skipped' ? null : new Date(start + after).toISOString(),
    completed_at: took === null ? null : new Date(start + after + took).toISOString(),
    ...more,
  };
}
