import { spawn } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../../../src/conformance/suite.js'
import { collectUntil, exitFacts, logLines, readAll, request, shell } from '../../../src/conformance/tasks/subject.js'
import type { TaskRequest } from '../../../src/ports/engine/tasks.js'
import { type Programs, bundleProgram } from '../../setup/child-program.js'
import { type TestContainerd, startTestContainerd } from '../../setup/containerd.js'
import { daemonContents, openDescriptors, processesLeft, processesNaming } from '../../setup/outside.js'
import { type TaskRoot, taskRoot } from '../../setup/task-subject.js'

const namespace = 'suite'
let daemon: TestContainerd
let programs: Programs
beforeAll(async () => {
  daemon = await startTestContainerd()
  programs = await bundleProgram('task')
})
afterAll(async () => {
  await daemon.close()
  await programs.close()
})

const empty = { containers: [], tasks: [] }
const held = async (): Promise<typeof empty> => {
  const { containers, tasks } = await daemonContents(daemon.address, namespace)
  return { containers, tasks } as typeof empty
}
const cgroupsLeft = async (): Promise<string[]> => {
  const names = await Promise.all(['memory', 'pids', 'devices', 'systemd'].map((name) => readdir(`/sys/fs/cgroup/${name}`).catch(() => [])))
  return names.flat().filter((name) => name.startsWith(`pouch-sdk-suite-${process.pid}-`))
}
/** The shim of a task, by the id that containerd has for it. */
async function shimOf(containerId: string): Promise<number> {
  const [line = ''] = (await processesNaming(`-id ${containerId}-`)).filter((one) => one.includes('containerd-shim'))
  return Number.parseInt(line, 10)
}

