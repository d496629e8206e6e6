-- Every filter of a listing has an index that serves it. Times of events are stored nearly in order: a BRIN index costs
-- inserts next to nothing.
CREATE INDEX "events_correlation_id_seq_idx" ON "events"("correlation_id", "seq");
CREATE INDEX "events_actor_seq_idx" ON "events"("actor", "seq");
CREATE INDEX "events_occurred_at_idx" ON "events" USING BRIN ("occurred_at");
CREATE INDEX "runs_status_created_at_idx" ON "runs"("status", "created_at" DESC);
CREATE INDEX "runs_actor_created_at_idx" ON "runs"("actor", "created_at" DESC);
CREATE INDEX "runs_trigger_created_at_idx" ON "runs"("trigger", "created_at" DESC);
CREATE INDEX "gates_opened_at_gate_id_idx" ON "gates"("opened_at" DESC, "gate_id");
CREATE INDEX "artifacts_kind_created_at_idx" ON "artifacts"("kind", "created_at" DESC);
CREATE INDEX "audit_log_actor_audit_id_idx" ON "audit_log"("actor", "audit_id");
CREATE INDEX "audit_log_action_audit_id_idx" ON "audit_log"("action", "audit_id");

-- CreateTable
CREATE TABLE "signing_keys" (
    "name" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "idempotent_answers" (
    "operation" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "body_sha256" TEXT NOT NULL,
    "answer" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotent_answers_pkey" PRIMARY KEY ("operation","idempotency_key")
);
