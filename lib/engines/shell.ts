/** A command as a line of a POSIX shell. */
export function formatCommand(command: readonly string[]): string {
  return command.map(quote).join(" ");
}

/** A word of a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
