import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asAdmin, freshDatabase, migrationsDir, type TestDatabase } from '../../support/database.js';
import { sqlFromDatabaseToSchema } from '../../support/schema-diff.js';

const nothing = '-- This is an empty migration.';

describe('schema and migrations', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await freshDatabase();
  });
  afterAll(async () => db.drop());

  it('agree', async () => {
    expect((await sqlFromDatabaseToSchema(db.ownerUrl)).trim()).toBe(nothing);
  });

  it('are found to differ by a column, an index or a type of the schema', async () => {
    const schema = await readFile(join(migrationsDir, '..', 'schema.prisma'), 'utf8');
    const differs = async (from: string, to: string): Promise<string> => {
      expect(schema).toContain(from);
      return sqlFromDatabaseToSchema(db.ownerUrl, schema.replace(from, to));
    };
    expect(await differs('  phase               String?', '  phase               String?\n  mood String?')).toContain(
      'ALTER TABLE "runs" ADD COLUMN     "mood" TEXT',
    );
    expect(await differs('@@index([correlation_id])', '')).toContain('DROP INDEX "runs_correlation_id_idx"');
    expect(await differs('worker        String', 'worker        Int')).toContain('"worker" INTEGER NOT NULL');
  });

  it('are found to differ by a change of the database', async () => {
    await asAdmin(db.ownerUrl, ['ALTER TABLE gates DROP COLUMN closed_at']);
    expect(await sqlFromDatabaseToSchema(db.ownerUrl)).toContain('ADD COLUMN     "closed_at" TIMESTAMPTZ(3)');
  });
});
