// What OCI runtimes say when a command cannot be run, as they word it. Of crun 1.8, runc 1.1 and runsc 20221219,
// recorded; all keep their words from release to release.

export interface CommandFailure {
  /** As a shell would exit. */
  readonly exitCode: 126 | 127
  readonly why: string
}
interface Pattern extends CommandFailure {
  readonly text: RegExp
}

// First match wins.
const patterns: readonly Pattern[] = [
  // runc: exec: "x": executable file not found in $PATH / crun: executable file `x` not found in $PATH
  { text: /executable file .*not found in \$PATH/, exitCode: 127, why: 'was not found' },
  // runc: exec: "/x": stat /x: no such file or directory
  { text: /exec: "(?:[^"\\]|\\.)*": stat .*: no such file or directory/, exitCode: 127, why: 'was not found' },
  // runc, through a file: exec: "/etc/passwd/x": stat /etc/passwd/x: not a directory / crun: open executable: Not a directory
  { text: /exec: "(?:[^"\\]|\\.)*": stat .*: not a directory|open executable: Not a directory/, exitCode: 127, why: 'was not found' },
  { text: /open executable: No such file or directory/, exitCode: 127, why: 'was not found' },
  // runc: exec: "/etc": permission denied, or is a directory (1.2) / crun: open executable: Operation not permitted, for a directory
  { text: /exec: "(?:[^"\\]|\\.)*": (?:permission denied|is a directory)/, exitCode: 126, why: 'is not executable' },
  { text: /open executable: (?:Permission denied|Operation not permitted|Is a directory)/, exitCode: 126, why: 'is not executable' },
  // crun, of an exec only: it waits for execve(2) itself
  { text: /(?:^|[\s:])exec: (?:Permission denied|Exec format error|Is a directory)/, exitCode: 126, why: 'is not executable' },
  { text: /(?:^|[\s:])exec: No such file or directory/, exitCode: 127, why: 'needs an interpreter that was not found' },
  // runsc: error finding executable "x" in PATH [/bin]: no such file or directory
  { text: /error finding executable .* in PATH /, exitCode: 127, why: 'was not found' },
  // runsc: failed to load /x: no such file or directory
  { text: /failed to load .*: (?:no such file or directory|not a directory)/, exitCode: 127, why: 'was not found' },
  { text: /failed to load .*: (?:permission denied|exec format error)/, exitCode: 126, why: 'is not executable' },
  // runc: mkdir /etc/passwd: not a directory; chdir to cwd ("/x") set in config.json failed: … / crun: chdir `/x`: …
  { text: /error during container init: mkdir .*: not a directory/, exitCode: 126, why: 'has a working directory that is no directory' },
  {
    text: /chdir to cwd .* failed: (?:not a directory|no such file or directory|permission denied)/,
    exitCode: 126,
    why: 'has a working directory that cannot be used',
  },
  {
    text: /chdir `.*`: (?:Not a directory|No such file or directory|Permission denied)/,
    exitCode: 126,
    why: 'has a working directory that cannot be used',
  },
]

/** Undefined: the runtime failed for another reason. */
export function commandFailure(text: string): CommandFailure | undefined {
  const found = patterns.find((pattern) => pattern.text.test(text))
  return found && { exitCode: found.exitCode, why: found.why }
}
