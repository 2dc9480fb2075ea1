import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { exitFacts, minimalProcess, newId, readAll, request, shell } from '../../../src/conformance/tasks/subject.js'
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
  const state = await readdir(runtimes.answers)
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

for (const lifetime of ['owned', 'detached'] as const) {
  it(`gVisor runs ${lifetime} containers and execs in them; no process of it is one of the host, and its features tell so`, async () => {
    const root = await localTaskRoot('runc', lifetime)
    // Without `none`, Debian's takes every network namespace for the machine's own where the kernel shows net.core.rmem_default in all.
    const runsc = oci('runsc', { globalArgs: ['--platform=ptrace', '--network=none', '--ignore-cgroups'] })
    const runtimes = await openLocalRuntimes({ directory, runtimes: { runsc } })
    // The trial of its layout ends, and leaves no sandbox.
    expect(await processesNaming(directory)).toEqual([])
    expect(runtimes.features('runsc')).toMatchObject({
      ...{ pause: true, exec: true, tty: true, update: false },
      ...{ hostPid: false, cgroup: 'sandbox', stats: 'runtime' },
    })
    const tasks = await openLocalTasks({ directory: join(directory, 'tasks'), runtimes })
    const subject = { ...root.subject, tasks, runtime: { name: 'runsc' } }

    const asked = await request(subject, shell('cat; exit 3'), { stdio: { attach: true, stdin: true } })
    const { pid, attachment } = await tasks.run(asked)
    expect(pid).toBeUndefined()
    await attachment?.write(Buffer.from('hello\n'))
    await attachment?.closeStdin()
    expect(await readAll(attachment)).toEqual({ stdout: 'hello\n', stderr: '' })
    expect(exitFacts(await tasks.wait(asked))).toEqual({ exitCode: 3, lost: false })
    await attachment?.close()
    await tasks.delete(asked)

    const terminal = await request(subject, shell('read x; stty size'), { stdio: { attach: true, stdin: true, tty: true } })
    const screen = (await tasks.run(terminal)).attachment
    await screen?.resize({ columns: 100, rows: 40 })
    await screen?.write(Buffer.from('go\n'))
    expect((await readAll(screen)).stdout).toContain('40 100')
    await tasks.wait(terminal)
    await screen?.close()
    await tasks.delete(terminal)

    for (const [command, exitCode] of [['/no/such/command', 127] as const, ['/etc', 126] as const])
      await expect(tasks.run(await request(subject, [command]))).rejects.toMatchObject({ code: 'failed_precondition', exitCode })

    const long = await request(subject, shell('trap "exit 9" TERM; while :; do sleep 0.1; done'))
    await tasks.run(long)
    const exec = async (command: readonly string[]) => {
      const wanted = { containerId: long.containerId, execId: newId(), process: minimalProcess(command) }
      const started = await tasks.exec({ ...wanted, stdio: { tty: false, stdin: false, attach: true } })
      const output = await readAll(started.attachment)
      await started.attachment?.close()
      return { ...output, exitCode: (await tasks.wait(wanted)).exitCode }
    }
    expect(await exec(shell('echo inside; exit 6'))).toEqual({ stdout: 'inside\n', stderr: '', exitCode: 6 })
    expect((await exec(['/no/such/command'])).exitCode).toBe(127)
    await tasks.control.pause(long.containerId)
    expect((await tasks.find(long))?.status).toBe('paused')
    await tasks.control.resume(long.containerId)
    expect((await tasks.find(long))?.status).toBe('running')
    const cannot = { code: 'unsupported' }
    await expect(tasks.control.processes(long.containerId)).rejects.toMatchObject(cannot)
    await expect(tasks.control.update(long.containerId, {})).rejects.toMatchObject(cannot)
    await expect(tasks.control.stats(long.containerId)).rejects.toMatchObject(cannot)
    await tasks.kill(long, 'SIGTERM')
    expect((await tasks.wait(long)).exitCode).toBe(9)
    await tasks.delete(long)
    expect(await processesNaming(directory)).toEqual([])
    await tasks.close()
    await root.close()
  }, 60_000)
}

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
