import type { UiPage } from './page.js';

/** A page with the parameters of an address. */
export interface MatchedPage {
  page: UiPage;
  params: Record<string, string>;
  query: Record<string, string | string[]>;
}

function pattern(path: string): RegExp {
  const source = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:(\w+)/g, '(?<$1>[^/]+)');
  return new RegExp(`^/ui${source}/?$`);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Finds the page of an address of ours, as the router would; undefined when there is none. */
export function pageMatcher(pages: readonly UiPage[]): (address: string) => MatchedPage | undefined {
  const known = pages.map((page) => ({ page, regex: pattern(page.path) }));
  return (address) => {
    const base = 'http://xyn';
    if (!/^\/ui(?:[/?]|$)/.test(address) || !URL.canParse(address, base)) return undefined;
    const url = new URL(address, base);
    for (const { page, regex } of known) {
      const match = regex.exec(url.pathname);
      if (match === null) continue;
      const params = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decoded(value)] as const);
      if (params.some(([, value]) => value === undefined)) return undefined;
      const query: MatchedPage['query'] = {};
      for (const [name, value] of url.searchParams) {
        const earlier = query[name];
        query[name] = earlier === undefined ? value : [...(Array.isArray(earlier) ? earlier : [earlier]), value];
      }
      return { page, params: Object.fromEntries(params) as Record<string, string>, query };
    }
    return undefined;
  };
}
