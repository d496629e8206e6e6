-- Old answers are found by their age.
CREATE INDEX "idempotent_answers_created_at_idx" ON "idempotent_answers"("created_at");
