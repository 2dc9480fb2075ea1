// What a runtime finds in its environment, told by a script in its place.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runtimeEnvironment } from '../../../src/backends/host/runtimes/runtime-environment.js'
import { newId, request, shell } from '../../../src/conformance/tasks/subject.js'
import { oci } from '../../../src/drivers/runtime.js'
import { localTaskRoot } from '../../setup/local-task-subject.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-environment-'))
})
afterEach(() => rm(directory, { recursive: true }))

it.each(['owned', 'detached'] as const)('every call of a runtime has its variables, and ours: %s', async (lifetime) => {
  const script = join(directory, 'runtime')
  const calls = join(directory, 'calls')
  await writeFile(script, `#!/bin/sh\necho "$GIVEN $_LIBCONTAINER_STATEDIR $*" >>${calls}\nexec crun "$@"\n`, { mode: 0o755 })
  const root = await localTaskRoot('told', lifetime, { runtimes: { told: oci(script, { env: { GIVEN: 'yes' } }) } })
  await writeFile(calls, '')
  const asked = await request(root.subject, shell('sleep 1000'))
  const exec = { containerId: asked.containerId, execId: newId() }
  const trueProcess = { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: '/' }
  try {
    await root.tasks.run(asked)
    await root.tasks.exec({ ...exec, process: trueProcess, stdio: { tty: false, stdin: false, attach: false } })
    await root.tasks.wait(exec)
    await root.tasks.control.pause(asked.containerId)
    await root.tasks.control.resume(asked.containerId)
    await root.tasks.control.update(asked.containerId, { pids: { limit: 100 } })
  } finally {
    await root.tasks.delete(asked, { kill: true })
    await root.close()
  }
  const seen = (await readFile(calls, 'utf8')).trim().split('\n')
  // In the foreground it takes away what it kept by itself.
  for (const verb of ['exec', 'pause', 'resume', 'update', ...(lifetime === 'owned' ? ['run'] : ['create', 'start', 'delete'])])
    expect(seen, verb).toContainEqual(expect.stringMatching(new RegExp(` ${verb} `)))
  // Its mounts are its own: what it binds goes with them, and its file with the task.
  const within = new RegExp(`^yes ${root.directory}/tasks/${asked.containerId} .* run `)
  const general = `yes ${runtimeEnvironment()['_LIBCONTAINER_STATEDIR'] ?? ''} `
  expect(seen.filter((line) => !line.startsWith(general) && !within.test(line))).toEqual([])
})

it('a crun that is killed as it starts leaves no file and no mount', async () => {
  const script = `
mount -t tmpfs none /tmp
for turn in $(seq 100); do
  timeout -s KILL "0.00$((turn % 9 + 1))" crun --root /run state none || :
done >/dev/null 2>&1
ls /tmp
grep /crun /proc/self/mountinfo || :
`
  const env = { ...process.env, ...runtimeEnvironment() }
  const { stdout } = await promisify(execFile)('unshare', ['--mount', '/bin/sh', '-c', script], { env })
  expect(stdout).toBe('')
})
