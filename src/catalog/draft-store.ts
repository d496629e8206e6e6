import { randomUUID } from 'node:crypto';
import type { DraftDto, DraftKind, DraftRevisionDto, DraftStatus, DraftTestCounts } from '../domain/drafts.js';
import type { Database } from './database.js';
import { Prisma } from './generated/client.js';
import type { draft_revisionModel } from './generated/models/draft_revision.js';
import type { draftModel } from './generated/models/draft.js';

export interface DraftFilter {
  status?: DraftStatus;
  kind?: DraftKind;
  /** Part of the name or of the blueprint's id, in any case. */
  q?: string;
}

/** Keyset of the listing: the last draft shown. */
export interface DraftCursor {
  updated_at: string;
  draft_id: string;
}

/** A draft that is locked until the transaction ends. */
export interface LockedDraft {
  draft_id: string;
  kind: DraftKind;
  name: string;
  trigger_event_type: string;
  status: DraftStatus;
  /** 0: it is new. */
  revision: number;
  blueprint_id: string | null;
  base_version: number | null;
}

/** What a change leaves on the draft itself. */
export interface DraftChange {
  draft_id: string;
  trigger_event_type: string;
  blueprint_id: string | null;
  base_version: number | null;
  by: string;
}

export interface NewRevision extends DraftChange {
  revision: number;
  definition_artifact_id: string;
  definition_sha256: string;
  notes: string | null;
  source_run_id: string | null;
}

interface DraftRow extends Omit<draftModel, 'layer' | 'owner_org_id'> {
  is_valid: boolean | null;
  notes: string | null;
  source_run_id: string | null;
}

/** A revision with its draft. */
interface CurrentRow extends draft_revisionModel {
  name: string;
  draft_type: string;
  trigger_event_type: string;
  status: string;
  blueprint_id: string | null;
  base_version: number | null;
  draft_created_at: Date;
  draft_created_by: string;
  updated_at: Date;
  updated_by: string;
}

/** A tested revision, and where the text of its scenarios and their outcome lie. */
export interface TestedRow {
  draft_id: string;
  name: string;
  revision: number;
  promoted_version: number | null;
  tested_at: Date;
  scenarios_sha256: string;
  scenarios_bytes: bigint | number;
  report_sha256: string;
  report_bytes: bigint | number;
}

