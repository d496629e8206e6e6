import type { RunDto, WaitingOn } from '../domain/dtos.js';

/** What to do about a run that is stuck for a reason: a sentence with a command. */
export function nextStepFor(run: Pick<RunDto, 'run_id'>, reason: WaitingOn): string {
  const id = run.run_id.slice(0, 8);
  switch (reason.kind) {
    case 'worker':
      return reason.pollers === 0
        ? `No worker polls the queue ${reason.queue}: start one (\`xynctl up\`, or the xyn-worker service), then \`xynctl runs watch ${id}\`.`
        : `Workers poll the queue ${reason.queue}, but none took the task: a killed one is still counted for a minute. \`xynctl status\` shows the workers; if none runs, start one.`;
    case 'worker_lost':
      return `Another worker takes over within ten seconds: follow it with \`xynctl runs watch ${id}\`; if it stays, check the workers with \`xynctl status\`.`;
    case 'defect':
      return `A defect of Xyn stops this run until a fixed worker is deployed; save \`xynctl runs show ${id} --json\` for the report, check the fix with \`xynctl replay ${id}\`.`;
    case 'unknown':
      return 'Temporal does not answer: check its server with `xynctl status`; the run goes on when it is back.';
    case 'start':
      return 'The run is not handed to Temporal yet: check that API and Temporal run with `xynctl status`.';
    case 'cancel':
      return `A step does not end after the cancel: \`xynctl runs show ${id}\` names it; its worker has to be stopped if it never does.`;
    case 'record':
      return reason.execution === 'not_found'
        ? `Temporal does not know the run; it is given up as failed (lost_execution) within about a minute: see \`xynctl runs show ${id}\`, then start it again.`
        : `The reconciler completes its records within seconds: look again with \`xynctl runs show ${id}\`; if it stays, check the API's log.`;
    case 'decision':
      return `A worker takes long to decide: \`xynctl status\` shows whether workers are there; the task is given to another one after ten seconds.`;
    case 'step':
    case 'gate':
    case 'retry':
    case 'timer':
    case 'place':
      return `Nothing is wrong: follow it with \`xynctl runs watch ${id}\`.`;
  }
}
