import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { collect } from '../../../src/conformance/suite.js'
import { newId, readUntil, request, shell } from '../../../src/conformance/tasks/subject.js'
import { fastestRuntime } from '../../../src/backends/local/fastest-runtime.js'
import { checkRuntimes } from '../../../src/backends/local/runtime-trials.js'
import { openLocalRuntimes } from '../../../src/backends/local/runtimes.js'
import { oci } from '../../../src/drivers/runtime.js'
import { gvisor } from '../../setup/gvisor.js'
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

it('what was found out by one root is not asked again by another, and what a killed one left half-written goes', async () => {
  const calls = join(directory, 'calls')
  const script = join(directory, 'runtime')
  await writeFile(script, `#!/bin/sh\necho "$*" >>${calls}\nexec crun "$@"\n`, { mode: 0o755 })
  const open = (root: string) =>
    openLocalRuntimes({
      directory: join(directory, root),
      answersDirectory: join(directory, 'answers'),
      runtimes: { runc: oci('runc'), told: oci(script) },
    })
  const first = await open('one')
  const fastest = await fastestRuntime(first)
  expect(await readFile(calls, 'utf8')).toContain(' run ')
  await writeFile(calls, '')
  const torn = join(first.answers, 'filter-torn.bpf.0123456789ab')
  await writeFile(torn, '')
  await utimes(torn, 0, 0)
  const second = await open('two')
  expect(await fastestRuntime(second)).toBe(fastest)
  expect(await readFile(calls, 'utf8')).toBe('')
  expect(second.features('told')).toEqual(first.features('told'))
  expect(await readdir(second.answers)).not.toContain('filter-torn.bpf.0123456789ab')
})

it.each([1, 3, 5])('with room for %s files what was found out is kept as far as it goes, and found out all the same', async (inodes) => {
  const answers = join(directory, 'answers')
  await mkdir(answers)
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=64k,nr_inodes=${inodes}`, 'tmpfs', answers])
  try {
    const runtimes = await openLocalRuntimes({ directory, answersDirectory: answers, runtimes: { crun: oci('crun'), runc: oci('runc') } })
    expect(['runc', 'crun']).toContain(await fastestRuntime(runtimes))
    expect(await checkRuntimes(runtimes)).toMatchObject([{ answer: 'yes' }, { answer: 'yes' }])
  } finally {
    await promisify(execFile)('umount', [answers])
  }
})

it('what could not be asked is asked again', async () => {
  const script = join(directory, 'runtime')
  // Killed at the first time, as by a time limit.
  await writeFile(script, `#!/bin/sh\nmkdir ${directory}/first 2>/dev/null && kill -9 $$\nexec crun "$@"\n`, { mode: 0o755 })
  const open = () => openLocalRuntimes({ directory, runtimes: { told: oci(script) } })
  await open()
  await rm(join(directory, 'first'), { recursive: true })
  await mkdir(join(directory, 'first'))
  const kept = async (): Promise<readonly string[]> =>
    (await readdir((await open()).answers)).filter((name) => name.startsWith('.answers-'))
  expect(await kept()).toHaveLength(1)
  expect((await open()).resolve({ name: 'told' }).form.keeps).toBe(false)
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

it('gVisor is a kernel of its own, seen from inside; what it cannot is told by its features, and it leaves nothing', async () => {
  const runtimes = await openLocalRuntimes({ directory, runtimes: { runsc: gvisor } })
  // The trial of its layout ends, and leaves no sandbox.
  expect(await processesNaming(directory)).toEqual([])
  expect(runtimes.features('runsc')).toMatchObject({
    ...{ pause: true, exec: true, tty: true, update: false },
    ...{ hostPid: false, cgroup: 'sandbox', stats: 'runtime' },
  })
  const root = await localTaskRoot('runsc', 'owned', { runtimes: { runsc: gvisor }, answers: directory })
  const asked = await request(root.subject, shell('/bin/busybox dmesg; cat /proc/version; read x'), {
    stdio: { attach: true, stdin: true },
  })
  const { pid, attachment } = await root.tasks.run(asked)
  expect(pid).toBeUndefined()
  const kernel = await readUntil(attachment, 'Linux version')
  expect(kernel).toContain('Starting gVisor')
  expect(kernel).not.toContain(release())
  expect((await processesNaming(root.directory)).some((one) => one.includes('runsc-sandbox'))).toBe(true)
  const { control } = root.tasks
  for (const act of ['stats', 'processes', 'update'] as const)
    await expect(control[act](asked.containerId, {})).rejects.toMatchObject({ code: 'unsupported' })
  await attachment?.close()
  await root.tasks.delete(asked, { kill: true })
  expect(await processesNaming(root.directory)).toEqual([])
  await root.close()
})

it('what gVisor still keeps of a container whose files were lost is found and removed', async () => {
  const root = await localTaskRoot('runsc', 'detached', { runtimes: { runsc: gvisor }, answers: directory })
  const asked = await request(root.subject, shell('sleep 1000'))
  const lost = await root.open()
  await lost.run(asked)
  await lost.close()
  await root.forget(asked.containerId)
  expect(await collect(root.tasks.list())).toMatchObject([{ ref: { containerId: asked.containerId }, status: 'running' }])
  await root.tasks.delete(asked, { kill: true })
  expect(await collect(root.tasks.list())).toEqual([])
  expect(await processesNaming(root.directory)).toEqual([])
  await root.close()
})

/** gVisor where it finds fault with the network, which it does when its sandbox is there already. */
const faultFinding = `#!/bin/sh
case " $* " in *" start "*) echo 'starting: cannot run with network enabled in root network namespace' >&2; exit 1;; esac
exec runsc --network=none --ignore-cgroups "$@"
`
it('a runtime that does not work here is told by the checks and by a run with its own words and what helps, and leaves nothing', async () => {
  const program = join(directory, 'fault-finding')
  await writeFile(program, faultFinding, { mode: 0o755 })
  const table = { wanting: oci(program), exits: oci('/bin/false'), runc: oci('runc') }
  const runtimes = await openLocalRuntimes({ directory, runtimes: table })
  const said = 'cannot run with network enabled in root network namespace'
  const remedy = expect.stringContaining('--network=none')
  expect(await checkRuntimes(runtimes)).toMatchObject([
    { name: 'runtime wanting', answer: 'no', why: expect.stringContaining(said), remedy },
    { name: 'runtime exits', answer: 'no', why: expect.stringContaining('does not run') },
    { name: 'runtime runc', answer: 'yes' },
  ])
  const root = await localTaskRoot('wanting', 'detached', { runtimes: table, answers: directory })
  const run = root.tasks.run(await request(root.subject, shell('exit 0')))
  await expect(run).rejects.toMatchObject({ code: 'failed_precondition', message: remedy })
  expect(await root.taskNames()).toEqual([])
  await root.close()
  expect(await processesNaming(root.directory)).toEqual([])
  expect(await processesNaming(directory)).toEqual([])
})

it('a runtime that ran a container is not tried again in this boot, unless its arguments are others', async () => {
  const open = (globalArgs: readonly string[]) => openLocalRuntimes({ directory, runtimes: { runc: oci('runc', { globalArgs }) } })
  const signal = AbortSignal.abort(new Error('nothing is to be tried'))
  await expect(checkRuntimes(await open([]), { signal })).rejects.toThrow('nothing is to be tried')
  await checkRuntimes(await open([]))
  expect(await checkRuntimes(await open([]), { signal })).toMatchObject([{ answer: 'yes' }])
  await expect(checkRuntimes(await open(['--debug']), { signal })).rejects.toThrow('nothing is to be tried')
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