/** Drafts and their revisions. Definitions lie in artifacts and are never replaced. */
export class DraftStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** A draft with its newest revision. */
  async current(draftId: string): Promise<{ draft: DraftDto; newest: DraftRevisionDto } | undefined> {
    const [row] = await this.#db.$queryRaw<CurrentRow[]>`
      SELECT r.*, d.name, d.draft_type, d.trigger_event_type, d.status, d.blueprint_id, d.base_version,
        d.created_at AS draft_created_at, d.created_by AS draft_created_by, d.updated_at, d.updated_by
      FROM drafts d JOIN draft_revisions r ON r.draft_id = d.draft_id AND r.revision = d.revision
      WHERE d.draft_id = ${draftId}::uuid`;
    if (row === undefined) return undefined;
    const { name, draft_type, trigger_event_type, status, blueprint_id, base_version, ...rest } = row;
    const { draft_created_at: created_at, draft_created_by: created_by, updated_at, updated_by, ...newest } = rest;
    const ofDraft = { name, draft_type, trigger_event_type, status, blueprint_id, base_version };
    const times = { created_at, created_by, updated_at, updated_by };
    return { draft: draftDto({ ...newest, ...ofDraft, ...times }), newest: revisionDto(newest) };
  }

  /** Last changed first. */
  async list({ status, kind, q }: DraftFilter, limit: number, cursor?: DraftCursor): Promise<DraftDto[]> {
    const part = q?.toLowerCase();
    const conditions = [
      Prisma.sql`true`,
      ...(status === undefined ? [] : [Prisma.sql`d.status = ${status}`]),
      ...(kind === undefined ? [] : [Prisma.sql`d.draft_type = ${kind}`]),
      ...(part === undefined
        ? []
        : [
            Prisma.sql`(position(${part} IN lower(d.name)) > 0 OR position(${part} IN lower(coalesce(d.blueprint_id, ''))) > 0)`,
          ]),
      ...(cursor === undefined
        ? []
        : [
            Prisma.sql`d.updated_at <= ${cursor.updated_at}::timestamptz`,
            Prisma.sql`(d.updated_at < ${cursor.updated_at}::timestamptz OR d.draft_id > ${cursor.draft_id}::uuid)`,
          ]),
    ];
    const rows = await this.#db.$queryRaw<DraftRow[]>`
      SELECT d.*, r.is_valid, r.notes, r.source_run_id FROM drafts d
      JOIN draft_revisions r ON r.draft_id = d.draft_id AND r.revision = d.revision
      WHERE ${Prisma.join(conditions, ' AND ')}
      ORDER BY d.updated_at DESC, d.draft_id LIMIT ${limit}`;
    return rows.map(draftDto);
  }

  /** Newest first, below a revision where one is given. */
  async revisions(draftId: string, limit: number, below?: number): Promise<DraftRevisionDto[]> {
    const rows = await this.#db.draft_revision.findMany({
      where: { draft_id: draftId, ...(below === undefined ? {} : { revision: { lt: below } }) },
      orderBy: { revision: 'desc' },
      take: limit,
    });
    return rows.map(revisionDto);
  }

  async revision(draftId: string, revision: number): Promise<DraftRevisionDto | undefined> {
    const where = { draft_id_revision: { draft_id: draftId, revision } };
    const row = await this.#db.draft_revision.findUnique({ where });
    return row === null ? undefined : revisionDto(row);
  }

  async lock(draftId: string): Promise<LockedDraft | undefined> {
    const rows = await this.#db.$queryRaw<draftModel[]>`
      SELECT * FROM drafts WHERE draft_id = ${draftId}::uuid FOR UPDATE`;
    return rows[0] && lockedDraft(rows[0]);
  }

  /** The draft of a name, made when there is none. Its first revision must follow in the same transaction. */
  async lockNamed(kind: DraftKind, name: string, by: string): Promise<LockedDraft> {
    const rows = await this.#db.$queryRaw<[draftModel]>`
      INSERT INTO drafts (draft_id, draft_type, name, trigger_event_type, created_by, updated_by)
      VALUES (${randomUUID()}::uuid, ${kind}, ${name}, '', ${by}, ${by})
      ON CONFLICT (draft_type, name) DO UPDATE SET name = EXCLUDED.name RETURNING *`;
    return lockedDraft(rows[0]);
  }

  /** The newest revision that a run made; null: it made none. */
  async newestOfRun(draftId: string, runId: string): Promise<number | null> {
    const rows = await this.#db.$queryRaw<[{ revision: number | null }]>`
      SELECT max(r.revision) AS revision FROM draft_revisions r
      JOIN artifacts a ON a.artifact_id = r.definition_artifact_id
      WHERE r.draft_id = ${draftId}::uuid AND a.run_id = ${runId}::uuid`;
    return rows[0].revision;
  }

  /** Adds a revision, which becomes the newest one. */
  async addRevision(row: NewRevision): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO draft_revisions (draft_id, revision, definition_artifact_id, definition_sha256, notes, source_run_id,
        created_by)
      VALUES (${row.draft_id}::uuid, ${row.revision}, ${row.definition_artifact_id}::uuid, ${row.definition_sha256},
        ${row.notes}, ${row.source_run_id}::uuid, ${row.by})`;
    await this.#db.$executeRaw`
      UPDATE drafts SET revision = ${row.revision}, status = 'draft' WHERE draft_id = ${row.draft_id}::uuid`;
    await this.change(row);
  }

  async change({
    draft_id: id,
    trigger_event_type: event,
    blueprint_id,
    base_version,
    by,
  }: DraftChange): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE drafts SET trigger_event_type = ${event}, blueprint_id = ${blueprint_id}, base_version = ${base_version},
        updated_at = now(), updated_by = ${by}
      WHERE draft_id = ${id}::uuid`;
  }

  /** Keeps what the compiler said about the newest revision, unless that is promoted. */
  async markValidated(mark: {
    draft_id: string;
    revision: number;
    is_valid: boolean;
    report_artifact_id: string;
    by: string;
  }): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE draft_revisions SET validated_at = now(), is_valid = ${mark.is_valid},
        report_artifact_id = ${mark.report_artifact_id}::uuid
      WHERE draft_id = ${mark.draft_id}::uuid AND revision = ${mark.revision} AND promoted_at IS NULL`;
    await this.#setStatus(mark.draft_id, mark.is_valid ? 'validated' : 'draft', mark.by);
  }

  /** Keeps how the scenarios of a revision went, unless that is promoted. */
  async markTested(draftId: string, revision: number, tests: DraftTestCounts): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE draft_revisions SET tested_at = now(), tests = ${JSON.stringify(tests)}::jsonb
      WHERE draft_id = ${draftId}::uuid AND revision = ${revision} AND promoted_at IS NULL`;
  }

  /** The newest tested revision of a draft, or of a blueprint; of that rather the one that became the version, if there is one. */
  async lastTested(
    of: { draftId: string } | { blueprintId: string; version: number | null },
  ): Promise<TestedRow | undefined> {
    const [condition, version] =
      'draftId' in of
        ? [Prisma.sql`d.draft_id = ${of.draftId}::uuid`, null]
        : [Prisma.sql`d.blueprint_id = ${of.blueprintId}`, of.version];
    const rows = await this.#db.$queryRaw<TestedRow[]>`
      SELECT d.draft_id, d.name, r.revision, r.promoted_version, r.tested_at, s.sha256 AS scenarios_sha256,
        s.byte_length AS scenarios_bytes, p.sha256 AS report_sha256, p.byte_length AS report_bytes
      FROM drafts d
      JOIN draft_revisions r ON r.draft_id = d.draft_id AND r.tests IS NOT NULL
      JOIN artifacts s ON s.artifact_id = (r.tests->>'scenarios_artifact_id')::uuid
      JOIN artifacts p ON p.artifact_id = (r.tests->>'report_artifact_id')::uuid
      WHERE ${condition}
      ORDER BY r.promoted_version IS NOT DISTINCT FROM ${version}::int AND ${version}::int IS NOT NULL DESC,
        r.tested_at DESC, r.revision DESC LIMIT 1`;
    return rows[0];
  }

  /** Freezes the newest revision; the next work on the draft begins with its version. */
  async markPromoted(mark: { draft_id: string; revision: number; version: number; by: string }): Promise<Date> {
    const rows = await this.#db.$queryRaw<[{ promoted_at: Date }]>`
      UPDATE draft_revisions SET promoted_at = now(), promoted_version = ${mark.version}
      WHERE draft_id = ${mark.draft_id}::uuid AND revision = ${mark.revision} AND promoted_at IS NULL RETURNING promoted_at`;
    await this.#setStatus(mark.draft_id, 'promoted', mark.by);
    await this.#db.$executeRaw`
      UPDATE drafts SET base_version = ${mark.version} WHERE draft_id = ${mark.draft_id}::uuid`;
    return rows[0].promoted_at;
  }

  async #setStatus(draftId: string, status: DraftStatus, by: string): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE drafts SET status = ${status}, updated_at = now(), updated_by = ${by} WHERE draft_id = ${draftId}::uuid`;
  }
}

