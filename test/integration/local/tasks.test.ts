import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../../../src/conformance/suite.js'
import { exitFacts, logLines, minimalProcess, newId, readAll, request, shell } from '../../../src/conformance/tasks/subject.js'
import type { TaskRequest } from '../../../src/ports/engine/tasks.js'
import { type Programs, bundleProgram } from '../../setup/child-program.js'
import { type LocalTaskRoot, localTaskRoot } from '../../setup/local-task-subject.js'
import { filesBelow, mountsBelow, openDescriptors, processesLeft, processesNaming } from '../../setup/outside.js'

let programs: Programs
beforeAll(async () => {
  programs = await bundleProgram('local-task')
})
afterAll(() => programs.close())

const cgroupsLeft = async (): Promise<string[]> => {
  const hierarchies = (await readdir('/sys/fs/cgroup', { withFileTypes: true })).filter((entry) => entry.isDirectory())
  const names = await Promise.all(hierarchies.map(({ name }) => readdir(join('/sys/fs/cgroup', name)).catch(() => [])))
  return names.flat().filter((name) => name.startsWith(`pouch-sdk-suite-${process.pid}-`))
}
/** All that a task may leave, seen from outside. */
async function leftovers(root: LocalTaskRoot): Promise<unknown> {
  // First: a runtime whose owner was killed takes its state and its control group away as it ends.
  const processes = await processesLeft(root.directory)
  const state = await filesBelow(join(root.directory, 'runtimes/state'))
  return {
    tasks: await root.taskNames(),
    cgroups: await cgroupsLeft(),
    processes,
    // A runtime's own directory stays; a container's is two below it.
    state: state.filter((path) => /^[^/]+\/[^./][^/]*\/pouch-sdk\/./.test(path)),
    mounts: await mountsBelow(root.directory),
  }
}
const nothing = { tasks: [], cgroups: [], processes: [], state: [], mounts: [] }
const line = 'i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); [ $((i%10)) = 0 ] && sleep 0.02; done; exit 7'

describe.each(['runc', 'crun'])('detached tasks with %s', (runtime) => {
  let root: LocalTaskRoot
  beforeEach(async () => {
    root = await localTaskRoot(runtime, 'detached')
    return async () => {
      expect(await leftovers(root)).toEqual(nothing)
      await root.close()
    }
  })

  it('a task outlives the process that started it: output and exit code are complete, attaching works again', async () => {
    const asked = await request(root.subject, shell(`read x; ${line}`), { stdio: { stdin: true } })
    const child = programs.start([root.directory, JSON.stringify(asked)])
    await child.next()
    await child.kill()
    expect((await root.tasks.find(asked))?.status).toBe('running')
    const attachment = await root.tasks.io.attach(asked)
    await attachment.write(Buffer.from('go\n'))
    const lines = [...Array(300).keys()].map((number) => `line ${number}`)
    expect((await readAll(attachment)).stdout).toBe(`${lines.join('\n')}\n`)
    await attachment.close()
    expect(exitFacts(await root.tasks.wait(asked))).toEqual({ exitCode: 7, lost: false })
    await root.tasks.delete(asked)
    expect(await logLines(root.tasks.io.logs(root.subject.log(asked.containerId)))).toEqual(lines.map((text) => `stdout ${text}`))
  })

  it('an exit that nobody was there to see is told with its real code', async () => {
    const asked = await request(root.subject, shell('read x; exit 9'), { stdio: { stdin: true, attach: true } })
    const child = programs.start([root.directory, JSON.stringify(asked)])
    const { pid } = await child.next<{ readonly pid: number }>()
    await child.kill()
    const attachment = await root.tasks.io.attach(asked)
    await attachment.write(Buffer.from('go\n'))
    await attachment.close()
    while ((await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')).match(/\) [^Z]/) !== null) await sleep(5)
    expect(exitFacts(await root.subject.theirs.wait(asked))).toEqual({ exitCode: 9, lost: false })
    await root.tasks.delete(asked)
  })

  it('a task whose shim was killed is lost, and its processes do not go on', async () => {
    const asked = await request(root.subject, shell('echo before; sleep 1000'))
    await root.tasks.run(asked)
    const waiting = root.tasks.wait(asked)
    const [shim = ''] = (await processesNaming(`-id ${asked.containerId}-`)).filter((one) => one.includes('containerd-shim'))
    process.kill(Number.parseInt(shim, 10), 'SIGKILL')
    expect(exitFacts(await waiting)).toEqual({ exitCode: 255, lost: true })
    expect((await root.subject.theirs.wait(asked)).lost).toBe(true)
    await root.tasks.delete(asked)
  })

  it('the mounts of a task are seen by nobody else', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    await root.tasks.run(asked)
    expect(await mountsBelow(root.directory)).toEqual([])
    await root.tasks.delete(asked, { kill: true })
  })

  it('a root below a path longer than a socket may have runs tasks, too', async () => {
    const deep = await localTaskRoot(runtime, 'detached', { below: 'a-directory-of-forty-characters-and-more/'.repeat(4) })
    const asked = await request(deep.subject, shell('exit 3'))
    await deep.tasks.run(asked)
    expect((await deep.subject.theirs.wait(asked)).exitCode).toBe(3)
    await deep.tasks.delete(asked)
    expect(await leftovers(deep)).toEqual(nothing)
    await deep.close()
  })

  it('list tells of a task whose files were lost, and delete removes it', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    const child = programs.start([root.directory, JSON.stringify(asked)])
    await child.next()
    await child.kill()
    await root.forget(asked.containerId)
    expect(await root.tasks.find(asked)).toBeUndefined()
    expect(await collect(root.tasks.list())).toMatchObject([{ ref: { containerId: asked.containerId }, status: 'running' }])
    await root.tasks.delete(asked, { kill: true })
    expect(await collect(root.tasks.list())).toEqual([])
  })
})

