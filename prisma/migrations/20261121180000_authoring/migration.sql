-- Drafts with their revisions, schedules, and runs that repeat another.
CREATE TABLE "drafts" (
    "draft_id" UUID NOT NULL,
    "draft_type" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "trigger_event_type" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'draft',
    "revision" INTEGER NOT NULL DEFAULT 0,
    "blueprint_id" TEXT,
    "base_version" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" TEXT NOT NULL,
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "drafts_pkey" PRIMARY KEY ("draft_id")
);

CREATE UNIQUE INDEX "drafts_draft_type_name_key" ON "drafts"("draft_type", "name");
CREATE INDEX "drafts_updated_at_draft_id_idx" ON "drafts"("updated_at" DESC, "draft_id");
CREATE INDEX "drafts_status_updated_at_idx" ON "drafts"("status", "updated_at" DESC);
CREATE INDEX "drafts_blueprint_id_idx" ON "drafts"("blueprint_id");

CREATE TABLE "draft_revisions" (
    "draft_id" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "definition_artifact_id" UUID NOT NULL,
    "definition_sha256" TEXT NOT NULL,
    "notes" TEXT,
    "source_run_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "validated_at" TIMESTAMPTZ(3),
    "is_valid" BOOLEAN,
    "report_artifact_id" UUID,
    "tested_at" TIMESTAMPTZ(3),
    "tests" JSONB,
    "promoted_at" TIMESTAMPTZ(3),
    "promoted_version" INTEGER,

    CONSTRAINT "draft_revisions_pkey" PRIMARY KEY ("draft_id","revision")
);

-- The truth about a schedule is here; Temporal's copy follows (`applied_generation`).
CREATE TABLE "schedules" (
    "schedule_id" TEXT NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "spec" JSONB NOT NULL,
    "is_removed" BOOLEAN NOT NULL DEFAULT false,
    "is_paused" BOOLEAN NOT NULL DEFAULT false,
    "pause_note" TEXT,
    "paused_by" TEXT,
    "paused_at" TIMESTAMPTZ(3),
    "generation" INTEGER NOT NULL DEFAULT 1,
    "applied_generation" INTEGER NOT NULL DEFAULT 0,
    "applied_at" TIMESTAMPTZ(3),
    "apply_error" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "schedules_pkey" PRIMARY KEY ("schedule_id")
);

CREATE INDEX "schedules_blueprint_id_ordinal_idx" ON "schedules"("blueprint_id", "ordinal");

ALTER TABLE "runs" ADD COLUMN "rerun_of" UUID,
ADD COLUMN "rerun_from" TEXT;
CREATE INDEX "runs_rerun_of_idx" ON "runs"("rerun_of");

-- The run whose result this step took over; null where it ran itself.
ALTER TABLE "steps" ADD COLUMN "reused_from_run" UUID;