function lockedDraft(row: draftModel): LockedDraft {
  const { draft_id, name, trigger_event_type, revision, blueprint_id, base_version } = row;
  const kind = row.draft_type as DraftKind;
  const status = row.status as DraftStatus;
  return { draft_id, kind, name, trigger_event_type, status, revision, blueprint_id, base_version };
}

function draftDto(row: DraftRow): DraftDto {
  const { trigger_event_type, notes, source_run_id } = row;
  return {
    draft_id: row.draft_id,
    name: row.name,
    kind: row.draft_type as DraftKind,
    status: row.status as DraftStatus,
    revision: row.revision,
    blueprint_id: row.blueprint_id,
    base_version: row.base_version,
    is_valid: row.is_valid,
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    updated_at: row.updated_at.toISOString(),
    updated_by: row.updated_by,
    content: { trigger_event_type, notes, source_run_id },
  };
}

function revisionDto(row: draft_revisionModel): DraftRevisionDto {
  const { draft_id: _draft, created_at, validated_at, tested_at, promoted_at, tests, ...rest } = row;
  return {
    ...rest,
    created_at: created_at.toISOString(),
    validated_at: validated_at?.toISOString() ?? null,
    tested_at: tested_at?.toISOString() ?? null,
    tests: tests as unknown as DraftTestCounts | null,
    promoted_at: promoted_at?.toISOString() ?? null,
  };
}
