/** A word as a POSIX shell takes it literally. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_/:.,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What is sent: the shell says who it is, gets the variables, then runs the command. sshd makes it leader of its group. */
export function remoteCommand(command: string, env: Readonly<Record<string, string>>): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}; `);
  return `printf 'xyn-group:%s\\n' "$$" >&2; ${exports.join('')}${command}`;
}
