import type { Prisma } from './generated/client.js';

/** Prisma's client or a transaction of it. */
export type Database = Prisma.TransactionClient;
