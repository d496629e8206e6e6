import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { LocalArtifactStore } from '../../../src/artifacts/local-store.js';
import { auditChain } from '../../../src/catalog/audit-chain.js';
import { appendAudit, auditLog, type AuditEntry } from '../../../src/catalog/audit.js';
import { AuditOverviewStore } from '../../../src/catalog/audit-overview.js';
import { listenTo } from '../../../src/catalog/channel-listener.js';
import type { CatalogAccess } from '../../../src/catalog/unit-of-work.js';
import { ArtifactService } from '../../../src/services/artifacts.js';
import { AuditChainer } from '../../../src/services/audit-chainer.js';
import { AuditHeads } from '../../../src/services/audit-heads.js';
import { AuditTrail } from '../../../src/services/audit-trail.js';
import type { TestDatabase } from '../../support/database.js';
import { silentLog } from '../../support/node.js';
import { until } from '../../support/until.js';
import { HOSTILE, seededId } from './seed.js';

/** The audit trail and the artifacts behind the screens: both as in production, in a folder of their own. */
export interface Proof {
  audit: AuditTrail;
  artifacts: ArtifactService;
  store: LocalArtifactStore;
  /** Where the bytes of artifacts lie. */
  artifactDir: string;
  /** Links all entries that there are, and signs. */
  link(): Promise<void>;
  close(): Promise<void>;
}

