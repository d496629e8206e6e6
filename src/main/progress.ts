import type { WriteStream } from 'node:tty';
import type { StartProgress } from '../servers/reporting.js';

/** Without a terminal a long piece of work is mentioned again after this. */
const REPEAT_MS = 15_000;

/** Shows what is being done and for how long: one line that changes on a terminal, a few lines elsewhere. */
export function terminalProgress(out: NodeJS.WriteStream | WriteStream): {
  show: (progress: StartProgress) => void;
  done: () => void;
} {
  let shown = '';
  let since = 0;
  const clear = (): void => {
    if (out.isTTY && shown !== '') out.write('\r\x1b[2K');
    shown = '';
  };
  return {
    show({ message, elapsedMs }) {
      const seconds = Math.floor(elapsedMs / 1_000);
      if (out.isTTY) {
        clear();
        out.write(`… ${message}${seconds === 0 ? '' : ` (${seconds} s)`}`);
        shown = message;
        return;
      }
      if (message !== shown || elapsedMs - since >= REPEAT_MS) {
        out.write(`${message}${seconds === 0 ? '' : ` (${seconds} s)`}\n`);
        since = elapsedMs;
      }
      shown = message;
    },
    done: clear,
  };
}
