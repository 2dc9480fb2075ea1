// An engine that is closed while containers are made, started and run, as by a program on Ctrl-C.
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Engine } from '../../src/api/engine.js'

/** Closes the engine in the middle of runs and creations that began one after the other; throws unless each was told so, or was made before. */
export async function closeMidway(engine: Engine, image: string): Promise<void> {
  const spec = { image, command: ['sleep', '100000'], networkMode: 'none' } as const
  const told: Promise<unknown>[] = []
  const refused = { code: 'failed_precondition', message: 'the engine is closed' }
  const made = (): void => {}
  for (let count = 0; count < 8; count += 1) {
    told.push(expect(engine.containers.run(spec)).rejects.toMatchObject(refused))
    told.push(engine.containers.createOwned(spec).then(made, (error: unknown) => expect(error).toMatchObject(refused)))
    await delay(15)
  }
  const all = Promise.all(told)
  await engine.close()
  await all
}
