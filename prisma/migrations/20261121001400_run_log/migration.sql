-- When the log of an ended run was kept as an artifact; those that wait for theirs are few and found by this index alone.
ALTER TABLE "runs" ADD COLUMN "log_kept_at" TIMESTAMPTZ(3);
CREATE INDEX "runs_log_due_idx" ON "runs"("completed_at", "run_id")
  WHERE "log_kept_at" IS NULL AND "status" IN ('completed', 'failed', 'cancelled');
