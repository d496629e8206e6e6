import { z } from 'zod';

/** A secret by its path: `{secret: ssh/ops}`. The value is looked up inside the activity and is recorded nowhere. */
export const secretReference = z.strictObject({ secret: z.string().min(1).max(512) }).meta({ 'x-secret': true });
