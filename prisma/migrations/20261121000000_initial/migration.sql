-- CreateTable
CREATE TABLE "events" (
    "event_id" UUID NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "event_name" TEXT NOT NULL,
    "occurred_at" TIMESTAMPTZ(3) NOT NULL,
    "env_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "correlation_id" TEXT NOT NULL,
    "run_id" UUID,
    "step_id" UUID,
    "resource" JSONB,
    "data" JSONB NOT NULL,
    "cause_depth" INTEGER NOT NULL DEFAULT 0,
    "idempotency_key" TEXT,
    "body_sha256" TEXT,
    "matched_at" TIMESTAMPTZ(3),
    "dispatched_at" TIMESTAMPTZ(3),
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "events_pkey" PRIMARY KEY ("event_id")
);

-- CreateTable
CREATE TABLE "event_verdicts" (
    "event_id" UUID NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "verdict" TEXT NOT NULL,
    "detail" JSONB,
    "run_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_verdicts_pkey" PRIMARY KEY ("event_id","blueprint_id")
);

-- CreateTable
CREATE TABLE "blueprints" (
    "blueprint_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "active_version" INTEGER,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "blueprints_pkey" PRIMARY KEY ("blueprint_id")
);

-- CreateTable
CREATE TABLE "blueprint_versions" (
    "blueprint_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "plan" JSONB NOT NULL,
    "debug" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "blueprint_versions_pkey" PRIMARY KEY ("blueprint_id","version")
);

-- CreateTable
CREATE TABLE "blueprint_triggers" (
    "blueprint_id" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "event_pattern" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,

    CONSTRAINT "blueprint_triggers_pkey" PRIMARY KEY ("blueprint_id","ordinal")
);

-- CreateTable
CREATE TABLE "runs" (
    "run_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "blueprint_id" TEXT NOT NULL,
    "blueprint_version" INTEGER,
    "digest" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'created',
    "phase" TEXT,
    "trigger" TEXT NOT NULL,
    "event_id" UUID,
    "parent_run_id" UUID,
    "inputs" JSONB NOT NULL,
    "outputs" JSONB,
    "error" JSONB,
    "actor" TEXT NOT NULL,
    "correlation_id" TEXT NOT NULL,
    "env_id" TEXT NOT NULL,
    "env" JSONB NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "cause_depth" INTEGER NOT NULL DEFAULT 0,
    "idempotency_key" TEXT,
    "body_sha256" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dispatched_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "cancel_by" TEXT,
    "cancel_reason" TEXT,
    "cancel_sent_at" TIMESTAMPTZ(3),
    "seq" INTEGER NOT NULL DEFAULT 0,
    "last_progress_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "needs_repair" BOOLEAN NOT NULL DEFAULT false,
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "runs_pkey" PRIMARY KEY ("run_id")
);

-- CreateTable
CREATE TABLE "steps" (
    "step_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "skip_reason" TEXT,
    "handled" BOOLEAN NOT NULL DEFAULT false,
    "seq" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "inputs" JSONB,
    "outputs" JSONB,
    "error" JSONB,
    "idempotency_key" TEXT,
    "logs_artifact_id" UUID,
    "started_at" TIMESTAMPTZ(3),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "steps_pkey" PRIMARY KEY ("step_id")
);

-- CreateTable
CREATE TABLE "step_attempts" (
    "step_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "run_id" UUID NOT NULL,
    "status" TEXT NOT NULL,
    "worker" TEXT NOT NULL,
    "pack" TEXT,
    "error" JSONB,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "next_retry_at" TIMESTAMPTZ(3),

    CONSTRAINT "step_attempts_pkey" PRIMARY KEY ("step_id","attempt")
);

-- CreateTable
CREATE TABLE "gates" (
    "gate_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "step_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "message" TEXT,
    "approvers" JSONB NOT NULL,
    "require" INTEGER NOT NULL,
    "reject" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "digest" TEXT,
    "binds" JSONB NOT NULL,
    "seq" INTEGER NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "gates_pkey" PRIMARY KEY ("gate_id")
);

