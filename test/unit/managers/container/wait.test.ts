import { describe, expect, it } from 'vitest'
import { MemoryEvents } from '../../../../src/conformance/memory/events.js'
import { startContainer } from '../../../../src/managers/container/start.js'
import { waitContainer } from '../../../../src/managers/container/wait.js'
import type { EngineEvent } from '../../../../src/model/event.js'
import { id, Root } from './root.js'

const event = (action: string): Omit<EngineEvent, 'cursor'> => ({
  type: 'container',
  action,
  subject: { kind: 'container', id },
  time: new Date(0),
  attributes: {},
})

async function open() {
  const root = await Root.with()
  const events = new MemoryEvents()
  return { root, events, deps: { records: root.records, tasks: root.tasks, events } }
}
/** Nothing has settled it after a turn of everything that is ready. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setTimeout(resolve, 20, 'pending'))
  return (await Promise.race([promise, turn])) === 'pending'
}
const end = (root: Root) => root.tasks.kill({ containerId: id }, 'SIGKILL')

describe('waitContainer', () => {
  it('resolves with the exit of one that runs, and at once afterwards', async () => {
    const { root, deps } = await open()
    await startContainer(root.process('A'), id)
    const waiting = waitContainer(deps, id)
    await end(root)
    const exit = await waiting
    expect(exit.exitCode).toBe(137)
    expect(await waitContainer(deps, id)).toEqual(exit)
  })

  it('waits for the first start of one that never ran', async () => {
    const { root, events, deps } = await open()
    const waiting = waitContainer(deps, id)
    expect(await isPending(waiting)).toBe(true)
    await startContainer(root.process('A'), id)
    await events.append('1', event('start'))
    await end(root)
    expect((await waiting).exitCode).toBe(137)
  })

  it('"next-exit" does not take the exit that was there before', async () => {
    const { root, events, deps } = await open()
    await startContainer(root.process('A'), id)
    await end(root)
    await root.tasks.wait({ containerId: id })
    const waiting = waitContainer(deps, id, { until: 'next-exit' })
    expect(await isPending(waiting)).toBe(true)
    await startContainer(root.process('A'), id)
    await events.append('1', event('start'))
    await end(root)
    expect((await waiting).exitCode).toBe(137)
  })

  it.each(['exit', 'next-exit'] as const)('"%s" is not missed where the whole run comes between two looks', async (until) => {
    const { root, events, deps } = await open()
    let ran = false
    const late = {
      read: events.read.bind(events),
      end: async () => {
        if (!ran) {
          ran = true
          await startContainer(root.process('A'), id)
          await end(root)
          await root.tasks.wait({ containerId: id })
          await events.append('1', event('exit'))
        }
        return events.end()
      },
    }
    expect((await waitContainer({ ...deps, events: late }, id, { until })).exitCode).toBe(137)
  })

  it('"next-exit" takes one that came before its first look was done', async () => {
    const { root, deps } = await open()
    const late = {
      ...deps.tasks,
      wait: deps.tasks.wait.bind(deps.tasks),
      find: async (ref: { readonly containerId: string }) => {
        await startContainer(root.process('A'), id)
        // A millisecond later than the call, as the clock counts.
        await new Promise((resolve) => setTimeout(resolve, 5))
        await end(root)
        await root.tasks.wait(ref)
        return deps.tasks.find(ref)
      },
    }
    expect((await waitContainer({ ...deps, tasks: late }, id, { until: 'next-exit' })).exitCode).toBe(137)
  })

  it('"removed" resolves with the last exit once the record is gone', async () => {
    const { root, events, deps } = await open()
    await startContainer(root.process('A'), id)
    const waiting = waitContainer(deps, id, { until: 'removed' })
    await end(root)
    expect(await isPending(waiting)).toBe(true)
    await root.tasks.delete({ containerId: id })
    await root.records.delete(id)
    await events.append('1', event('remove'))
    expect((await waiting).exitCode).toBe(137)
  })

  it('a container that is removed while it is waited for is not_found', async () => {
    const { root, events, deps } = await open()
    const waiting = waitContainer(deps, id)
    expect(await isPending(waiting)).toBe(true)
    await root.records.delete(id)
    await events.append('1', event('remove'))
    await expect(waiting).rejects.toMatchObject({ code: 'not_found' })
  })

  it('an abort rejects with the reason, whatever it waits for', async () => {
    const { root, deps } = await open()
    const reason = new Error('enough')
    for (const before of [async () => {}, () => startContainer(root.process('A'), id)]) {
      await before()
      const abort = new AbortController()
      const waiting = waitContainer(deps, id, { signal: abort.signal })
      expect(await isPending(waiting)).toBe(true)
      abort.abort(reason)
      await expect(waiting).rejects.toBe(reason)
    }
  })
})
