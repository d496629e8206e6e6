import { XynFault } from '../domain/fault.js';

/** One message of a stream of server-sent events. */
export interface StreamedMessage {
  type: string;
  /** Where to go on after it; empty: where the last one said. */
  id: string;
  data: string;
}

/** Characters of one message, at most: a snapshot of a run with 500 steps and their results. */
const MAX_MESSAGE = 64 * 1_048_576;

/**
 * The messages of a body of server-sent events; a message that its end cuts off is not given. Heartbeats are not given
 * either, `onSign` is called for every piece that comes.
 * @throws XynFault `not_running` when what comes is no such stream.
 */
export async function* readEventStream(
  body: AsyncIterable<Uint8Array>,
  onSign: () => void,
): AsyncGenerator<StreamedMessage> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onSign();
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_MESSAGE) throw new XynFault('not_running', 'What comes is no stream of Xyn.');
    for (const block of blocks) {
      const message = messageOf(block);
      if (message !== undefined) yield message;
    }
  }
}

function messageOf(block: string): StreamedMessage | undefined {
  const fields: Record<string, string> = {};
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name !== '') fields[name] = value;
  }
  if (data.length === 0) return undefined;
  return { type: fields['event'] ?? 'message', id: fields['id'] ?? '', data: data.join('\n') };
}