describe.each(['runc', 'crun'])('owned tasks with %s', (runtime) => {
  let root: LocalTaskRoot
  beforeEach(async () => {
    root = await localTaskRoot(runtime, 'owned')
    return async () => {
      expect(await leftovers(root)).toEqual(nothing)
      await root.close()
    }
  })

  it('runs in the foreground: no shim, and no mount that anybody sees', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    await root.tasks.run(asked)
    expect((await processesNaming(asked.containerId)).some((one) => one.includes('containerd-shim'))).toBe(false)
    expect(await mountsBelow(root.directory)).toEqual([])
    await root.tasks.delete(asked, { kill: true })
  })

  it('what a killed owner left runs on and is removed by another', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    const child = programs.start([root.directory, JSON.stringify(asked)])
    const { pid } = await child.next<{ readonly pid: number }>()
    const waiting = root.tasks.wait(asked)
    await child.kill()
    expect(await root.tasks.find(asked)).toMatchObject({ status: 'running', pid })
    await root.tasks.delete(asked, { kill: true })
    expect((await waiting).lost).toBe(true)
    expect(await root.tasks.repair()).toEqual([expect.stringContaining('which was left by a crash')])
  })

  it('an end that its killed owner did not see is lost, not guessed', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    const child = programs.start([root.directory, JSON.stringify(asked)])
    const { pid } = await child.next<{ readonly pid: number }>()
    const waiting = root.tasks.wait(asked)
    await child.kill()
    process.kill(pid, 'SIGKILL')
    expect(exitFacts(await waiting)).toEqual({ exitCode: 255, lost: true })
    await root.tasks.delete(asked)
    await root.tasks.repair()
  })

  it('another process sees the end with its code and all output, and closes its input', async () => {
    const asked = await request(root.subject, shell('cat; echo after; exit 6'), { stdio: { stdin: true, attach: true } })
    const { attachment } = await root.tasks.run(asked)
    const theirs = await root.subject.theirs.io.attach(asked)
    await theirs.write(Buffer.from('hello\n'))
    await theirs.closeStdin()
    expect(await readAll(attachment)).toEqual({ stdout: 'hello\nafter\n', stderr: '' })
    expect((await root.subject.theirs.wait(asked)).exitCode).toBe(6)
    expect((await readAll(theirs)).stdout).toBe('hello\nafter\n')
    await Promise.all([attachment?.close(), theirs.close()])
    await root.subject.theirs.delete(asked)
  })

  it('closing the service ends what it carries, and the end is stored', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    const closing = await root.open()
    await closing.run(asked)
    const waiting = root.tasks.wait(asked)
    await closing.close()
    expect(exitFacts(await waiting)).toEqual({ exitCode: 137, lost: false })
    await root.tasks.delete(asked)
  })

  it('another process runs an exec in it', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    await root.tasks.run(asked)
    const exec = {
      containerId: asked.containerId,
      execId: newId(),
      process: minimalProcess(shell('echo here; exit 4')),
      stdio: { tty: false, stdin: false, attach: true },
    }
    const { attachment } = await root.subject.theirs.exec(exec)
    expect(await readAll(attachment)).toEqual({ stdout: 'here\n', stderr: '' })
    await attachment?.close()
    expect((await root.subject.theirs.wait(exec)).exitCode).toBe(4)
    await root.tasks.delete(asked, { kill: true })
  })

  it('long options of an overlay reach the kernel: a hundred layers', async () => {
    const asked = await request(root.subject, ['/bin/cat', '/layer-099'])
    const overlay = await root.layers(100)
    const { attachment } = await root.tasks.run({ ...asked, rootfs: [overlay], stdio: { ...asked.stdio, attach: true } })
    expect((await readAll(attachment)).stdout).toBe('099\n')
    await attachment?.close()
    await root.tasks.delete(asked)
  })
})

