import { expect, it, vi } from 'vitest'
import { type FailedUndo, Rollback } from '../../../src/util/rollback.js'

it('a step that hangs is told so, traced after its deadline, and the next one runs', async () => {
  const traced: FailedUndo[] = []
  const seen: string[] = []
  const failing = async (): Promise<void> => {
    await using undo = new Rollback((failure) => traced.push(failure), 10)
    undo.defer('first', async () => seen.push('first'))
    undo.defer('hangs', ({ signal }) => new Promise(() => signal?.addEventListener('abort', () => seen.push('told'))))
    undo.defer('throws', () => {
      throw new Error('not even a promise')
    })
    throw new Error('the real one')
  }
  await expect(failing()).rejects.toThrow('the real one')
  expect(seen).toEqual(['told', 'first'])
  expect(traced.map(({ step }) => step)).toEqual(['throws', 'hangs'])
})

it('after a step that hangs the others have a second', async () => {
  vi.useFakeTimers()
  try {
    const traced: FailedUndo[] = []
    const undo = new Rollback((failure) => traced.push(failure))
    for (const step of ['third', 'second', 'first']) undo.defer(step, () => new Promise(() => {}))
    const undone = undo[Symbol.asyncDispose]()
    await vi.advanceTimersByTimeAsync(9_999)
    expect(traced).toEqual([])
    await vi.advanceTimersByTimeAsync(2_001)
    await undone
    expect(traced.map(({ step }) => step)).toEqual(['first', 'second', 'third'])
  } finally {
    vi.useRealTimers()
  }
})

it('a tracer that throws changes nothing', async () => {
  const seen: string[] = []
  const failing = async (): Promise<void> => {
    await using undo = new Rollback(() => {
      throw new Error('tracer')
    })
    undo.defer('first', async () => seen.push('first'))
    undo.defer('fails', async () => {
      throw new Error('undo')
    })
    throw new Error('the real one')
  }
  await expect(failing()).rejects.toThrow('the real one')
  expect(seen).toEqual(['first'])
})

it('what was kept or taken back is not undone', async () => {
  const seen: string[] = []
  {
    await using undo = new Rollback(() => {})
    undo.defer('kept', async () => seen.push('kept'))
    undo.keep()
    undo.defer('later', async () => seen.push('later'))
    undo.defer('not ours', async () => seen.push('not ours'))()
  }
  expect(seen).toEqual(['later'])
})
