/** What a caller must be allowed to do; `open` needs nothing. While everything is open on loopback nobody asks. */
export type Privilege =
  | 'open'
  | 'event.read'
  | 'event.emit'
  | 'run.read'
  | 'run.create'
  | 'run.cancel'
  | 'gate.read'
  | 'gate.decide'
  | 'audit.read'
  | 'audit.verify'
  | 'artifact.read'
  | 'artifact.create'
  | 'blueprint.read'
  | 'blueprint.validate'
  | 'blueprint.apply'
  | 'action.execute';
