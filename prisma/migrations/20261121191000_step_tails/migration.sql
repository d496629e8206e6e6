-- The newest lines of what an attempt prints while it runs; its log replaces them at its end.
CREATE TABLE "step_tails" (
    "step_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "attempt" INTEGER NOT NULL,
    "counted" INTEGER NOT NULL,
    "lines" JSONB NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "step_tails_pkey" PRIMARY KEY ("step_id")
);

CREATE INDEX "step_tails_run_id_idx" ON "step_tails"("run_id");
CREATE INDEX "step_tails_updated_at_idx" ON "step_tails"("updated_at");
