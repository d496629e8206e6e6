import type { z } from 'zod';
import type {
  appliedBlueprintSchema,
  blueprintDetailSchema,
  blueprintListSchema,
  previewSchema,
  validationSchema,
} from '../http/schemas/blueprint.js';
import type { artifactSchema } from '../http/schemas/artifacts.js';
import type {
  draftDetailSchema,
  draftDiffSchema,
  draftListSchema,
  draftTestSchema,
  saveDraftRequest,
} from '../http/schemas/draft.js';
import type { eventDetailSchema, eventListSchema } from '../http/schemas/event.js';
import type { gateDecidedSchema, gateDetailSchema, gateListSchema } from '../http/schemas/gate.js';
import type { rerunSchema, runDetailSchema, runSchema, stepListSchema } from '../http/schemas/run.js';
import type { backfillSchema, scheduleDetailSchema, scheduleListSchema } from '../http/schemas/schedule.js';
import type { doctorSchema } from '../http/schemas/doctor.js';

export type Event = z.infer<typeof eventDetailSchema>;
export type Run = z.infer<typeof runSchema>;
export type Rerun = z.infer<typeof rerunSchema>;
export type RunDetail = z.infer<typeof runDetailSchema>;
export type Step = z.infer<typeof stepListSchema>['items'][number];
export type EventItem = z.infer<typeof eventListSchema>['items'][number];
export type GateItem = z.infer<typeof gateListSchema>['items'][number];
export type BlueprintItem = z.infer<typeof blueprintListSchema>['items'][number];
export type GateDetail = z.infer<typeof gateDetailSchema>;
export type Validation = z.infer<typeof validationSchema>;
export type PlanPreview = z.infer<typeof previewSchema>;
export type Applied = z.infer<typeof appliedBlueprintSchema>;
export type BlueprintDetail = z.infer<typeof blueprintDetailSchema>;
export type DraftItem = z.infer<typeof draftListSchema>['items'][number];
export type DraftDetail = z.infer<typeof draftDetailSchema>;
export type DraftDiff = z.infer<typeof draftDiffSchema>;
export type DraftTest = z.infer<typeof draftTestSchema>;
export type DraftToSave = z.input<typeof saveDraftRequest>;
export type Artifact = z.infer<typeof artifactSchema>;
export type GateDecided = z.infer<typeof gateDecidedSchema>;
export type ScheduleItem = z.infer<typeof scheduleListSchema>['items'][number];
export type ScheduleDetail = z.infer<typeof scheduleDetailSchema>;
export type Backfill = z.infer<typeof backfillSchema>;
export type DoctorReport = z.infer<typeof doctorSchema>;
export type StuckRun = DoctorReport['runs'][number];
