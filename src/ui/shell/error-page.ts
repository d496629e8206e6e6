import { template } from '../template.js';

/** What went wrong, in words and with what is needed to look it up. */
export interface ErrorView {
  title: string;
  message: string;
  code: string;
  correlationId: string;
  /** The page to open once more; null: the same would come. */
  retry: { href: string; label: string } | null;
}

/** The content of an error page. */
export const errorMain = template<ErrorView>(import.meta.url, './error-page.eta');
