import type { Readable } from 'node:stream';
import { XynFault } from '../domain/fault.js';
import type { StoredContent } from '../artifacts/store.js';

/** The beginning of an artifact's bytes as text, and whether the bytes are what they were. */
export interface ArtifactPreview {
  /** `gone`: the bytes are not on this machine. */
  bytes: 'verified' | 'damaged' | 'gone';
  /** Null: not text, or not to be had. */
  text: string | null;
  isWhole: boolean;
}

/** Bytes that can be opened once they were compared with their digest. */
interface Openable {
  content: StoredContent;
  open: (range?: { first: number; last: number }) => Promise<Readable>;
}

/** A page shows that much; the whole is a download. */
const MOST_BYTES = 64 * 1024;

/**
 * Compares the bytes of an artifact with its digest and reads the beginning of them.
 * @param asText without it nothing is read after the comparison.
 */
export async function previewOf({ content, open }: Openable, asText: boolean): Promise<ArtifactPreview> {
  const last = Math.max(0, Math.min(content.bytes, asText ? MOST_BYTES : 1) - 1);
  try {
    // A range of an empty file is none.
    const stream = await open(content.bytes === 0 ? undefined : { first: 0, last });
    const bytes = await bytesOf(stream);
    return { bytes: 'verified', text: asText ? textOf(bytes) : null, isWhole: bytes.length >= content.bytes };
  } catch (error) {
    if (!(error instanceof XynFault)) throw error;
    if (error.code === 'artifact_damaged') return { bytes: 'damaged', text: null, isWhole: false };
    if (error.code === 'artifact_not_found') return { bytes: 'gone', text: null, isWhole: false };
    throw error;
  }
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Null when the bytes are no UTF-8; a character that the end cuts in two is left out. */
function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return null;
  }
}
