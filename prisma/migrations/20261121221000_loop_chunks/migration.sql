-- Results of loops that are too many for the state of an open run; gone after its end.
CREATE TABLE "loop_chunks" (
    "run_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "chunk" INTEGER NOT NULL,
    "results" TEXT NOT NULL,

    CONSTRAINT "loop_chunks_pkey" PRIMARY KEY ("run_id", "path", "chunk")
);
