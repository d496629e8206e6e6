import type { DraftCursor, DraftFilter } from '../catalog/draft-store.js';
import type {
  DraftDetailDto,
  DraftDiffDto,
  DraftDto,
  DraftReportDto,
  DraftRevisionDetailDto,
  DraftRevisionDto,
  DraftTestDto,
  KeptTestsDto,
  PromotedDraftDto,
  SavedDraftDto,
  ScenarioRunDto,
} from '../domain/drafts.js';
import type { Page } from '../domain/dtos.js';
import type { Caller } from './caller.js';
import { diffDraft, type DiffPoint } from './draft-diff.js';
import { currentDraft, definitionOf, draftNotFound, revisionOf, type DraftDeps } from './draft-parts.js';
import { promoteDraft } from './draft-promotion.js';
import { saveDraft, type SaveDraft } from './draft-saving.js';
import { lastTested, runScenarios, scenarioBytes, type TestsOf } from './kept-tests.js';
import { testDraft } from './draft-testing.js';
import { validateDraft } from './draft-validation.js';

/** Keyset of the listing of revisions: the last one shown. */
export interface RevisionCursor {
  revision: number;
}

/** Drafts: documents that are worked on until a revision of them becomes a version of a blueprint. */
export class DraftService {
  readonly #deps: DraftDeps;

  constructor(deps: DraftDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a revision of a draft, and the draft when it is new. Whatever the definition is, it is kept as it is and not
   * carried out; the one that the newest revision has makes no other.
   * @throws XynFault `invalid_definition`, `draft_not_found`, `draft_changed`, `conflict` for a base version that is not
   * active, `idempotency_mismatch`, `run_not_found`, `artifact_storage_full`, `audit_unavailable`, `db_unavailable`.
   */
  save(caller: Caller, request: SaveDraft): Promise<SavedDraftDto> {
    return saveDraft(this.#deps, caller, request);
  }

  /** Last changed first. */
  async list(query: DraftFilter & { limit: number; cursor?: DraftCursor }): Promise<Page<DraftDto, DraftCursor>> {
    const { limit, cursor, ...filter } = query;
    const rows = await this.#deps.catalog.drafts.list(filter, limit + 1, cursor);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { updated_at: last.updated_at, draft_id: last.draft_id } };
  }

  /**
   * A draft with the text of its newest revision.
   * @throws XynFault `draft_not_found`, `artifact_damaged`
   */
  async get(draftId: string): Promise<DraftDetailDto> {
    const { draft, newest } = await currentDraft(this.#deps, draftId);
    return { ...draft, content: { ...draft.content, definition: await this.#textOf(newest) }, newest };
  }

  /**
   * The revisions of a draft, newest first.
   * @throws XynFault `draft_not_found`
   */
  async revisions(
    draftId: string,
    { limit, cursor }: { limit: number; cursor?: RevisionCursor },
  ): Promise<Page<DraftRevisionDto, RevisionCursor>> {
    const { drafts } = this.#deps.catalog;
    const rows = await drafts.revisions(draftId, limit + 1, cursor?.revision);
    if (rows.length === 0 && cursor === undefined) throw draftNotFound();
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items, next: last === undefined ? null : { revision: last.revision } };
  }

  /**
   * A revision with its text, also one that is not valid.
   * @throws XynFault `draft_not_found`, `artifact_damaged`
   */
  async revision(draftId: string, revision: number): Promise<DraftRevisionDetailDto> {
    const found = await revisionOf(this.#deps, draftId, revision);
    return { draft_id: draftId, ...found, definition: await this.#textOf(found) };
  }

  /**
   * What changed, line by line.
   * @param between what is compared; default: the active version of its blueprint with the newest revision.
   * @throws XynFault `draft_not_found`, `artifact_damaged`
   */
  diff(draftId: string, between: { from?: DiffPoint; to?: DiffPoint } = {}): Promise<DraftDiffDto> {
    return diffDraft(this.#deps, draftId, between);
  }

  /**
   * Runs scenarios of the newest revision in virtual time, so that nothing real happens, and keeps how they went.
   * @param scenarios the text of a file of scenarios; the `blueprint` that it names is the draft.
   * @throws XynFault `draft_not_found`, `invalid_schema`, `invalid_definition` for a text over 512 KiB, `draft_changed`,
   * `artifact_damaged`, `artifact_storage_full`, `audit_unavailable`, `db_unavailable`.
   */
  test(caller: Caller, draftId: string, scenarios: string): Promise<DraftTestDto> {
    return testDraft(this.#deps, caller, draftId, scenarios);
  }

  /**
   * How the scenarios of a draft last went, or those of a blueprint's drafts: rather of the one that became the version.
   * Null: none ever ran.
   * @throws XynFault `artifact_damaged`, `artifact_not_found` when its retention is over, `db_unavailable`
   */
  lastTested(of: TestsOf): Promise<KeptTestsDto | null> {
    return lastTested(this.#deps, of);
  }

  /**
   * Runs scenarios of a document in virtual time; nothing is kept.
   * @throws XynFault `invalid_definition` for a text over 512 KiB
   */
  tryScenarios(definition: string, scenarios: string): Promise<ScenarioRunDto> {
    return runScenarios(this.#deps, new TextEncoder().encode(definition), scenarioBytes(scenarios));
  }

  /**
   * Compiles the newest revision and keeps what the compiler says. Only the status of the draft changes, and that of a
   * promoted revision not even.
   * @throws XynFault `draft_not_found`, `invalid_schema`, `draft_changed`, `artifact_damaged`, `audit_unavailable`,
   * `db_unavailable`.
   */
  validate(caller: Caller, draftId: string): Promise<DraftReportDto> {
    return validateDraft(this.#deps, caller, draftId);
  }

  /**
   * Makes the newest revision, which was validated, the active version of its blueprint, and freezes it: in one transaction,
   * so that its triggers hold from then on. A revision that is promoted already gives the same answer again.
   * @throws XynFault `draft_not_found`, `validation_failed`, `tests_missing`, `draft_changed`, `conflict`,
   * `artifact_damaged`, `audit_unavailable`, `db_unavailable`.
   */
  promote(
    caller: Caller,
    draftId: string,
    request: { expected_revision?: number; reason?: string } = {},
  ): Promise<PromotedDraftDto> {
    return promoteDraft(this.#deps, caller, draftId, request);
  }

  async #textOf(revision: DraftRevisionDto): Promise<string> {
    return new TextDecoder().decode(await definitionOf(this.#deps, revision));
  }
}
