import type { ArtifactDto } from '../domain/dtos.js';
import type { JsonObject } from '../domain/json.js';
import { engineEventIdOf } from '../domain/ids.js';
import type { Database } from './database.js';
import { byOwnIndex } from './own-index.js';
import type { artifactModel } from './generated/models/artifact.js';

export interface ArtifactFilter {
  run_id?: string;
  kind?: string;
}

/** Keyset of the listing: the last artifact shown. */
export interface ArtifactCursor {
  created_at: string;
  artifact_id: string;
}

/** A new artifact; its bytes are in the store already. */
export interface NewArtifact extends Omit<ArtifactDto, 'created_at'> {
  byte_length: number;
  sha256: string;
  env_id: string;
  correlation_id: string;
}

/** What is known about artifacts; their bytes lie elsewhere. */
export class ArtifactRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Inserts an artifact and its event; a known id changes nothing.
   * @returns whether it was new.
   */
  async insert(row: NewArtifact): Promise<boolean> {
    const event = {
      ...row,
      correlation: row.correlation_id,
      event_id: engineEventIdOf(row.artifact_id, 'xyn.artifact.attached', ''),
      event_name: 'xyn.artifact.attached',
      resource: { type: 'artifact', id: row.artifact_id },
      data: { name: row.name, kind: row.kind, content_type: row.content_type, byte_length: row.byte_length },
    };
    // The event of a run's artifact is as deep in its chain of causes as the run's other events.
    const count = await this.#db.$executeRaw`
      WITH given AS (
        SELECT i.*, coalesce(r.layer, 'operator') AS layer, coalesce(r.owner_org_id, 'local') AS owner_org_id,
          coalesce(r.cause_depth + 1, 0) AS cause_depth, coalesce(r.correlation_id, i.correlation) AS correlation_id
        FROM jsonb_to_record(${JSON.stringify(event)}::jsonb) AS i(artifact_id uuid, name text, kind text, content_type text,
          byte_length bigint, sha256 text, created_by text, run_id uuid, step_id uuid, metadata jsonb, env_id text,
          correlation text, event_id uuid, event_name text, resource jsonb, data jsonb)
        LEFT JOIN runs r ON r.run_id = i.run_id
      ),
      added AS (
        INSERT INTO artifacts (artifact_id, name, kind, content_type, byte_length, sha256, created_by, run_id, step_id,
          metadata, layer, owner_org_id)
        SELECT artifact_id, name, kind, content_type, byte_length, sha256, created_by, run_id, step_id, metadata, layer,
          owner_org_id FROM given
        ON CONFLICT (artifact_id) DO NOTHING RETURNING artifact_id
      )
      INSERT INTO events (event_id, event_name, occurred_at, env_id, actor, correlation_id, run_id, step_id, resource, data,
        cause_depth, layer, owner_org_id)
      SELECT g.event_id, g.event_name, now(), g.env_id, g.created_by, g.correlation_id, g.run_id, g.step_id, g.resource,
        CASE WHEN r.run_id IS NULL THEN g.data ELSE g.data || jsonb_build_object('blueprint_id', r.blueprint_id) END, g.cause_depth, g.layer, g.owner_org_id
      FROM given g JOIN added USING (artifact_id) LEFT JOIN runs r ON r.run_id = g.run_id`;
    return count > 0;
  }

  async get(artifactId: string): Promise<ArtifactDto | undefined> {
    const row = await this.#db.artifact.findUnique({ where: { artifact_id: artifactId } });
    return row === null ? undefined : artifactDto(row);
  }

  /** Newest first. */
  async list(filter: ArtifactFilter, limit: number, cursor?: ArtifactCursor): Promise<ArtifactDto[]> {
    const before = cursor && {
      OR: [
        { created_at: { lt: new Date(cursor.created_at) } },
        { created_at: new Date(cursor.created_at), artifact_id: { gt: cursor.artifact_id } },
      ],
      // Repeats what `OR` says in a form that the index can start from.
      created_at: { lte: new Date(cursor.created_at) },
    };
    const own = byOwnIndex({ ...filter }, 'asc', cursor === undefined);
    const rows = await this.#db.artifact.findMany({
      where: { ...own.where, ...before },
      orderBy: [...own.orderBy, { created_at: 'desc' }, { artifact_id: 'asc' }],
      take: limit,
    });
    return rows.map(artifactDto);
  }
}

function artifactDto(row: artifactModel): ArtifactDto {
  return {
    artifact_id: row.artifact_id,
    name: row.name,
    kind: row.kind,
    content_type: row.content_type,
    byte_length: row.byte_length === null ? null : Number(row.byte_length),
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    run_id: row.run_id,
    step_id: row.step_id,
    sha256: row.sha256,
    metadata: row.metadata as JsonObject,
  };
}