describe.each([
  { runtime: 'runc', lifetime: 'owned' },
  { runtime: 'crun', lifetime: 'owned' },
  { runtime: 'runc', lifetime: 'detached' },
  { runtime: 'crun', lifetime: 'detached' },
] as const)('$lifetime tasks with $runtime', ({ runtime, lifetime }) => {
  let root: LocalTaskRoot
  beforeEach(async () => {
    root = await localTaskRoot(runtime, lifetime)
    return async () => {
      expect(await leftovers(root)).toEqual(nothing)
      await root.close()
    }
  })

  it('a process killed before any step of run, wait and delete leaves what repair or delete removes', async () => {
    const counted = programs.start([root.directory, JSON.stringify(await request(root.subject, shell('exit 0')))])
    await counted.next()
    const { steps } = await counted.next<{ readonly steps: number }>()
    await counted.kill()
    expect(steps).toBeGreaterThan(5)
    for (let stop = 1; stop <= steps; stop += 1) {
      const asked = await request(root.subject, shell('exit 0'))
      await programs.start([root.directory, JSON.stringify(asked), String(stop)]).exited
      await root.tasks.repair()
      if ((await root.tasks.find(asked)) !== undefined) {
        // Of a child of its own only the killed one knew how it ended.
        const exit = await root.tasks.wait(asked)
        expect([stop, exit.lost ? 255 : 0]).toEqual([stop, exit.exitCode])
        if (lifetime === 'detached') expect([stop, exit.lost]).toEqual([stop, false])
        await root.tasks.delete(asked)
      }
      expect([stop, await leftovers(root)]).toEqual([stop, nothing])
    }
  })

  it('a process killed at any moment of a run leaves what repair and delete remove', async () => {
    for (const ms of [60, 75, 90, 105, 120, 135, 150]) {
      const asked = await request(root.subject, shell('sleep 1000'))
      const child = programs.start([root.directory, JSON.stringify(asked)])
      await sleep(ms)
      await child.kill()
      await root.tasks.repair()
      await root.tasks.delete(asked, { kill: true })
      // What was forked in the moment of the kill and had no name yet finds nothing to run, and ends by itself.
      await expect.poll(() => leftovers(root), { timeout: 20_000, message: `killed after ${ms} ms` }).toEqual(nothing)
    }
  })

  it('a half-made task of a dead process is no obstacle to the next run', async () => {
    const asked = await request(root.subject, shell('exit 4'))
    await programs.start([root.directory, JSON.stringify(asked), '3']).exited
    await root.tasks.run(asked)
    expect((await root.tasks.wait(asked)).exitCode).toBe(4)
    await root.tasks.delete(asked)
    await root.tasks.repair()
  })

  it('/dev/stdout can be opened again, and what is there is not cut off', async () => {
    const asked = await request(root.subject, shell('echo one; echo two > /dev/stdout; echo three; echo four > /dev/stderr'), {
      stdio: { attach: true },
    })
    const { attachment } = await root.tasks.run(asked)
    expect(await readAll(attachment)).toEqual({ stdout: 'one\ntwo\nthree\n', stderr: 'four\n' })
    await attachment?.close()
    await root.tasks.delete(asked)
    expect(await logLines(root.tasks.io.logs(root.subject.log(asked.containerId)))).toEqual([
      'stdout one',
      'stdout two',
      'stdout three',
      'stderr four',
    ])
  })

  it('twenty at once run, and descriptors return to what they were', async () => {
    const round = async (): Promise<void> => {
      await Promise.all(
        [...Array(20).keys()].map(async (number) => {
          const asked = await request(root.subject, shell(`echo ${number}; exit ${number}`), { stdio: { attach: true } })
          const { attachment } = await root.tasks.run(asked)
          expect((await readAll(attachment)).stdout).toBe(`${number}\n`)
          expect((await root.tasks.wait(asked)).exitCode).toBe(number)
          await attachment?.close()
          await root.tasks.delete(asked)
        }),
      )
    }
    await round()
    const before = await openDescriptors()
    await round()
    await expect.poll(openDescriptors, { timeout: 20_000 }).toEqual(before)
  })

  it('descriptors return to what they were after each kind of failure', async () => {
    // What this process opens once and for all, inotify for one, is there already.
    const first = await request(root.subject, shell('exit 0'))
    await root.tasks.run(first)
    await root.tasks.delete(first, { kill: true })
    const before = await openDescriptors()
    for (const command of ['/no/such/command', '/etc']) {
      const asked = await request(root.subject, [command], { stdio: { attach: true, stdin: true } })
      await expect(root.tasks.run(asked)).rejects.toMatchObject({ code: 'failed_precondition' })
    }
    // The later ones may come when it runs already.
    for (const afterMs of [0, 1, 2, 4, 8, 16]) {
      const abort = new AbortController()
      const asked = await request(root.subject, shell('sleep 1000'), { stdio: { attach: true } })
      const running = root.tasks.run(asked, { signal: abort.signal })
      setTimeout(() => {
        abort.abort(new Error('enough'))
      }, afterMs)
      if (afterMs === 0) await expect(running).rejects.toThrow('enough')
      const started = await running.catch((error: unknown) => {
        expect(error).toBe(abort.signal.reason)
      })
      await started?.attachment?.close()
      await root.tasks.delete(asked, { kill: true })
    }
    await expect.poll(openDescriptors, { timeout: 20_000 }).toEqual(before)
  })

  it('a root that cannot be mounted fails the run with what the kernel says', async () => {
    const asked = await request(root.subject, shell('exit 0'))
    const broken = { ...asked, rootfs: [{ type: 'overlay', source: 'overlay', options: ['lowerdir=/no/such/layer'] }] }
    await expect(root.tasks.run(broken satisfies TaskRequest)).rejects.toThrow(/no such (file|layer)|does not exist|special device|mount/i)
    expect(await root.tasks.find(asked)).toBeUndefined()
  })

  it('megabytes a second are read whole while it runs', async () => {
    const asked = await request(root.subject, shell('yes 0123456789abcde | head -c 33554432'), { stdio: { attach: true } })
    const { attachment } = await root.tasks.run(asked)
    let bytes = 0
    for await (const chunk of attachment?.output ?? []) bytes += chunk.bytes.length
    expect(bytes).toBe(32 << 20)
    await attachment?.close()
    await root.tasks.delete(asked)
  })
})
