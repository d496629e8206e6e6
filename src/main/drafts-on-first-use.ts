import type { DraftActions } from '../domain/drafts.js';
import type { createDraftActions } from './drafts.js';

/** Drafts whose compiler is loaded when the first step asks for it: most workers never do, and start sooner. */
export function draftsOnFirstUse(partsOf: () => Promise<Parameters<typeof createDraftActions>[0]>): DraftActions {
  let made: Promise<DraftActions> | undefined;
  const actions = (): Promise<DraftActions> => {
    made ??= Promise.all([import('./drafts.js'), partsOf()]).then(([module, parts]) =>
      module.createDraftActions(parts),
    );
    return made;
  };
  return {
    save: async (step, draft) => (await actions()).save(step, draft),
    validate: async (step, draftId) => (await actions()).validate(step, draftId),
    test: async (step, draftId, scenarios) => (await actions()).test(step, draftId, scenarios),
    diff: async (step, draftId) => (await actions()).diff(step, draftId),
    promote: async (step, draftId) => (await actions()).promote(step, draftId),
  };
}