describe.each(['runc', 'crun'])('tasks with %s', (runtime) => {
  let root: TaskRoot
  beforeEach(async () => {
    root = await taskRoot(daemon.address, runtime, namespace)
    return async () => {
      expect(await root.taskNames()).toEqual([])
      expect(await held()).toEqual(empty)
      expect(await cgroupsLeft()).toEqual([])
      await root.close()
    }
  })
  const args = (asked: TaskRequest, stop = ''): string[] => [
    daemon.address,
    namespace,
    root.directory,
    root.rootId,
    JSON.stringify(asked),
    stop,
  ]

  it('a task outlives the process that started it, and a restart of containerd; output and exit code are complete', async () => {
    const asked = await request(
      root.subject,
      shell('i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); [ $((i%10)) = 0 ] && sleep 0.05; done; exit 7'),
    )
    const child = programs.start(args(asked))
    await child.next()
    await child.kill()
    expect((await root.tasks.find(asked))?.status).toBe('running')
    await daemon.restart()
    expect(exitFacts(await root.tasks.wait(asked))).toEqual({ exitCode: 7, lost: false })
    await root.tasks.delete(asked)
    const lines = await logLines(root.tasks.io.logs(root.subject.log(asked.containerId)))
    expect(lines).toEqual([...Array(300).keys()].map((number) => `stdout line ${number}`))
  })

  it('output that nobody reads blocks no task', async () => {
    const asked = await request(root.subject, shell('head -c 1048576 /dev/zero; exit 2'), { stdio: { attach: true } })
    const { attachment } = await root.tasks.run(asked)
    expect((await root.tasks.wait(asked)).exitCode).toBe(2)
    await root.tasks.delete(asked)
    expect((await readAll(attachment)).stdout.length).toBe(1 << 20)
    await attachment?.close()
  })

  it('an exit while containerd is down is told with its real code, by wait and by an event, without a new call', async () => {
    const asked = await request(root.subject, shell('read x; exit 9'), { stdio: { stdin: true, attach: true } })
    const { attachment } = await root.tasks.run(asked)
    const waiting = root.tasks.wait(asked)
    const theirs = root.subject.theirs.wait(asked)
    const stop = new AbortController()
    const events = collectUntil(root.subject.theirs.events({ signal: stop.signal }), ({ kind }) => kind === 'exited')
    await daemon.kill()
    await attachment?.write(Buffer.from('go\n'))
    await expect(root.tasks.find(asked)).rejects.toMatchObject({ code: 'unavailable' })
    await daemon.restart()
    expect(exitFacts(await waiting)).toEqual({ exitCode: 9, lost: false })
    expect((await theirs).exitCode).toBe(9)
    expect(await events).toMatchObject([{ kind: 'exited', ref: { containerId: asked.containerId }, exit: { exitCode: 9 } }])
    expect(await readAll(attachment)).toEqual({ stdout: '', stderr: '' })
    await attachment?.close()
    await root.tasks.delete(asked)
  })

  it('a task whose shim was killed is lost: nobody saw how it ended', async () => {
    const asked = await request(root.subject, shell('echo before; sleep 1000'))
    await root.tasks.run(asked)
    const waiting = root.tasks.wait(asked)
    const shim = await shimOf(asked.containerId)
    expect(shim).toBeGreaterThan(1)
    process.kill(shim, 'SIGKILL')
    expect(exitFacts(await waiting)).toEqual({ exitCode: 255, lost: true })
    expect((await root.subject.theirs.wait(asked)).lost).toBe(true)
    await root.tasks.delete(asked)
  })

  it('containerd killed in the middle of a run makes it fail or go on, and nothing is left after delete', async () => {
    for (const ms of [0, 5, 15, 30, 45]) {
      const asked = await request(root.subject, shell('sleep 1000'))
      const running = root.tasks.run(asked).then(
        () => 'ran',
        (error: { code: string }) => error.code,
      )
      await new Promise((resolve) => {
        setTimeout(resolve, ms)
      })
      await daemon.restart()
      expect(['ran', 'unavailable', 'not_found', 'internal']).toContain(await running)
      await root.channel.ping({ waitForReady: true })
      await root.tasks.repair()
      await root.tasks.delete(asked, { kill: true })
      expect(await root.tasks.find(asked)).toBeUndefined()
    }
    await root.tasks.repair()
  })

  it('a process killed before any call of run, wait and delete leaves what repair or delete removes', async () => {
    const counted = programs.start(args(await request(root.subject, shell('exit 0'))))
    await counted.next()
    const { steps } = await counted.next<{ readonly steps: number }>()
    await counted.kill()
    expect(steps).toBeGreaterThan(6)
    for (let stop = 2; stop <= steps; stop += 1) {
      const asked = await request(root.subject, shell('exit 0'))
      await programs.start(args(asked, String(stop))).exited
      await root.tasks.repair()
      const found = await root.tasks.find(asked)
      if (found !== undefined) {
        expect(exitFacts(await root.tasks.wait(asked))).toEqual({ exitCode: 0, lost: false })
        await root.tasks.delete(asked)
      }
      expect([stop, await root.taskNames(), await held()]).toEqual([stop, [], empty])
    }
  })

  it('a half-made task of a dead process is no obstacle to the next run', async () => {
    const asked = await request(root.subject, shell('exit 4'))
    await programs.start(args(asked, '5')).exited
    await root.tasks.run(asked)
    expect((await root.tasks.wait(asked)).exitCode).toBe(4)
    await root.tasks.delete(asked)
  })

  it('twenty at once run, and descriptors and files return to what they were', async () => {
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
    const before = await openDescriptors()
    for (const command of ['/no/such/command', '/etc']) {
      const asked = await request(root.subject, [command], { stdio: { attach: true, stdin: true } })
      await expect(root.tasks.run(asked)).rejects.toMatchObject({ code: 'failed_precondition' })
    }
    const abort = new AbortController()
    const asked = await request(root.subject, shell('sleep 1000'), { stdio: { attach: true } })
    const running = root.tasks.run(asked, { signal: abort.signal })
    setTimeout(() => {
      abort.abort(new Error('enough'))
    }, 10)
    await expect(running).rejects.toThrow('enough')
    await expect.poll(openDescriptors, { timeout: 20_000 }).toEqual(before)
  })

  it('a runtime of ours leaves nothing of a task in its cgroups or its state', async () => {
    const asked = await request(root.subject, shell('exit 0'))
    await root.tasks.run(asked)
    await root.tasks.wait(asked)
    await root.tasks.delete(asked)
    expect(await cgroupsLeft()).toEqual([])
    const state = join(root.directory, 'runtimes/state')
    const [boot = ''] = await readdir(state)
    const left = await readdir(join(state, boot, runtime, namespace)).catch(() => [])
    expect(left).toEqual([])
  })

  it('list tells of a task whose files were lost, and delete removes it', async () => {
    const asked = await request(root.subject, shell('sleep 1000'))
    await root.tasks.run(asked)
    const script = 'rm -rf "$0"'
    await new Promise((resolve) => {
      spawn('sh', ['-c', script, join(root.directory, 'tasks', asked.containerId)]).on('exit', resolve)
    })
    expect(await root.tasks.find(asked)).toBeUndefined()
    expect(await collect(root.tasks.list())).toMatchObject([{ ref: { containerId: asked.containerId }, status: 'running' }])
    await root.tasks.delete(asked, { kill: true })
    expect(await collect(root.tasks.list())).toEqual([])
    expect(await processesLeft(asked.containerId)).toEqual([])
  })

  it('a task with the output of megabytes a second is read whole while it runs', async () => {
    const asked = await request(root.subject, shell('yes 0123456789abcde | head -c 33554432'), { stdio: { attach: true } })
    const { attachment } = await root.tasks.run(asked)
    let bytes = 0
    for await (const chunk of attachment?.output ?? []) bytes += chunk.bytes.length
    expect(bytes).toBe(32 << 20)
    await attachment?.close()
    await root.tasks.delete(asked)
  })
})

it('a wrapper is written once, for its owner only, where the machine asks for one', async () => {
  const root = await taskRoot(daemon.address, 'crun', namespace)
  const wrappers = (await readdir(join(root.directory, 'runtimes'))).filter((name) => name.startsWith('wrapper-'))
  for (const name of wrappers) expect(await readFile(join(root.directory, 'runtimes', name), 'utf8')).toContain('/crun')
  expect(wrappers.length).toBeLessThanOrEqual(1)
  await root.close()
})