export async function startProof({ catalog }: TestDatabase, access: CatalogAccess): Promise<Proof> {
  const dir = await mkdtemp(path.join(tmpdir(), 'xyn-screens-'));
  const heads = await AuditHeads.open(path.join(dir, 'audit'));
  const chain = auditChain(catalog);
  const artifactDir = path.join(dir, 'artifacts');
  const store = await LocalArtifactStore.open({ dir: artifactDir });
  return {
    audit: new AuditTrail({
      log: auditLog(catalog),
      store: new AuditOverviewStore(catalog),
      chain,
      heads,
      clock: Date.now,
    }),
    artifacts: new ArtifactService({ catalog: access, store, envId: 'env-1' }),
    store,
    artifactDir,
    async link() {
      const listen = (onNotice: () => void) =>
        listenTo({ connection: catalog.pool.options, channel: 'xyn_audit', onNotice });
      const chainer = new AuditChainer({ chain, heads, log: silentLog, clock: Date.now, listen });
      chainer.start();
      await until('all is linked', async () => {
        const { rows } = await catalog.pool.query('SELECT 1 FROM audit_pending LIMIT 1');
        return rows.length === 0;
      }).finally(() => chainer.stop());
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

/** An image of one dark pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const MINUTE = 60_000;

/** Fills trail, artifacts and footprints as a few weeks of work would. */
export async function seedProof({ catalog }: TestDatabase, proof: Proof): Promise<void> {
  // Artifacts have entries of their own, after those that tests count.
  await appendAudit(catalog.prisma, entries());
  await Promise.all([proof.link(), seedFootprints(catalog)]);
  await seedArtifacts(proof);
}

async function seedFootprints({ pool }: TestDatabase['catalog']): Promise<void> {
  await pool.query(
    `INSERT INTO footprints (recorded_at, source_kind, source_ref, metric, run_id, step_id, quantity, unit, dims_json)
     SELECT date_trunc('day', now()) - d * interval '1 day' + interval '1 min', 'step', r.run_id || '/' || d, m.metric, r.run_id, NULL,
       m.base * (1 + (d * 7 + length(r.name)) % 5), m.unit, m.dims::jsonb
     FROM generate_series(0, 29) d,
       (SELECT run_id, name FROM runs WHERE run_id = ANY($1::uuid[])) r,
       (VALUES ('run.count', 3, 'count', '{"status":"completed"}'), ('step.count', 12, 'count', '{"action":"ssh.exec"}'),
         ('wall_ms', 90000, 'ms', '{"action":"ssh.exec"}'), ('tokens_in', 8200, 'tokens', '{"provider":"local","model":"qwen3-8b"}'),
         ('tokens_out', 900, 'tokens', '{"provider":"local","model":"qwen3-8b"}'),
         ('request_count', 4, 'count', '{"provider":"local","model":"qwen3-8b"}')) m(metric, base, unit, dims)
     WHERE m.unit <> 'tokens' OR r.run_id <> $1[1]`,
    [['patch', 'build-91', 'backup-crm', 'hostile'].map(seededId)],
  );
}

function entries(): AuditEntry[] {
  const now = Date.now();
  const actions = ['event.emit', 'run.create', 'step.effect', 'gate.open', 'gate.decide', 'run.end'];
  const people = ['maria', 'jonas', 'service:checkmk', 'agent:triage', 'petra'];
  const plain = Array.from({ length: 130 }, (_, n): AuditEntry => {
    const action = actions[n % actions.length] ?? 'run.end';
    return {
      key: `seed/${n}`,
      at: new Date(now - (140 - n) * 7 * MINUTE),
      actor: people[n % people.length] ?? 'maria',
      action,
      resource_type: action.split('.')[0] ?? 'run',
      resource_id: seededId(`past-${n}`),
      run_id: seededId(`past-${n % 100}`),
      correlation_id: `cor-${n}`,
      env_id: 'env-1',
      ...(action === 'gate.decide' ? { reason: 'Looked at web-18, fine to leave out' } : {}),
      after: { status: 'completed', attempt: 1 },
    };
  });
  return [
    ...plain,
    {
      key: 'seed/hostile',
      at: new Date(now - 20 * MINUTE),
      actor: HOSTILE,
      action: 'run.cancel',
      resource_type: 'run',
      resource_id: HOSTILE,
      reason: HOSTILE,
      before: { status: 'running', note: HOSTILE },
      after: { status: 'cancelled', [HOSTILE]: HOSTILE },
      correlation_id: HOSTILE,
      env_id: 'env-1',
    },
    {
      key: 'seed/version',
      at: new Date(now - 4 * MINUTE),
      actor: 'petra',
      action: 'blueprint.activate',
      resource_type: 'blueprint',
      resource_id: 'bp.web.roll_patch',
      reason: 'The new mirror is up',
      before: { version: 2, digest: 'sha256:4c1f' },
      after: { version: 3, digest: 'sha256:9a7e' },
      env_id: 'env-1',
    },
  ];
}

async function seedArtifacts({ artifacts }: Proof): Promise<void> {
  const caller = { actor: 'petra', source: 'api', correlationId: 'cor-artifacts', proven: false } as const;
  const keep = (name: string, kind: string, type: string, bytes: Buffer, metadata = {}): Promise<unknown> =>
    artifacts.create(
      caller,
      {
        name,
        kind,
        content_type: type,
        byte_length: null,
        sha256: null,
        run_id: seededId('patch'),
        step_id: seededId('patch/patch'),
        metadata,
        idempotencyKey: name,
      },
      Readable.from([bytes]),
    );
  const log = Array.from({ length: 400 }, (_, n) =>
    JSON.stringify({
      at: new Date(n * 1_000).toISOString(),
      stream: 'stdout',
      text: n % 50 === 9 ? `error in line ${n}` : `line ${n}`,
    }),
  );
  await keep('notes.txt', 'file', 'text/plain; charset=utf-8', Buffer.from(`First line\n${HOSTILE}\nlast`));
  await keep(
    'facts.json',
    'report',
    'application/json',
    Buffer.from(JSON.stringify({ hosts: ['web-17'], note: HOSTILE })),
  );
  await keep(
    'page.html',
    'file',
    'text/html',
    Buffer.from(`<script>document.title='owned'</script><h1>Hi</h1>${HOSTILE}`),
  );
  await keep(
    'drawing.svg',
    'file',
    'image/svg+xml',
    Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
  );
  await keep('screen.png', 'report', 'image/png', Buffer.from(PNG, 'base64'));
  await keep('dump.bin', 'bundle', 'application/octet-stream', Buffer.alloc(5_000, 7));
  await keep('patch.log', 'log', 'application/x-ndjson', Buffer.from(`${log.join('\n')}\n`));
}
