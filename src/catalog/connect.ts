import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.js';
import { statementName } from './often.js';
import { connectPool, type CatalogPool, type ConnectOptions } from './pool.js';

/** The way to Postgres: Prisma for reads and simple writes, the pool for SQL. Both share the same connections. */
export interface Catalog extends CatalogPool {
  prisma: PrismaClient;
}

/** Opens nothing yet: the first statement connects. */
export function connectCatalog(options: ConnectOptions): Catalog {
  return catalogOver(connectPool(options));
}

/** Adds Prisma to a pool; closing what comes out closes the pool. */
export function catalogOver(connections: CatalogPool): Catalog {
  const { pool } = connections;
  // The adapter brings a newer copy of the driver's types; the pool itself is the same class.
  const adapter = new PrismaPg(pool as unknown as ConstructorParameters<typeof PrismaPg>[0], {
    statementNameGenerator: statementName,
  });
  const prisma = new PrismaClient({ adapter });
  let closing: Promise<void> | undefined;
  return {
    prisma,
    pool,
    close() {
      closing ??= prisma.$disconnect().then(() => connections.close());
      return closing;
    },
  };
}
