// Lets so many in at once; the others wait in line.
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'

export class Gate {
  #free: number
  readonly #line: Set<() => void> = new Set()
  constructor(atOnce: number) {
    this.#free = atOnce
  }

  async enter({ signal }: CallOptions = {}): Promise<Disposable> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#turn(signal)
    let inside = true
    return {
      [Symbol.dispose]: () => {
        if (inside) this.#leave()
        inside = false
      },
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    let next = (): void => {}
    const turn = new Promise<void>((resolve) => {
      next = resolve
    })
    this.#line.add(next)
    try {
      await raceAbort(turn, signal)
    } catch (error) {
      if (!this.#line.delete(next)) this.#leave() // aborted in the very moment of our turn
      throw error
    }
  }
  #leave(): void {
    const [next] = this.#line
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#line.delete(next)
    next()
  }
}
