import { describe, expect, it } from 'vitest'
import { settled } from '../../../src/util/settled.js'

describe('settled', () => {
  it('resolves with what each resolves with, in order', async () => {
    expect(await settled([Promise.resolve(1), 'two', undefined])).toEqual([1, 'two', undefined])
  })
  it('throws the first failure in order, after the last has ended', async () => {
    const ended: string[] = []
    const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => ended.push('slow'))
    await expect(settled([slow, Promise.reject(new Error('first')), Promise.reject(new Error('second'))])).rejects.toThrow('first')
    expect(ended).toEqual(['slow'])
  })
})
