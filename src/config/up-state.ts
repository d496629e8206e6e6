import { join } from 'node:path';
import { z } from 'zod';

/** What a running `xynctl up` leaves behind, so that other commands find it. */
export const upStateSchema = z.looseObject({
  pid: z.int().positive(),
  api: z.looseObject({ url: z.url() }),
  temporal: z.looseObject({ address: z.string() }).optional(),
});

/** Parsed content of the file. */
export type UpState = z.infer<typeof upStateSchema>;

/** The file that holds it. */
export function upStateFile(stateDir: string): string {
  return join(stateDir, 'run', 'up.json');
}
