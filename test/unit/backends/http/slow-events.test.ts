// Readers of events who are slower than the daemon, or come too late.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../../src/backends/http/connect.js'
import type { EngineEvent } from '../../../../src/model/event.js'
import type { Backend } from '../../../../src/ports/backend/backend.js'
import { answer, chunk, chunkedHead, lastChunk, says, type ScriptedDaemon, startScriptedDaemon } from '../../../setup/scripted-daemon.js'

let daemon: ScriptedDaemon
let backend: Backend
beforeEach(async () => {
  daemon = await startScriptedDaemon()
  daemon.on('GET', '/containers/json', says(answer(200, [])))
  backend = await connectHttp({ socketPath: daemon.socketPath })
})
afterEach(async () => {
  await backend.close()
  await daemon.close()
})

const start = 1_700_000_000
/** `size`: of a label that the container has. */
function event(number: number, size: number = 0, action: string = 'start'): Buffer {
  const Attributes = { name: `c${number}`, note: 'x'.repeat(size) }
  return chunk(
    `${JSON.stringify({ Type: 'container', Action: action, Actor: { ID: `id${number}`, Attributes }, timeNano: (start + number) * 1e9 })}\n`,
  )
}
const span = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)
const names = (events: readonly EngineEvent[]): readonly string[] =>
  events.map(({ type, subject }) => (type === 'gap' ? 'gap' : subject.id))

describe('a reader of events', () => {
  it('who does not read holds nobody up: what is too much for the room that there is becomes one gap', async () => {
    const [few, many] = [3, 20_000]
    let told = (): void => {}
    const all = new Promise<void>((resolve) => {
      told = resolve
    })
    let goOn = (): void => {}
    const reading = new Promise<void>((resolve) => {
      goOn = resolve
    })
    daemon.on('GET', '/events', async (wire, { query }) => {
      await wire.write(chunkedHead)
      if (query.has('until')) return wire.write(lastChunk)
      // Resolves when somebody has read it.
      for (const number of span(1, many)) await wire.write(event(number, 500))
      told()
      await reading
      for (const number of span(many + 1, many + few)) await wire.write(event(number))
      await wire.closed
    })
    const iterator = backend.system.events({ since: new Date(start * 1_000) })[Symbol.asyncIterator]()
    const seen: EngineEvent[] = [(await iterator.next()).value as EngineEvent]
    await all
    while (seen.at(-1)?.type !== 'gap') seen.push((await iterator.next()).value as EngineEvent)
    goOn()
    while (seen.at(-1)?.subject.id !== `id${many + few}`) seen.push((await iterator.next()).value as EngineEvent)
    await iterator.return?.()

    // In order, none twice, and wherever some are missing there is one gap: it may take more than one turn until all has been read.
    const numbers = names(seen).map((name) => (name === 'gap' ? 'gap' : Number(name.slice(2))))
    const kept = numbers.filter((number) => number !== 'gap')
    expect(kept.length).toBeGreaterThan(1_000)
    expect(kept.length).toBeLessThan(many)
    expect(kept.slice(0, 1_000)).toEqual(span(1, 1_000))
    expect(kept.slice(-few)).toEqual(span(many + 1, many + few))
    const expected = kept.flatMap((number, index) =>
      index > 0 && number !== (kept[index - 1] ?? 0) + 1 ? (['gap', number] as const) : [number],
    )
    expect(numbers).toEqual(expected)
    // Behind a gap it goes on with what was not lost.
    const at = numbers.lastIndexOf('gap')
    expect(seen[at]?.cursor).toBe(`${BigInt((start + Number(numbers[at + 1]) - 1) * 1e9)}.1`)
  })

  it('who asks for the part that is of interest loses nothing to the room that others would take', async () => {
    let told = (): void => {}
    const all = new Promise<void>((resolve) => {
      told = resolve
    })
    daemon.on('GET', '/events', async (wire, { query }) => {
      await wire.write(chunkedHead)
      if (query.has('until')) return wire.write(lastChunk)
      for (const number of span(1, 20_000)) await wire.write(event(number, 500, number % 1_000 === 0 ? 'die' : 'start'))
      told()
      await wire.closed
    })
    const iterator = backend.system.events({ since: new Date(start * 1_000), actions: ['exit'] })[Symbol.asyncIterator]()
    const seen: EngineEvent[] = [(await iterator.next()).value as EngineEvent]
    await all
    while (seen.length < 20) seen.push((await iterator.next()).value as EngineEvent)
    await iterator.return?.()
    expect(names(seen)).toEqual(span(1, 20).map((number) => `id${number * 1_000}`))
  })

  it('who asks for more than the daemon keeps is told so by a gap before what is kept', async () => {
    const kept = 256
    daemon.on('GET', '/events', async (wire) => {
      await wire.write(chunkedHead, ...span(1, kept).map((number) => event(number)), lastChunk)
    })
    const events: EngineEvent[] = []
    for await (const one of backend.system.events({ since: new Date(start * 1_000), follow: false })) events.push(one)
    expect(names(events)).toEqual(['gap', ...span(1, kept).map((number) => `id${number}`)])
    const last: EngineEvent[] = []
    for await (const one of backend.system.events({ since: events[3]?.cursor, follow: false })) last.push(one)
    expect(names(last)).toEqual(span(4, kept).map((number) => `id${number}`))
  })
})
