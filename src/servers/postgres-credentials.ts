import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';
import { loopback } from './free-port.js';
import { readStateFile, writeStateFile } from './state-file.js';
import { access } from 'node:fs/promises';

/** Owner of the database and superuser of the embedded server: migrations run as it. */
export const ownerRole = 'xyn_owner';
/** The role of the application: no rights but those that migrations grant. */
export const appRole = 'xyn_app';
/** The one database. */
export const databaseName = 'xyn';

const credentialsSchema = z.strictObject({
  owner_password: z.string().min(20),
  app_password: z.string().min(20),
  /** Used by the last start; the next one takes it again when it is free. */
  port: z.int().min(1).max(65_535).optional(),
});

/** What `credentials.json` (mode 0600) holds. */
export type PostgresCredentials = z.infer<typeof credentialsSchema>;

const fileOf = (dir: string): string => path.join(dir, 'credentials.json');

/**
 * Reads the passwords, or makes them where there is no database yet.
 * @throws XynFault `data_dir_unusable` when a database exists whose passwords are lost.
 */
export async function loadCredentials(dir: string, databaseExists: boolean): Promise<PostgresCredentials> {
  const known = await readStateFile(fileOf(dir), credentialsSchema);
  if (known) return known;
  const present = await access(fileOf(dir)).then(
    () => true,
    () => false,
  );
  if (databaseExists || present) {
    const message =
      `${fileOf(dir)} is ${present ? 'damaged' : 'missing'}, and with it the passwords of the database beside it. ` +
      'Restore that file, or move the whole folder away to begin with an empty database.';
    throw new XynFault('data_dir_unusable', message, { details: { file: fileOf(dir) } });
  }
  const password = (): string => randomBytes(24).toString('base64url');
  const fresh = { owner_password: password(), app_password: password() };
  await writeStateFile(fileOf(dir), fresh);
  return fresh;
}

/** Remembers the port for the next start. */
export async function rememberPort(dir: string, credentials: PostgresCredentials, port: number): Promise<void> {
  if (credentials.port !== port) await writeStateFile(fileOf(dir), { ...credentials, port });
}

/** Connection string of the owner. */
export function ownerUrl(credentials: PostgresCredentials, port: number, database = databaseName): string {
  return `postgresql://${ownerRole}:${credentials.owner_password}@${loopback}:${port}/${database}`;
}

/** Connection string of the application. */
export function appUrl(credentials: PostgresCredentials, port: number): string {
  return `postgresql://${appRole}:${credentials.app_password}@${loopback}:${port}/${databaseName}`;
}
