import type { PreviewList, PreviewStep } from '../../domain/plan-preview.js';

/** A line of the preview: a step, or the title of a list that does not simply follow. */
export interface PreviewRow {
  depth: number;
  /** Null for a step. */
  title: string | null;
  step: PreviewStep | null;
  /** Place among the steps, from 1. */
  number: number;
  detail: string;
}

/** Targets of one step that are named. */
const MOST_TARGETS = 3;
const MOST_TARGET = 120;

/** The lists of a preview as lines from top to bottom. */
export function previewRows(lists: readonly PreviewList[]): PreviewRow[] {
  const rows: PreviewRow[] = [];
  let number = 0;
  const add = (all: readonly PreviewList[], depth: number): void => {
    for (const list of all) {
      // `on_error: continue` is a handler in which nothing happens.
      if (list.steps.length === 0 && (list.role === 'handler' || list.role === 'finally')) continue;
      const title = titleOf(list);
      if (title !== null) rows.push({ depth, title, step: null, number: 0, detail: '' });
      for (const step of list.steps) {
        number += 1;
        const at = title === null ? depth : depth + 1;
        rows.push({ depth: at, title: null, step, number, detail: detailOf(step, list) });
        add(step.lists ?? [], at + 1);
      }
    }
  };
  add(lists, 0);
  return rows;
}

function titleOf({ role, name, would_run: would }: PreviewList): string | null {
  if (role === 'body') return null;
  if (role === 'finally') return 'at the end, always';
  if (role === 'handler') return name === '*' ? 'only after a failure' : `only after a failure with ${name}`;
  const sure = { yes: '', no: ', not taken', later: ', decided later' }[role === 'case' ? would : 'yes'];
  return `${role} ${name}${sure}`;
}

function detailOf(step: PreviewStep, { would_run: around }: PreviewList): string {
  const { targets = [], later, effect, would_run: would } = step;
  const named = targets.slice(0, MOST_TARGETS).map((one) => one.slice(0, MOST_TARGET));
  const more = targets.length - named.length;
  // The model of an agent is said already.
  const isAgent = step.kind === 'agent_task';
  const where = isAgent ? [] : [...named, ...(more > 0 ? [`${more} more`] : [])];
  const isOpen = effect !== undefined && !isAgent && where.length === 0 && later.length > 0;
  const unknown = isOpen ? `${later.length === 1 ? later.join('') : `${later.length} inputs`} decided later` : '';
  const own = would === around ? '' : would === 'no' ? 'does not run' : 'only if its condition holds';
  return [whatOf(step), where.join(', '), unknown, own].filter((one) => one !== '').join(' · ');
}

function whatOf({ kind, action, targets, lists = [], items }: PreviewStep): string {
  switch (kind) {
    case 'action_task':
      return action ?? '';
    case 'agent_task':
      return (targets ?? []).join(' ');
    case 'gate':
      return 'asks for approval';
    case 'transform':
      return 'computes values';
    case 'wait':
      return 'waits';
    case 'block':
      return 'a block of steps';
    case 'switch':
      return `one of ${lists.filter(({ role }) => role === 'case').length} ways`;
    case 'parallel':
      return `${lists.filter(({ role }) => role === 'branch').length} branches side by side`;
    case 'for_each':
      return typeof items === 'number' ? `for each of ${items} ${items === 1 ? 'item' : 'items'}` : 'for each item';
  }
}
