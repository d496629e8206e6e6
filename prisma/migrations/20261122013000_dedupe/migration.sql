-- What the event of a run is to a trigger with `dedupe`. Few runs have one, and fewer are open: one index for each question.
ALTER TABLE "runs" ADD COLUMN "dedupe_key" TEXT;
CREATE INDEX "runs_dedupe_recent_idx" ON "runs"("blueprint_id", "dedupe_key", "created_at" DESC)
  WHERE "dedupe_key" IS NOT NULL;
CREATE INDEX "runs_dedupe_open_idx" ON "runs"("blueprint_id", "dedupe_key")
  WHERE "dedupe_key" IS NOT NULL AND "status" IN ('created', 'running');
