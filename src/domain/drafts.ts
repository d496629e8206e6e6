import type { AskingStep } from './asking-step.js';
import type { ProblemDto } from './dtos.js';
import type { JsonObject } from './json.js';
import type { DiffLine } from './line-diff.js';

/** What a draft will become. */
export const DRAFT_KINDS = ['blueprint', 'pack'] as const;
export type DraftKind = (typeof DRAFT_KINDS)[number];

/** What is true of a draft's newest revision. */
export const DRAFT_STATUSES = ['draft', 'validated', 'promoted'] as const;
export type DraftStatus = (typeof DRAFT_STATUSES)[number];

/** Bytes of a definition at most: what the reader of documents takes. */
export const MAX_DEFINITION_BYTES = 512 * 1024;

/** What is said about the newest revision of a draft. */
export interface DraftContent {
  trigger_event_type: string;
  notes: string | null;
  source_run_id: string | null;
}

/** A draft (001 §45.6, with additions). */
export interface DraftDto {
  draft_id: string;
  name: string;
  kind: DraftKind;
  status: DraftStatus;
  /** The newest one, from 1. */
  revision: number;
  /** The id that the newest readable definition names. */
  blueprint_id: string | null;
  /** The version that was active when the work began; promotion over another one is refused. */
  base_version: number | null;
  /** Of the newest revision; null: not validated. */
  is_valid: boolean | null;
  created_at: string;
  created_by: string;
  updated_at: string;
  updated_by: string;
  content: DraftContent;
}

/** How the scenarios of a revision went. */
export interface DraftTestCounts {
  passed: number;
  failed: number;
  report_artifact_id: string;
  scenarios_artifact_id: string;
}

/** A state of a draft; its definition never changes. */
export interface DraftRevisionDto {
  revision: number;
  definition_artifact_id: string;
  definition_sha256: string;
  notes: string | null;
  source_run_id: string | null;
  created_at: string;
  created_by: string;
  validated_at: string | null;
  is_valid: boolean | null;
  report_artifact_id: string | null;
  tested_at: string | null;
  tests: DraftTestCounts | null;
  promoted_at: string | null;
  promoted_version: number | null;
}

/** A revision with its text. */
export interface DraftRevisionDetailDto extends DraftRevisionDto {
  draft_id: string;
  definition: string;
}

/** A draft with the text of its newest revision. */
export interface DraftDetailDto extends DraftDto {
  content: DraftContent & { definition: string };
  newest: DraftRevisionDto;
}

/** What saving did. */
export interface SavedDraftDto extends DraftDto {
  /** Whether a revision was made; else the definition was the newest one's already. */
  created: boolean;
}

/** What the compiler says about a revision. */
export interface DraftReportDto {
  draft_id: string;
  revision: number;
  status: DraftStatus;
  is_valid: boolean;
  issues: ProblemDto[];
  report_artifact_id: string;
}

/** What scenarios of a draft gave. */
export interface ScenarioRunDto {
  ok: boolean;
  passed: number;
  failed: number;
  /** With errors among them nothing ran; `file` says in which of the two documents. */
  problems: (ProblemDto & { file: 'definition' | 'scenarios' })[];
  scenarios: {
    name: string;
    /** Place in the text of the scenarios. */
    line: number;
    column: number;
    ok: boolean;
    mismatches: { what: string; path?: string; expected: string[]; got: string[] }[];
  }[];
  /** What they reached of the plan, when they ran: steps, cases and handlers; `missed`: those that none reached, as `step deploy`. */
  coverage?: { total: number; missed: string[] };
}

/** How the scenarios of a revision went when they last ran, with their text. */
export interface KeptTestsDto {
  draft_id: string;
  name: string;
  revision: number;
  promoted_version: number | null;
  tested_at: string;
  scenarios: string;
  run: ScenarioRunDto;
}

/** The outcome of the scenarios of a revision. */
export interface DraftTestDto extends ScenarioRunDto {
  draft_id: string;
  revision: number;
  report_artifact_id: string;
}

/** One side of a comparison: a revision of the draft, or a version of its blueprint. Null: there is none, so no text. */
export type DiffSide = { revision: number } | { version: number | null };

/** What changed between two texts. */
export interface DraftDiffDto {
  draft_id: string;
  from: DiffSide;
  to: DiffSide;
  added: number;
  removed: number;
  /** Empty: nothing changed. */
  lines: DiffLine[];
  /** False: the texts are longer than what is compared or shown. */
  is_whole: boolean;
}

/** A promoted revision: the same on every call. */
export interface PromotedDraftDto {
  draft_id: string;
  revision: number;
  blueprint_id: string;
  version: number;
  digest: string;
  status: 'active';
  promoted_at: string;
}

/** What somebody wants a draft to be. */
export interface DraftToSave {
  /** Default: none, or what the draft had. */
  trigger_event_type?: string;
  /** A document as text, or as a map that is kept as JSON. */
  definition: string | JsonObject;
  notes?: string;
  source_run_id?: string;
}

/** What actions do with drafts (001 §9.3). @throws XynFault with the codes of the service of drafts. */
export interface DraftActions {
  save(
    step: AskingStep,
    draft: DraftToSave & { kind: DraftKind; name: string },
  ): Promise<{ draft_id: string; revision: number; status: DraftStatus }>;
  validate(step: AskingStep, draftId: string): Promise<{ is_valid: boolean; issues: ProblemDto[] }>;
  test(step: AskingStep, draftId: string, scenarios: string): Promise<ScenarioRunDto>;
  diff(step: AskingStep, draftId: string): Promise<DraftDiffDto>;
  promote(step: AskingStep, draftId: string): Promise<{ blueprint_id: string; version: number; status: 'active' }>;
}
