import { randomBytes } from 'node:crypto';
import type { Catalog } from './connect.js';
import { catalogFault } from './faults.js';

const KEY_BYTES = 32;

/**
 * A key that every process on this catalog shares: the first one to ask makes it. It is asked for once and then
 * remembered; after a failure the next call asks again.
 */
export function sharedKey({ prisma }: Pick<Catalog, 'prisma'>, name: string): () => Promise<string> {
  let known: Promise<string> | undefined;
  const read = async (): Promise<string> => {
    const fresh = randomBytes(KEY_BYTES).toString('base64url');
    try {
      await prisma.signing_key.createMany({ data: [{ name, key: fresh }], skipDuplicates: true });
      return (await prisma.signing_key.findUniqueOrThrow({ where: { name } })).key;
    } catch (error) {
      throw catalogFault(error);
    }
  };
  return () =>
    (known ??= read().catch((error: unknown) => {
      known = undefined;
      throw error;
    }));
}