-- CreateTable
CREATE TABLE "gate_decisions" (
    "decision_id" UUID NOT NULL,
    "gate_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "decision" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT,
    "outputs" JSONB,
    "source" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "refusal" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "gate_decisions_pkey" PRIMARY KEY ("decision_id")
);

-- CreateTable
CREATE TABLE "artifacts" (
    "artifact_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "byte_length" BIGINT,
    "sha256" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "run_id" UUID,
    "step_id" UUID,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "artifacts_pkey" PRIMARY KEY ("artifact_id")
);

-- CreateTable
CREATE TABLE "footprints" (
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "source_kind" TEXT NOT NULL,
    "source_ref" TEXT NOT NULL,
    "metric" TEXT NOT NULL,
    "run_id" UUID NOT NULL,
    "step_id" UUID,
    "quantity" DOUBLE PRECISION NOT NULL,
    "unit" TEXT NOT NULL,
    "class" TEXT NOT NULL DEFAULT 'internal',
    "dims_json" JSONB,

    CONSTRAINT "footprints_pkey" PRIMARY KEY ("recorded_at","source_kind","source_ref","metric")
) PARTITION BY RANGE ("recorded_at");

-- CreateTable
CREATE TABLE "audit_log" (
    "audit_id" BIGSERIAL NOT NULL,
    "key" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "resource_type" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "reason" TEXT,
    "before" JSONB,
    "after" JSONB,
    "run_id" UUID,
    "step_id" UUID,
    "correlation_id" TEXT,
    "env_id" TEXT NOT NULL,
    "layer" TEXT NOT NULL DEFAULT 'operator',
    "owner_org_id" TEXT NOT NULL DEFAULT 'local',

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("audit_id")
);

