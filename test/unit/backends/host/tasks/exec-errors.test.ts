import { describe, expect, it } from 'vitest'
import { commandFailure } from '../../../../../src/backends/host/tasks/exec-errors.js'

// As recorded of runc 1.1.5, crun 1.8.1 and runsc 20221219.
const runc = 'OCI runtime create failed: runc create failed: unable to start container process: '
const texts: readonly (readonly [string, number])[] = [
  [`${runc}exec: "missing": executable file not found in $PATH`, 127],
  [`${runc}exec: "/bin/missing": stat /bin/missing: no such file or directory`, 127],
  [`${runc}exec: "": executable file not found in $PATH`, 127],
  [`${runc}exec: "/etc/afile/x": stat /etc/afile/x: not a directory`, 127],
  [`${runc}exec: "/etc": permission denied`, 126],
  [`${runc}exec: "/etc": is a directory`, 126],
  [`${runc}error during container init: mkdir /etc/afile: not a directory`, 126],
  ['exec failed: unable to start container process: chdir to cwd ("/etc/afile") set in config.json failed: not a directory', 126],
  ['exec failed: unable to start container process: chdir to cwd ("/no/such") set in config.json failed: no such file or directory', 126],
  ['OCI runtime create failed: executable file `missing` not found in $PATH: No such file or directory', 127],
  ['open executable: Not a directory', 127],
  ['open executable: Permission denied', 126],
  ['open executable: Operation not permitted', 126],
  ['chdir `/etc/afile`: Not a directory', 126],
  ['OCI runtime exec failed: exec: Exec format error', 126],
  ['OCI runtime exec failed: exec: No such file or directory', 127],
  ['starting sandbox: error finding executable "missing" in PATH [/bin]: no such file or directory', 127],
]
describe('commandFailure', () => {
  it.each(texts)('knows "%s" as an exit with %i', (text, exitCode) => {
    expect(commandFailure(text)?.exitCode).toBe(exitCode)
  })
  it.each([
    'runc create failed: unable to start container process: error during container init: error mounting "/x" to rootfs at "/y": stat /x: no such file or directory',
    'failed to mount rootfs component: no such file or directory',
    'cgroups in hybrid mode not supported, drop all controllers from cgroupv2',
    "runc create failed: unable to start container process: can't get final child's PID from pipe: EOF",
    'mount `proc` to `/proc`: Permission denied',
    'ttrpc: closed: unknown',
  ])('takes "%s" for no fault of the command', (text) => {
    expect(commandFailure(text)).toBeUndefined()
  })
})
