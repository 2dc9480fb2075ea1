// The history of the replayed pouchd: recorded events about other containers, at other times.
import assert from 'node:assert/strict'
import { chunk, head, lastChunk, type RawRequest, type Wire } from '../scripted-daemon.js'
import { recorded } from './answers.js'

interface RecordedEvent {
  readonly action: string
  readonly actor: { readonly Attributes: Readonly<Record<string, string>> }
}
/** It remembers so many. */
const ring = 64
const oneOfEach = new Map((recorded('events', 'one of each').bodyLines as readonly RecordedEvent[]).map((event) => [event.action, event]))

export interface Happened {
  readonly id: string
  readonly from: string
  readonly attributes: Readonly<Record<string, string>>
}
interface Kept {
  readonly nanos: bigint
  readonly line: string
}

export class EventLog {
  #kept: readonly Kept[] = []
  readonly #followers: Set<(event: Kept) => void> = new Set()
  #last = 0n

  add(action: string, { id, from, attributes }: Happened): void {
    const event = oneOfEach.get(action)
    assert(event !== undefined, `no event "${action}" was recorded`)
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n
    const nanos = now > this.#last ? now : this.#last + 1_000n
    this.#last = nanos
    const changed = {
      ...event,
      id,
      from,
      actor: { ID: id, Attributes: { image: from, ...attributes } },
      time: Number(nanos / 1_000_000_000n),
      timeNano: 0,
    }
    const kept = { nanos, line: `${JSON.stringify(changed).replace('"timeNano":0', `"timeNano":${nanos}`)}\n` }
    this.#kept = [...this.#kept, kept].slice(-ring)
    for (const follower of this.#followers) follower(kept)
  }

  /** What was since then, and until then or what comes. */
  async serve(wire: Wire, { query }: RawRequest): Promise<void> {
    const answer = recorded('events', 'history')
    const [since, until] = [nanosOf(query.get('since')), nanosOf(query.get('until'))]
    await wire.write(head(answer.status, answer.headers))
    const past = this.#kept.filter(({ nanos }) => since === undefined || nanos >= since)
    if (until !== undefined) {
      for (const { nanos, line } of past) if (nanos <= until) await wire.write(chunk(line))
      return wire.write(lastChunk)
    }
    const follow = ({ line }: Kept): void => {
      void wire.write(chunk(line))
    }
    for (const { line } of since === undefined ? [] : past) await wire.write(chunk(line))
    this.#followers.add(follow)
    await wire.closed
    this.#followers.delete(follow)
  }
}

function nanosOf(text: string | null): bigint | undefined {
  if (text === null) return undefined
  const [seconds = '0', fraction = ''] = text.split('.')
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}
