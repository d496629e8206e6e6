/** The kinds of problem that a verification names. */
export type ProblemKind =
  | 'edited'
  | 'missing'
  | 'reordered'
  | 'gap'
  | 'inserted'
  | 'tail_cut'
  | 'head_signature'
  | 'heads_missing'
  | 'chain_rewritten';

/** What to do about a trail that is not whole, in the order in which to do it. */
export function whatToDo(kind: ProblemKind): readonly string[] {
  if (kind === 'tail_cut') {
    return [
      'Ask whether the catalog was restored from a backup: then this is the truth, and the heads folder is moved aside to begin a new series.',
      'Otherwise keep the database and the heads folder as they are, and compare both with the copies kept elsewhere.',
    ];
  }
  if (kind === 'head_signature' || kind === 'heads_missing') {
    return [
      'Compare heads.jsonl and the keys in the state folder with the copy kept elsewhere, and put the right ones back.',
      'Then verify again; until then the heads prove nothing.',
    ];
  }
  return [
    'Keep the database and the heads folder as they are: what was there is still in your backups.',
    'Run “xynctl audit verify --json” from another machine, with the copy of the heads that is kept elsewhere.',
    'Compare the entry with the one in the newest backup, and find out who could write to the database as its owner.',
  ];
}
