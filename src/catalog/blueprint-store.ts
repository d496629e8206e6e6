import type {
  BlueprintDetailDto,
  BlueprintDto,
  BlueprintVersionDetailDto,
  BlueprintVersionDto,
} from '../domain/dtos.js';
import type { JsonObject } from '../domain/json.js';
import type { Plan } from '../domain/plan.js';
import { schedulePattern } from '../domain/schedule.js';
import type { blueprintModel } from './generated/models/blueprint.js';
import type { Database } from './database.js';

/** A version as runs use it. */
export interface StoredPlan {
  blueprint_id: string;
  version: number;
  digest: string;
  plan: Plan;
}

export interface NewVersion {
  version: number;
  source: string;
  plan: Plan;
  debug: JsonObject;
  created_by: string;
}

/** Blueprints, their immutable versions, and the triggers of the active ones. */
export class BlueprintStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async list(): Promise<BlueprintDto[]> {
    const rows = await this.#db.blueprint.findMany({ orderBy: { blueprint_id: 'asc' } });
    const digests = await this.#db.$queryRaw<{ blueprint_id: string; digest: string }[]>`
      SELECT v.blueprint_id, v.digest FROM blueprint_versions v
      JOIN blueprints b ON b.blueprint_id = v.blueprint_id AND b.active_version = v.version`;
    const byId = new Map(digests.map((row) => [row.blueprint_id, row.digest]));
    return rows.map((row) => blueprintDto(row, byId.get(row.blueprint_id) ?? null));
  }

  async get(blueprintId: string): Promise<BlueprintDetailDto | undefined> {
    const row = await this.#db.blueprint.findUnique({ where: { blueprint_id: blueprintId } });
    if (row === null) return undefined;
    const versions = await this.#db.blueprint_version.findMany({
      where: { blueprint_id: blueprintId },
      select: { version: true, digest: true, created_at: true, created_by: true },
      orderBy: { version: 'desc' },
    });
    const active = versions.find((one) => one.version === row.active_version);
    const stored =
      active &&
      (await this.#db.blueprint_version.findUnique({
        where: { blueprint_id_version: { blueprint_id: blueprintId, version: active.version } },
        select: { source: true },
      }));
    return {
      ...blueprintDto(row, active?.digest ?? null),
      source: stored?.source ?? null,
      versions: versions.map((one) => ({ ...one, created_at: one.created_at.toISOString() })),
    };
  }

  /** A version by its number; the plan as it is stored, its digest not checked. */
  async version(blueprintId: string, version: number): Promise<StoredPlan | undefined> {
    const row = await this.#db.blueprint_version.findUnique({
      where: { blueprint_id_version: { blueprint_id: blueprintId, version } },
      select: { digest: true, plan: true },
    });
    if (row === null) return undefined;
    return { blueprint_id: blueprintId, version, digest: row.digest, plan: row.plan as unknown as Plan };
  }

  /** Newest first, below a version where one is given. */
  async versions(blueprintId: string, limit: number, below?: number): Promise<BlueprintVersionDto[]> {
    const rows = await this.#db.blueprint_version.findMany({
      where: { blueprint_id: blueprintId, ...(below === undefined ? {} : { version: { lt: below } }) },
      select: { version: true, digest: true, created_at: true, created_by: true },
      orderBy: { version: 'desc' },
      take: limit,
    });
    return rows.map((row) => ({ ...row, created_at: row.created_at.toISOString() }));
  }

  /** A version with its source and plan. */
  async versionDetail(blueprintId: string, version: number): Promise<BlueprintVersionDetailDto | undefined> {
    const row = await this.#db.blueprint_version.findUnique({
      where: { blueprint_id_version: { blueprint_id: blueprintId, version } },
      omit: { debug: true },
    });
    if (row === null) return undefined;
    return { ...row, plan: row.plan as JsonObject, created_at: row.created_at.toISOString() };
  }

  /** Creates the blueprint when it is new, and locks it until the transaction ends. */
  async lock(blueprintId: string, name: string): Promise<{ active_version: number | null; enabled: boolean }> {
    const rows = await this.#db.$queryRaw<{ active_version: number | null; enabled: boolean }[]>`
      INSERT INTO blueprints (blueprint_id, name) VALUES (${blueprintId}, ${name})
      ON CONFLICT (blueprint_id) DO UPDATE SET name = EXCLUDED.name RETURNING active_version, enabled`;
    return rows[0] ?? { active_version: null, enabled: true };
  }

  /** The active version; null: there is none, or no such blueprint. */
  async activeVersion(blueprintId: string): Promise<number | null> {
    const select = { active_version: true };
    const row = await this.#db.blueprint.findUnique({ where: { blueprint_id: blueprintId }, select });
    return row?.active_version ?? null;
  }

  /** The version with a digest, and the highest one there is (0: none). */
  async findDigest(blueprintId: string, digest: string): Promise<{ version: number | undefined; highest: number }> {
    const same = await this.#db.blueprint_version.findUnique({
      where: { blueprint_id_digest: { blueprint_id: blueprintId, digest } },
      select: { version: true },
    });
    const { _max } = await this.#db.blueprint_version.aggregate({
      where: { blueprint_id: blueprintId },
      _max: { version: true },
    });
    return { version: same?.version, highest: _max.version ?? 0 };
  }

  async insertVersion(row: NewVersion): Promise<void> {
    await this.#db.$executeRaw`
      INSERT INTO blueprint_versions (blueprint_id, version, digest, source, plan, debug, created_by)
      VALUES (${row.plan.id}, ${row.version}, ${row.plan.digest}, ${row.source}, ${JSON.stringify(row.plan)}::jsonb,
        ${JSON.stringify(row.debug)}::jsonb, ${row.created_by})`;
  }

  /**
   * Makes a version the active one: events start runs of it from now on.
   * @param schedules ids of its schedules, by their places in the plan's trigger list.
   */
  async activate(plan: Plan, version: number, schedules: ReadonlyMap<number, string> = new Map()): Promise<void> {
    const triggers = plan.triggers.map((trigger, ordinal) => ({
      ordinal,
      event_pattern: trigger.kind === 'event' ? trigger.event : schedulePattern(schedules.get(ordinal) ?? ''),
      enabled: trigger.disabled !== true,
    }));
    await this.#db.$executeRaw`
      UPDATE blueprints SET active_version = ${version}, updated_at = now() WHERE blueprint_id = ${plan.id}`;
    await this.#db.$executeRaw`DELETE FROM blueprint_triggers WHERE blueprint_id = ${plan.id}`;
    await this.#db.$executeRaw`
      INSERT INTO blueprint_triggers (blueprint_id, ordinal, version, event_pattern, enabled)
      SELECT ${plan.id}, ordinal, ${version}, event_pattern, enabled
      FROM jsonb_to_recordset(${JSON.stringify(triggers)}::jsonb) AS r(ordinal int, event_pattern text, enabled boolean)`;
  }
}

function blueprintDto(row: blueprintModel, digest: string | null): BlueprintDto {
  return {
    blueprint_id: row.blueprint_id,
    name: row.name,
    active_version: row.active_version,
    digest,
    enabled: row.enabled,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}
