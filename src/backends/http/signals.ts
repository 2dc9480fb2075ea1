// Which signals this process has sent: an exit by one of them has it as its reason. Daemons tell none.
import type { ExitStatus, Signal } from '../../model/process.js'
import { signalNumber } from '../../oci/signals.js'

const remembered = 10_000
/** Between a daemon's clock and the sending: an exit before it was sent is none of it. */
const clockSkewMs = 2_000

export class SentSignals {
  readonly #sent: Map<string, { readonly signal: Signal; readonly number: number; readonly at: number }[]> = new Map()

  note(containerId: string, signal: Signal): void {
    const list = this.#sent.get(containerId) ?? []
    this.#sent.delete(containerId) // the newest last
    this.#sent.set(containerId, [
      ...list.filter((one) => one.signal !== signal).slice(-7),
      { signal, number: signalNumber(signal), at: Date.now() },
    ])
    const [oldest] = this.#sent.keys()
    if (this.#sent.size > remembered && oldest !== undefined) this.#sent.delete(oldest)
  }
  of(containerId: string, { exitCode, exitedAt }: Pick<ExitStatus, 'exitCode' | 'exitedAt'>): Signal | undefined {
    const list = this.#sent.get(containerId) ?? []
    return list.find(({ number, at }) => exitCode === 128 + number && exitedAt.getTime() >= at - clockSkewMs)?.signal
  }
  forget(containerId: string): void {
    this.#sent.delete(containerId)
  }
}
