import type { Pack } from '../../src/domain/action.js';
import { artifactsWrite } from './actions/artifacts-write.js';
import { containerExec } from './actions/container-exec.js';
import { blueprintsPromote, blueprintsValidate, draftsSave } from './actions/draft-actions.js';
import { blueprintsTest, draftsDiff } from './actions/draft-checks.js';
import { eventsEmit } from './actions/events-emit.js';
import { httpCall } from './actions/http-call.js';
import { sshRun } from './actions/ssh-run.js';

/** The actions that every installation has (language §3.3). */
export const corePack: Pack = {
  name: 'core',
  version: '0.1.0',
  actions: [
    artifactsWrite,
    blueprintsPromote,
    blueprintsTest,
    blueprintsValidate,
    containerExec,
    draftsDiff,
    draftsSave,
    eventsEmit,
    httpCall,
    sshRun,
  ],
};
