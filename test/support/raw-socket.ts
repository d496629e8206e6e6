import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  text: string;
  /** From the first byte sent to the end of the connection. */
  ms: number;
}

/**
 * Sends bytes as they are and waits until the other side ends the connection.
 * @param drive sends more; its connection is the argument.
 */
export function rawExchange(port: number, first: string, drive?: (socket: Socket) => void): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    // A connection that is cut while one writes is an answer too.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ text, ms: performance.now() - startedAt }));
    if (first !== '') socket.write(first);
    drive?.(socket);
  });
}

/** Sends the same bytes at an interval until the connection ends. */
export function drip(bytes: string, everyMs: number): (socket: Socket) => void {
  return (socket) => {
    const timer = setInterval(() => socket.writable && socket.write(bytes), everyMs);
    socket.on('close', () => clearInterval(timer));
  };
}

/** Status lines of all answers on one connection, in order. */
export function statusesOf({ text }: RawAnswer): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
