// Keeps two processes from building at once. A lock whose owner is dead is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync, linkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const pollMs = 200;
// A build takes about a minute on a slow machine; longer than this means that the owner hangs.
const waitAtMostMs = 10 * 60_000;

function ownerOf(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function take(file) {
  // Written aside and linked, so that nobody ever reads a lock without its owner in it.
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine, { force: true });
  }
}

function removeDead(file, owner) {
  const aside = `${file}.dead.${process.pid}`;
  try {
    renameSync(file, aside);
    // Somebody else may have replaced the dead lock in between: give a living one back.
    if (ownerOf(aside) !== owner) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Runs `work` while holding the lock `file`; waits for a living owner, at most ten minutes.
 * @param {string} file
 * @param {() => Promise<void>} work
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + waitAtMostMs;
  let said = false;
  while (!take(file)) {
    const owner = ownerOf(file);
    if (owner !== undefined && !isAlive(owner)) {
      removeDead(file, owner);
      continue;
    }
    if (Date.now() > deadline)
      throw new Error(`Process ${owner} has been building for ten minutes; end it or remove ${file}.`);
    if (!said) console.log(`build: waiting for process ${owner ?? '?'}, which builds already`);
    said = true;
    await pause(pollMs);
  }
  try {
    await work();
  } finally {
    rmSync(file, { force: true });
  }
}