-- CreateTable
CREATE TABLE "audit_chain" (
    "seq" BIGINT NOT NULL,
    "audit_id" BIGINT NOT NULL,
    "prev_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "linked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_chain_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "audit_pending" (
    "audit_id" BIGINT NOT NULL,

    CONSTRAINT "audit_pending_pkey" PRIMARY KEY ("audit_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "events_seq_key" ON "events"("seq");

-- CreateIndex
CREATE UNIQUE INDEX "events_idempotency_key_key" ON "events"("idempotency_key");

-- CreateIndex
CREATE INDEX "events_dispatched_at_seq_idx" ON "events"("dispatched_at", "seq");

-- CreateIndex
CREATE INDEX "events_event_name_seq_idx" ON "events"("event_name", "seq" DESC);

-- CreateIndex
CREATE INDEX "events_run_id_seq_idx" ON "events"("run_id", "seq");

-- CreateIndex
CREATE INDEX "blueprint_versions_digest_idx" ON "blueprint_versions"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "blueprint_versions_blueprint_id_digest_key" ON "blueprint_versions"("blueprint_id", "digest");

-- CreateIndex
CREATE INDEX "blueprint_triggers_event_pattern_idx" ON "blueprint_triggers"("event_pattern");

-- CreateIndex
CREATE UNIQUE INDEX "runs_idempotency_key_key" ON "runs"("idempotency_key");

-- CreateIndex
CREATE INDEX "runs_created_at_run_id_idx" ON "runs"("created_at" DESC, "run_id");

-- CreateIndex
CREATE INDEX "runs_status_last_progress_at_idx" ON "runs"("status", "last_progress_at");

-- CreateIndex
CREATE INDEX "runs_blueprint_id_created_at_idx" ON "runs"("blueprint_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "runs_correlation_id_idx" ON "runs"("correlation_id");

-- CreateIndex
CREATE INDEX "runs_event_id_idx" ON "runs"("event_id");

-- CreateIndex
CREATE INDEX "runs_needs_repair_last_progress_at_idx" ON "runs"("needs_repair", "last_progress_at");

-- CreateIndex
CREATE INDEX "steps_run_id_seq_idx" ON "steps"("run_id", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "steps_run_id_path_key" ON "steps"("run_id", "path");

-- CreateIndex
CREATE INDEX "step_attempts_run_id_idx" ON "step_attempts"("run_id");

-- CreateIndex
CREATE INDEX "step_attempts_status_started_at_idx" ON "step_attempts"("status", "started_at");

-- CreateIndex
CREATE INDEX "gates_status_opened_at_idx" ON "gates"("status", "opened_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "gates_run_id_path_key" ON "gates"("run_id", "path");

-- CreateIndex
CREATE INDEX "gate_decisions_gate_id_created_at_idx" ON "gate_decisions"("gate_id", "created_at");

-- CreateIndex
CREATE INDEX "gate_decisions_status_created_at_idx" ON "gate_decisions"("status", "created_at");

-- CreateIndex
CREATE INDEX "artifacts_run_id_created_at_idx" ON "artifacts"("run_id", "created_at");

-- CreateIndex
CREATE INDEX "artifacts_created_at_artifact_id_idx" ON "artifacts"("created_at" DESC, "artifact_id");

-- CreateIndex
CREATE INDEX "artifacts_sha256_idx" ON "artifacts"("sha256");

-- CreateIndex
CREATE INDEX "footprints_run_id_idx" ON "footprints"("run_id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_log_key_key" ON "audit_log"("key");

-- CreateIndex
CREATE INDEX "audit_log_run_id_idx" ON "audit_log"("run_id");

-- CreateIndex
CREATE INDEX "audit_log_resource_type_resource_id_idx" ON "audit_log"("resource_type", "resource_id");

-- CreateIndex
CREATE UNIQUE INDEX "audit_chain_audit_id_key" ON "audit_chain"("audit_id");

-- Footprints by month: `xyn_ensure_partitions` makes the months ahead; the default partition catches what none covers.
CREATE TABLE "footprints_default" PARTITION OF "footprints" DEFAULT;

CREATE FUNCTION xyn_ensure_partitions(first date, months int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  month date := date_trunc('month', first)::date;
  child text;
BEGIN
  FOR i IN 0..months LOOP
    child := format('footprints_%s', to_char(month, 'YYYY_MM'));
    IF to_regclass(child) IS NULL THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF footprints FOR VALUES FROM (%L) TO (%L)',
        child, to_char(month, 'YYYY-MM-DD') || 'T00:00:00Z', to_char(month + interval '1 month', 'YYYY-MM-DD') || 'T00:00:00Z');
    END IF;
    month := (month + interval '1 month')::date;
  END LOOP;
END $$;

-- The event row is the outbox row: listeners hear of it when its transaction commits.
CREATE FUNCTION xyn_notify_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('xyn_outbox', '');
  RETURN NULL;
END $$;
CREATE TRIGGER events_notify AFTER INSERT ON "events" FOR EACH STATEMENT EXECUTE FUNCTION xyn_notify_outbox();

-- Append-only tables refuse changes whoever asks; the application's role also has no right to.
CREATE FUNCTION xyn_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON "audit_log" FOR EACH ROW EXECUTE FUNCTION xyn_refuse_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON "audit_log" FOR EACH STATEMENT EXECUTE FUNCTION xyn_refuse_change();
CREATE TRIGGER audit_chain_append_only BEFORE UPDATE OR DELETE ON "audit_chain" FOR EACH ROW EXECUTE FUNCTION xyn_refuse_change();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON "audit_chain" FOR EACH STATEMENT EXECUTE FUNCTION xyn_refuse_change();
CREATE TRIGGER attempts_no_delete BEFORE DELETE ON "step_attempts" FOR EACH ROW EXECUTE FUNCTION xyn_refuse_change();

CREATE FUNCTION xyn_audit_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_pending (audit_id) SELECT audit_id FROM added;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_log_pending AFTER INSERT ON "audit_log" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION xyn_audit_pending();

-- The chainer hears of new entries when their transaction commits.
CREATE FUNCTION xyn_audit_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('xyn_audit', '');
  RETURN NULL;
END $$;
CREATE TRIGGER audit_log_notify AFTER INSERT ON "audit_log" FOR EACH STATEMENT EXECUTE FUNCTION xyn_audit_notify();
