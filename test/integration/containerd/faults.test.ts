// containerd is killed, stopped and started again under a working engine: calls go on or say that it is away, and none hangs.
import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { oci } from '../../../src/drivers/index.js'
import { isEngineError } from '../../../src/index.js'
import { type EngineLab, openEngineLab } from '../../setup/containerd-engine.js'
import { buildImage, putImage } from '../../setup/images.js'
import { daemonContents, halt, shimsLeft } from '../../setup/outside.js'
import { startRegistry } from '../../setup/registry.js'

let lab: EngineLab
beforeEach(async () => {
  lab = await openEngineLab({ namespace: 'faults' })
})
afterEach(async () => {
  await lab.close()
})
const spec = (command: readonly string[]) => ({ image: lab.image, command, networkMode: 'none' as const })

describe('when containerd goes away', () => {
  it('a pull is unavailable or goes on, and a second one succeeds', async () => {
    await using registry = await startRegistry()
    const layers = Array.from({ length: 4 }, (_, at) => [{ name: `layer-${at}`, body: randomBytes(8 << 20) }])
    await putImage(registry.url, 'large', '1', buildImage({ layers }))
    const image = `${registry.host}/large:1`
    let restarted: Promise<void> | undefined
    const pulling = lab.engine.images.pull(image, {
      onProgress: ({ phase, doneBytes }) => {
        if (phase === 'download' && doneBytes > 0) restarted ??= lab.containerd.restart()
      },
    })
    const outcome = await pulling.then(
      () => 'pulled',
      (error: unknown) => (isEngineError(error) ? error.code : error),
    )
    expect(['pulled', 'unavailable']).toContain(outcome)
    expect(restarted).toBeDefined()
    await restarted
    await lab.engine.images.pull(image)
    expect((await lab.engine.repair()).failed).toEqual([])
    const { leases, snapshots } = await daemonContents(lab.containerd.address, lab.namespace)
    expect([leases, snapshots.filter((key) => !key.startsWith('sha256:'))]).toEqual([[], []])
  })

  it('a container goes on, its output is whole and its exit is told', async () => {
    let restarted: Promise<void> | undefined
    const { exitCode, stdout } = await lab.engine.containers.run(
      spec(['sh', '-c', 'for i in 1 2 3 4 5; do echo $i; sleep 0.2; done; exit 7']),
      {
        onOutput: () => {
          restarted ??= lab.containerd.restart()
        },
      },
    )
    expect([exitCode, String(stdout)]).toEqual([7, '1\n2\n3\n4\n5\n'])
    await restarted
  })

  it('an exit while it is away is missed by nobody', async () => {
    const { engine, containerd } = lab
    const since = await engine.cursor()
    await using container = await engine.containers.createOwned(spec(['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done']))
    await container.start()
    const waiting = container.wait()
    const { state } = await container.inspect()
    const pid = state.status === 'running' ? (state.pid ?? 0) : 0
    expect(pid).toBeGreaterThan(1)
    await containerd.kill()
    // Again and again: a process 1 does not hear it before its trap stands.
    await expect.poll(() => signalled(pid), { timeout: 20_000 }).toBe(false)
    await containerd.restart()
    expect((await waiting).exitCode).toBe(5)
    for await (const { action, subject, attributes } of engine.events({ since })) {
      if (action !== 'exit' || subject.id !== container.id) continue
      expect(attributes.exitCode).toBe('5')
      break
    }
  })

  it('calls reject with unavailable while nobody answers, and work again afterwards', async () => {
    const { engine, containerd } = lab
    await containerd.kill()
    await expect(engine.containers.run(spec(['true']))).rejects.toMatchObject({ code: 'unavailable' })
    await containerd.restart()
    expect((await engine.containers.run(spec(['true']))).exitCode).toBe(0)
    expect((await engine.repair()).failed).toEqual([])
    const { containers, snapshots } = await daemonContents(containerd.address, lab.namespace)
    expect([containers, snapshots.filter((key) => !key.startsWith('sha256:'))]).toEqual([[], []])
  })

  it('a daemon that does not answer is waited for no longer than the signal says', async () => {
    const { engine, containerd } = lab
    await halt(containerd.pid)
    try {
      await expect(engine.containers.run(spec(['true']), { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
        name: 'TimeoutError',
      })
    } finally {
      process.kill(containerd.pid, 'SIGCONT')
    }
    expect((await engine.containers.run(spec(['true']))).exitCode).toBe(0)
  })

  it('a daemon that stops answering in the middle is given some seconds to undo what it made, and all is gone once it answers', async () => {
    const { containerd, namespace } = lab
    const abort = new AbortController()
    let abortedAt = 0
    const engine = await lab.open({
      beforeStep: async (step) => {
        if (step !== 'tasks.start' || abort.signal.aborted) return
        await halt(containerd.pid)
        abortedAt = performance.now()
        abort.abort('enough')
      },
    })
    try {
      await expect(engine.containers.run(spec(['sleep', '1000']), { signal: abort.signal })).rejects.toBe('enough')
    } finally {
      process.kill(containerd.pid, 'SIGCONT')
    }
    const waitedMs = performance.now() - abortedAt
    expect(waitedMs).toBeGreaterThan(5_000)
    expect(waitedMs).toBeLessThan(20_000)
    expect((await engine.containers.run(spec(['true']))).exitCode).toBe(0)
    await engine.close()
    const { containers, tasks, snapshots } = await daemonContents(containerd.address, namespace)
    expect([containers, tasks, snapshots.filter((key) => !key.startsWith('sha256:'))]).toEqual([[], [], []])
  })
})

describe('several engines on one root', () => {
  it('see the same containers, and the exit of one is told to all once', async () => {
    const other = await lab.open()
    const since = await other.cursor()
    const container = await lab.engine.containers.create({ ...spec(['sh', '-c', 'exit 3']), name: 'shared' })
    const seen = await other.containers.get('shared')
    expect(seen.id).toBe(container.id)
    await seen.start()
    expect((await container.wait()).exitCode).toBe(3)
    await container.remove()
    const actions: string[] = []
    for await (const { action, subject } of other.events({ since, follow: false })) if (subject.id === container.id) actions.push(action)
    expect(actions.sort()).toEqual(['create', 'exit', 'remove', 'start'])
    await expect(seen.inspect()).rejects.toMatchObject({ code: 'not_found' })
  })

  it('of two that remove a container at once one does it and the other finds it gone', async () => {
    const other = await lab.open()
    const { id } = await lab.engine.containers.create(spec(['true']))
    const outcomes = await Promise.allSettled([lab.engine, other].map(async (engine) => (await engine.containers.get(id)).remove()))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'not_found' } })
  })

  // Cut off, it may leave a shim for ever: containerd takes the next one for the end of it.
  it.each(['closed', 'aborted'] as const)('one that is %s while it deletes a task waits for the answer', async (how) => {
    const program = join(lab.root, 'slow')
    await writeFile(program, '#!/bin/sh\ncase " $* " in *" delete "*) sleep 1;; esac\nexec crun "$@"\n', { mode: 0o755 })
    const container = await lab.engine.containers.create(spec(['sleep', '1000']))
    await lab.engine.close()
    const answers: (string | undefined)[] = []
    let begun = (): void => {}
    const deleting = new Promise<void>((resolve) => {
      begun = resolve
    })
    const runtimes = { runc: oci(program), crun: oci(program) }
    const engine = await lab.open({
      runtimes,
      beforeStep: (step) => {
        if (step === 'tasks.delete') begun()
      },
      onTrace: (entry) => {
        if (entry.kind === 'call' && entry.name === 'tasks.delete') answers.push(entry.code)
      },
    })
    const same = await engine.containers.get(container.id)
    await same.start()
    const abort = new AbortController()
    const removing = same.remove({ force: true, signal: abort.signal }).catch(() => {})
    await deleting
    await delay(200) // until the shim is at it
    if (how === 'closed') await engine.close()
    else abort.abort()
    await removing
    await engine.close()
    expect(answers).toEqual([undefined])
    const other = await lab.open({ runtimes })
    await (await other.containers.find(container.id))?.remove({ force: true })
    expect(await shimsLeft(lab.namespace)).toEqual([])
  })

  it('a closed engine ends what it owns and nothing else', async () => {
    const other = await lab.open()
    const owned = await other.containers.createOwned(spec(['sleep', '1000']))
    const detached = await other.containers.create(spec(['sleep', '1000']))
    await owned.start()
    await detached.start()
    await other.close()
    expect(await lab.engine.containers.find(owned.id)).toBeUndefined()
    const left = await lab.engine.containers.get(detached.id)
    expect((await left.inspect()).state.status).toBe('running')
    await left.remove({ force: true })
  })

  it('an engine that has pulled and run gives every descriptor back when it is closed', async () => {
    await using registry = await startRegistry()
    const layers = Array.from({ length: 5 }, (_, at) => [{ name: `layer-${at}`, body: randomBytes(2 << 20) }])
    await putImage(registry.url, 'layers', '1', buildImage({ layers }))
    const image = `${registry.host}/layers:1`
    const use = async (): Promise<number> => {
      const engine = await lab.open()
      await engine.images.pull(image)
      await engine.containers.run(spec(['true']))
      await engine.images.remove(image)
      await engine.close()
      return (await readdir('/proc/self/fd')).length
    }
    const first = await use() // with what Node opens once, for inotify
    // Connections that were closed go with a later turn of the loop.
    await expect.poll(use, { timeout: 20_000 }).toBeLessThanOrEqual(first)
  })
})

/** Whether it was there to get it. */
function signalled(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGTERM')
  } catch {
    return false
  }
}
