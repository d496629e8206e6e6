import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { DESK } from './axe.js';

/** Git does not know this folder. */
const FOLDER = fileURLToPath(new URL('../../../test-pictures/', import.meta.url));

/**
 * Takes a picture of what is to be seen of a page in each theme, under the name of the page and the size of the window. Leaves the light
 * theme.
 */
export async function takePictures(page: Page, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const size = page.viewportSize()?.width === DESK.width ? 'desk' : 'phone';
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(FOLDER, `${name}-${size}-${colorScheme}.jpg`), type: 'jpeg', quality: 80 });
  }
}
