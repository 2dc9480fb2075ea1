import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import { EngineError } from '../../../src/errors.js'
import type { ContainerSpec } from '../../../src/model/container-spec.js'
import { session } from '../../../src/testing/session.js'
import { fakeBackend } from '../api/fake-backend.js'

/** Containers as names; creation waits for `gate`. */
function fake({ startError, gate }: { readonly startError?: unknown; readonly gate?: Promise<void> } = {}) {
  const alive = new Map<string, ContainerSpec>()
  let count = 0
  const { backend, names } = fakeBackend({
    containers: {
      async create(spec: ContainerSpec) {
        await gate
        const id = `c${(count += 1)}`
        alive.set(id, spec)
        return id
      },
      async start() {
        if (startError !== undefined) throw startError
        return undefined
      },
      async remove(id: string, options: object) {
        expect(options).toMatchObject({ force: true })
        if (!alive.delete(id)) throw new EngineError('not_found', `no container "${id}"`)
      },
    },
  })
  return { engine: new Engine(backend), alive, isClosed: () => names().includes('close') }
}

describe('session', () => {
  it('removes what it made when it is closed, and leaves other containers and the engine', async () => {
    const { engine, alive, isClosed } = fake()
    await engine.containers.create({ image: 'other' })
    const mine = session(engine)
    await mine.create({ image: 'a' })
    await mine.start({ image: 'b' })
    expect([...alive.values()].map(({ lifetime }) => lifetime)).toEqual([undefined, 'owned', 'owned'])
    await mine.close()
    expect([...alive.values()].map(({ image }) => image)).toEqual(['other'])
    expect(isClosed()).toBe(false)
  })

  it('is closed at the end of its block, and twice is success', async () => {
    const { engine, alive } = fake()
    {
      await using mine = session(engine)
      await mine.create({ image: 'a' })
      await mine.close()
    }
    expect(alive.size).toBe(0)
  })

  it('does not mind a container that its user has removed', async () => {
    const { engine, alive } = fake()
    const mine = session(engine)
    const container = await mine.create({ image: 'a' })
    await container.remove({ force: true })
    await mine.close()
    expect(alive.size).toBe(0)
  })

  it('removes a container at once that does not start', async () => {
    const startError = new EngineError('failed_precondition', 'no such command', { exitCode: 127 })
    const { engine, alive } = fake({ startError })
    await expect(session(engine).start({ image: 'a' })).rejects.toBe(startError)
    expect(alive.size).toBe(0)
  })

  it('removes one that is still being made when it is closed', async () => {
    let open = (): void => {}
    const { engine, alive } = fake({
      gate: new Promise<void>((resolve) => {
        open = resolve
      }),
    })
    const mine = session(engine)
    const creating = mine.create({ image: 'a' })
    const closing = mine.close()
    open()
    await Promise.all([creating, closing])
    expect(alive.size).toBe(0)
  })

  it('makes nothing after it was closed', async () => {
    const { engine, alive } = fake()
    const mine = session(engine)
    await mine.close()
    await expect(mine.create({ image: 'a' })).rejects.toMatchObject({ code: 'failed_precondition' })
    expect(alive.size).toBe(0)
  })

  it('passes on why a container cannot be made', async () => {
    const { engine } = fake()
    await using mine = session(engine)
    await expect(mine.create({ image: 'a', lifetime: 'detached' })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
