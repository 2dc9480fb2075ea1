import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { exitFacts, newId, readAll, request, shell } from '../../../src/conformance/tasks/subject.js'
import { fastestRuntime } from '../../../src/backends/local/fastest-runtime.js'
import { openLocalRuntimes } from '../../../src/backends/local/runtimes.js'
import { openLocalTasks } from '../../../src/backends/local/tasks/open.js'
import { oci } from '../../../src/drivers/runtime.js'
import { localTaskRoot } from '../../setup/local-task-subject.js'
import { mountsBelow, processesNaming } from '../../setup/outside.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-runtimes-'))
})
afterEach(() => rm(directory, { recursive: true }))

it('the fastest runtime is found by running, remembered, and nothing is left of the trial', async () => {
  const table = { gone: oci('no-such-runtime'), runc: oci('runc'), crun: oci('crun') }
  const runtimes = await openLocalRuntimes({ directory, runtimes: table })
  const found = await fastestRuntime(runtimes)
  expect(['runc', 'crun']).toContain(found)
  const state = await readdir(runtimes.state)
  expect(state.filter((name) => name.startsWith('.probe-'))).toEqual([])
  expect(state.filter((name) => name.startsWith('.fastest-'))).toHaveLength(1)
  expect(await processesNaming(directory)).toEqual([])
  // Remembered: a program that would not even run is not asked again.
  const again = await openLocalRuntimes({ directory, runtimes: table })
  expect(await fastestRuntime(again, { signal: AbortSignal.abort(new Error('nothing is to be tried')) })).toBe(found)
})

it('a runtime that does not work here is not the fastest', async () => {
  const runtimes = await openLocalRuntimes({ directory, runtimes: { false: oci('/bin/false'), runc: oci('runc') } })
  expect(await fastestRuntime(runtimes)).toBe('runc')
})

it('what was found is told by the checks, and so is what is missing', async () => {
  const runtimes = await openLocalRuntimes({ directory, runtimes: { crun: oci('crun'), gone: oci('no-such-runtime') } })
  expect(runtimes.checks()).toMatchObject([
    { name: 'runtime crun', answer: 'yes', why: expect.stringContaining('/crun') },
    { name: 'runtime gone', answer: 'no', remedy: expect.stringContaining('no-such-runtime') },
  ])
})

it('gVisor runs owned containers: no process of it is one of the host, and that is told by its features', async () => {
  const root = await localTaskRoot('runc', 'owned')
  const runsc = oci('runsc', {
    globalArgs: ['--platform=ptrace', '--network=none', '--ignore-cgroups'],
    features: { hostPid: false, cgroup: 'sandbox', stats: 'runtime' },
  })
  const runtimes = await openLocalRuntimes({ directory, runtimes: { runsc } })
  expect(runtimes.features('runsc')).toMatchObject({ update: false, pause: true, exec: true, hostPid: false })
  const tasks = await openLocalTasks({ directory: join(directory, 'tasks'), runtimes })
  const asked = await request({ ...root.subject, tasks, runtime: { name: 'runsc' } }, shell('echo hello; exit 3'), {
    stdio: { attach: true },
  })
  const { pid, attachment } = await tasks.run(asked)
  expect(pid).toBeUndefined()
  expect(await readAll(attachment)).toEqual({ stdout: 'hello\n', stderr: '' })
  expect(exitFacts(await tasks.wait(asked))).toEqual({ exitCode: 3, lost: false })
  await attachment?.close()
  await tasks.delete(asked)
  const long = await request({ ...root.subject, tasks, runtime: { name: 'runsc' } }, shell('sleep 1000'))
  await tasks.run(long)
  await expect(tasks.control.processes(long.containerId)).rejects.toMatchObject({ code: 'unsupported' })
  await expect(tasks.control.update(long.containerId, {})).rejects.toMatchObject({ code: 'unsupported' })
  await expect(tasks.control.stats(long.containerId)).rejects.toMatchObject({ code: 'unsupported' })
  await tasks.delete(long, { kill: true })
  expect(await processesNaming(directory)).toEqual([])
  await tasks.close()
  await root.close()
})

it('a container that shares its mounts runs with its root in our namespace, and leaves none there', async () => {
  const root = await localTaskRoot('crun', 'owned')
  const asked = await request(root.subject, shell('sleep 1000'), { containerId: newId() })
  const spec = {
    ...asked.spec,
    mounts: [...(asked.spec['mounts'] as []), { destination: '/tmp', type: 'bind', source: root.directory, options: ['rbind', 'rshared'] }],
  }
  await root.tasks.run({ ...asked, spec })
  expect(await mountsBelow(root.directory)).toEqual([join(root.directory, 'tasks', asked.containerId, 'rootfs')])
  await root.tasks.delete(asked, { kill: true })
  expect(await mountsBelow(root.directory)).toEqual([])
  await root.close()
})
