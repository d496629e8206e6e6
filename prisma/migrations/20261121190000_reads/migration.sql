-- Old answers are found by their age.
CREATE INDEX "idempotent_answers_created_at_idx" ON "idempotent_answers"("created_at");

-- Entries about one type of things, newest first.
CREATE INDEX "audit_log_resource_type_audit_id_idx" ON "audit_log"("resource_type", "audit_id");
