import { describe, expect, it } from 'vitest'
import { raceAbort } from '../../../src/util/abort.js'
import { type ReadAhead, readAhead } from '../../../src/util/read-ahead.js'

const options: ReadAhead<number> = { room: 10, weigh: () => 1, lost: (item) => -item }
const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate)
}
/** Numbers from 1, as fast as they are taken; `rest` of them, then what `end` does. */
async function* numbers(count: number, end: () => Promise<void> = async () => {}): AsyncGenerator<number> {
  for (let number = 1; number <= count; number += 1) yield number
  await end()
}
const untilAborted = (signal: AbortSignal) => (): Promise<never> => raceAbort(new Promise<never>(() => {}), signal)

describe('what is read ahead', () => {
  it('comes in order and whole to a reader who keeps up', async () => {
    const slowly = async function* (): AsyncGenerator<number> {
      for await (const number of numbers(100)) {
        await turns(1)
        yield number
      }
    }
    const seen: number[] = []
    for await (const number of readAhead(slowly, options)) seen.push(number)
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })

  it('is dropped beyond the room that there is, which one item tells in its place, and goes on behind it', async () => {
    let next = (): void => {}
    const source = async function* (): AsyncGenerator<number> {
      yield* numbers(25)
      await new Promise<void>((resolve) => {
        next = resolve
      })
      yield 26
      yield 27
    }
    const iterator = readAhead(source, options)
    const seen: (number | undefined)[] = [(await iterator.next()).value ?? undefined]
    await turns(100)
    for (let count = 0; count < 10; count += 1) seen.push((await iterator.next()).value ?? undefined)
    next()
    for await (const number of iterator) seen.push(number)
    // The first was taken at once or waited with the others.
    const taken = seen.indexOf(-25)
    expect(taken).toBeGreaterThanOrEqual(10)
    expect(seen).toEqual([...Array.from({ length: taken }, (_, index) => index + 1), -25, 26, 27])
  })

  it('counts by weight, and lets in one that is heavier than all the room when nothing else waits', async () => {
    const seen: number[] = []
    const heavy = { room: 10, weigh: () => 1_000, lost: (item: number) => -item }
    const source = async function* (): AsyncGenerator<number> {
      for await (const number of numbers(5)) {
        yield number
        await turns(2)
      }
    }
    for await (const number of readAhead(source, heavy)) seen.push(number)
    expect(seen).toEqual([1, 2, 3, 4, 5])
  })

  it('brings what came before a failure, and then the failure', async () => {
    const failure = new Error('broken')
    const source = (): AsyncGenerator<number> =>
      numbers(3, async () => {
        throw failure
      })
    const seen: number[] = []
    const reading = async (): Promise<void> => {
      for await (const number of readAhead(source, options)) {
        await turns(3)
        seen.push(number)
      }
    }
    await expect(reading()).rejects.toBe(failure)
    expect(seen).toEqual([1, 2, 3])
  })

  it('ends at once with the reason of an abort, whatever waits, and ends its source', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    let ended = false
    const source = async function* (signal: AbortSignal): AsyncGenerator<number> {
      try {
        yield* numbers(5, untilAborted(signal))
      } finally {
        ended = true
      }
    }
    const iterator = readAhead(source, { ...options, signal: controller.signal })
    expect((await iterator.next()).value).toBe(1)
    controller.abort(reason)
    await expect(iterator.next()).rejects.toBe(reason)
    expect(ended).toBe(true)
  })

  it('ends its source when it is left, though that waits for more', async () => {
    let ended = false
    const source = async function* (signal: AbortSignal): AsyncGenerator<number> {
      try {
        yield* numbers(2, untilAborted(signal))
      } finally {
        ended = true
      }
    }
    for await (const _ of readAhead(source, options)) break
    expect(ended).toBe(true)
  })
})
