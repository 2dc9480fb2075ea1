import type { OwnedContainer } from '../api/container.js'
import type { Engine } from '../api/engine.js'
import { EngineError } from '../errors.js'
import type { CallOptions, Closeable } from '../model/common.js'
import type { ContainerSpec } from '../model/container-spec.js'
import { closeable } from '../util/closeable.js'

/** What one test, or one file of tests, makes in an engine. Closing it removes every container that it made, running or not, and leaves the engine open. */
export interface Session extends Closeable {
  readonly engine: Engine
  /** An owned container: were this process killed, the next to open the engine removes it. After `close`: `failed_precondition`. */
  create(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer>
  /** `create` and start. One that does not start is removed at once. */
  start(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer>
}

export function session(engine: Engine): Session {
  const made = new Set<OwnedContainer>()
  const making = new Set<Promise<unknown>>()
  let closed = false

  const create = async (spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer> => {
    if (closed) throw new EngineError('failed_precondition', 'the session is closed')
    const creating = engine.containers.createOwned(spec, options)
    // Before the caller's own turn: one that is made while the session closes is removed, too.
    const noted = creating.then((container) => made.add(container)).catch(() => {})
    making.add(noted)
    try {
      return await creating
    } finally {
      await noted
      making.delete(noted)
    }
  }
  const start = async (spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer> => {
    const container = await create(spec, options)
    try {
      await container.start(options)
      return container
    } catch (error) {
      made.delete(container)
      await container.close()
      throw error
    }
  }
  return {
    engine,
    create,
    start,
    ...closeable(async () => {
      closed = true
      await Promise.all(making)
      await Promise.all([...made].map((container) => container.close()))
      made.clear()
    }),
  }
}
