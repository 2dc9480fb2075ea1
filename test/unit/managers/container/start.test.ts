import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../../src/errors.js'
import { startContainer } from '../../../../src/managers/container/start.js'
import { id, Root, record } from './root.js'

const failAt =
  (name: string, error: Error = new EngineError('unavailable', `cannot ${name}`)) =>
  (step: string): void => {
    if (step === name) throw error
  }

describe('startContainer', () => {
  it('runs the task and keeps what it made', async () => {
    const root = await Root.with()
    await startContainer(root.process('A'), id)
    expect(root.log).toEqual(['A: wish running', 'A: root', 'A: spec', 'A: run', 'A: event start'])
    expect([await root.status(), await root.desired(), root.prepared.size]).toEqual(['running', 'running', 1])
  })

  it('a failure in the middle restores the wish first, then undoes in reverse what was made', async () => {
    const root = await Root.with()
    await expect(startContainer(root.process('A', failAt('spec')), id)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot spec',
    })
    expect(root.log.slice(2)).toEqual(['A: wish stopped', 'A: release root'])
    expect([await root.status(), await root.desired(), root.prepared.size]).toEqual([undefined, 'stopped', 0])
    expect((await root.records.find(id))?.value.started).toBeUndefined()
  })

  it('a failing undo is told and does not replace the error', async () => {
    const root = await Root.with()
    const at = (step: string): void => {
      failAt('spec')(step)
      failAt('release root', new Error('busy'))(step)
    }
    await expect(startContainer(root.process('A', at), id)).rejects.toMatchObject({ code: 'unavailable', message: 'cannot spec' })
    expect(root.failedUndos.map(({ step, error }) => [step, (error as Error).message])).toEqual([['release the root', 'busy']])
    await (await root.locks.acquire(`container/${id}`)).close()
  })

  for (const last of ['wish running', 'root', 'spec', 'run']) {
    it(`an abort during "${last}" rejects with the reason and leaves nothing`, async () => {
      const root = await Root.with()
      const abort = new AbortController()
      const reason = new Error('user left')
      const deps = root.process('A', (step) => {
        if (step === last) abort.abort(reason)
      })
      await expect(startContainer(deps, id, { signal: abort.signal })).rejects.toBe(reason)
      expect([await root.status(), await root.desired(), root.prepared.size, root.failedUndos]).toEqual([undefined, 'stopped', 0, []])
    })
  }

  it('of two processes the second neither kills nor releases what the first has started', async () => {
    const root = await Root.with()
    await Promise.all([startContainer(root.process('A'), id), startContainer(root.process('B'), id)])
    expect(root.log.filter((line) => line.startsWith('B'))).toEqual([])
    expect([await root.status(), await root.desired(), root.prepared.size]).toEqual(['running', 'running', 1])
  })

  it('holds the lock until it is done', async () => {
    const root = await Root.with()
    let free: unknown = 'never asked'
    const deps = root.process('A', async (step) => {
      if (step === 'run') free = await root.locks.tryAcquire(`container/${id}`)
    })
    await startContainer(deps, id)
    expect(free).toBeUndefined()
  })

  it('a task made by somebody without our lock survives', async () => {
    const root = await Root.with()
    const deps = root.process('B', async (step) => {
      if (step === 'spec') {
        const request = {
          containerId: id,
          runtime: { name: 'runc' },
          spec: { process: { args: ['sleep', '1000'] } },
          rootfs: [],
          lifetime: 'detached',
        } as const
        await root.tasks.run({ ...request, stdio: { tty: false, stdin: false, attach: false } })
      }
    })
    await expect(startContainer(deps, id)).rejects.toMatchObject({ code: 'already_exists' })
    expect(root.log).not.toContain('B: kill task')
    expect(await root.status()).toBe('running')
  })

  it('keeps the exit of the run before, then frees it', async () => {
    const root = await Root.with()
    await startContainer(root.process('A'), id)
    await root.tasks.kill({ containerId: id }, 'SIGKILL')
    const exit = await root.tasks.wait({ containerId: id })
    await startContainer(root.process('A'), id)
    expect((await root.records.find(id))?.value.lastExit).toEqual(exit)
    expect(root.log.slice(5, 8)).toEqual(['A: wish running', 'A: root', 'A: free task'])
  })

  it('a paused container is failed_precondition and is not touched', async () => {
    const root = await Root.with()
    await startContainer(root.process('A'), id)
    await root.tasks.control.pause(id)
    const before = root.log.length
    await expect(startContainer(root.process('A'), id)).rejects.toMatchObject({ code: 'failed_precondition' })
    expect([root.log.length, await root.status()]).toEqual([before, 'paused'])
  })

  it('stdin of a container that has none is failed_precondition, and nothing is made', async () => {
    const root = await Root.with()
    await expect(startContainer(root.process('A'), id, { attach: { stdin: true } })).rejects.toMatchObject({ code: 'failed_precondition' })
    expect(root.log).toEqual([])
  })

  it('a container that is being removed is not started', async () => {
    const root = await Root.with({ ...record, desired: 'removed' })
    await expect(startContainer(root.process('A'), id)).rejects.toMatchObject({ code: 'failed_precondition' })
  })
})
