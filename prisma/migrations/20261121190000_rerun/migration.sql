-- The results that a run takes over from the one that it repeats, until its workflow has them.
CREATE TABLE "run_reuses" (
    "run_id" UUID NOT NULL,
    "entries" JSONB NOT NULL,

    CONSTRAINT "run_reuses_pkey" PRIMARY KEY ("run_id")
);
