import { readdirSync, readFileSync } from 'node:fs';

/** `/proc` counts in hundredths of a second. */
const TICK_MS = 10;

/** CPU time of a moment, milliseconds. */
export interface CpuReading {
  at: number;
  /** All processes of the machine. */
  machineMs: number;
  /** Each group of processes that was asked for, with their descendants, ended ones included. */
  groupMs: Record<string, number>;
}

interface Process {
  parent: number;
  ticks: number;
}

function processes(): Map<number, Process> {
  const found = new Map<number, Process>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name is in brackets and may hold blanks.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      const at = (ix: number): number => fields[ix] ?? 0;
      // utime, stime, and those of children that ended and were waited for.
      found.set(Number(entry), { parent: at(1), ticks: at(11) + at(12) + at(13) + at(14) });
    } catch {
      // It ended between the two calls.
    }
  }
  return found;
}

/** Each process counts for the nearest of the roots above it. */
function ticksByRoot(all: Map<number, Process>, roots: ReadonlySet<number>): Map<number, number> {
  const ticks = new Map<number, number>();
  for (const [pid, process] of all) {
    let ancestor: number | undefined = pid;
    while (ancestor !== undefined && ancestor > 0 && !roots.has(ancestor)) ancestor = all.get(ancestor)?.parent;
    if (ancestor !== undefined && ancestor > 0) ticks.set(ancestor, (ticks.get(ancestor) ?? 0) + process.ticks);
  }
  return ticks;
}

/**
 * Reads what groups of processes have used. On systems without `/proc` undefined: samples are kept then, without a word
 * about what else ran.
 * @param roots the first process of each group.
 */
export function readCpu(roots: Record<string, number>): CpuReading | undefined {
  let line: string;
  try {
    line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '';
  } catch {
    return undefined;
  }
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line.trim().split(/\s+/).slice(1).map(Number);
  const ticks = ticksByRoot(processes(), new Set(Object.values(roots)));
  const groupMs = Object.fromEntries(
    Object.entries(roots).map(([name, root]) => [name, (ticks.get(root) ?? 0) * TICK_MS]),
  );
  return { at: performance.now(), machineMs: (user + nice + system + irq + softIrq) * TICK_MS, groupMs };
}

/** What happened between two readings. */
export interface CpuUse {
  /** Cores that processes other than ours kept busy, on average. */
  foreignCores: number;
  /** Milliseconds by group. */
  groupMs: Record<string, number>;
}

/** The use between two readings of the same groups. */
export function cpuBetween(before: CpuReading | undefined, after: CpuReading | undefined): CpuUse | undefined {
  if (!before || !after) return undefined;
  const groupMs = Object.fromEntries(
    Object.entries(after.groupMs).map(([name, ms]) => [name, ms - (before.groupMs[name] ?? 0)]),
  );
  const ours = Object.values(groupMs).reduce((sum, ms) => sum + ms, 0);
  const foreign = Math.max(0, after.machineMs - before.machineMs - ours);
  return { foreignCores: foreign / (after.at - before.at), groupMs };
}
