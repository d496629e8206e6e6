import { z } from 'zod';
import type { KeptTestsDto } from '../../domain/drafts.js';
import { XynFault } from '../../domain/fault.js';
import type { UiServices } from './page.js';

/** Characters of a text in a form; the services count its bytes. */
const MOST_TEXT = 600_000;

/** A text of a form. Browsers send line ends as two characters. */
export const formText = z
  .string()
  .max(MOST_TEXT)
  .transform((text) => text.replaceAll('\r\n', '\n'));

type Drafts = UiServices['drafts'];

/** How scenarios last went. What its retention took away is as if it had never been. */
export async function lastTested(
  drafts: Pick<Drafts, 'lastTested'>,
  of: Parameters<Drafts['lastTested']>[0],
): Promise<KeptTestsDto | null> {
  try {
    return await drafts.lastTested(of);
  } catch (error) {
    if (error instanceof XynFault && /^artifact_(not_found|damaged)$/.test(error.code)) return null;
    throw error;
  }
}
