import type { ArtifactReference } from '../../src/domain/artifact-reference.js';
import type { LoopChunks, StepArtifacts } from '../../src/domain/artifacts.js';
import { sha256Hex, uuidV5 } from '../../src/domain/hash.js';
import type { Json } from '../../src/domain/json.js';

/** What workers keep of large results, for as long as this process lives: where no catalog is. */
export function memoryArtifacts(): { artifacts: StepArtifacts; chunks: LoopChunks } {
  const values = new Map<string, Json>();
  const parts = new Map<string, readonly Json[]>();
  return {
    artifacts: {
      keep({ runId, path }, name, value): Promise<ArtifactReference> {
        const artifact = uuidV5(runId, `${path}/${name}`);
        const text = JSON.stringify(value);
        values.set(artifact, value);
        return Promise.resolve({ artifact, sha256: sha256Hex(text), bytes: Buffer.byteLength(text) });
      },
      resolve: (_runId, { artifact }) => Promise.resolve(values.get(artifact)),
      log: () => ({ write: () => undefined, close: () => Promise.resolve(undefined) }),
    },
    chunks: {
      add({ runId, path, chunk }, results) {
        parts.set(`${runId}/${path}/${chunk}`, results);
        return Promise.resolve();
      },
      all: ({ runId, path }, chunks) =>
        Promise.resolve(
          Array.from({ length: chunks }, (_, chunk) => parts.get(`${runId}/${path}/${chunk}`) ?? []).flat(),
        ),
    },
  };
}
