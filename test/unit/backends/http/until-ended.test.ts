import { describe, expect, it } from 'vitest'
import { untilEnded } from '../../../../src/backends/http/until-ended.js'

/** Gives what is pushed, and waits for ever after it, until it is cut. */
function silent(...chunks: readonly string[]): { readonly source: AsyncIterable<Uint8Array>; cut(): void } {
  let cut = (): void => {}
  const over = new Promise<void>((_, reject) => {
    cut = () => {
      reject(new Error('cut'))
    }
  })
  over.catch(() => {})
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield Buffer.from(chunk)
    await over
  }
  return { source: source(), cut }
}
async function read(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const chunk of bytes) text += Buffer.from(chunk).toString()
  return text
}

describe('untilEnded', () => {
  it('ends a stream that a daemon forgets to close, once the process is known to have ended', async () => {
    const { source, cut } = silent('all of it')
    expect(await read(untilEnded(source, { ended: async () => true, cut, quietMs: 20 }))).toBe('all of it')
  })

  it('asks again and again while the process runs', async () => {
    const { source, cut } = silent('x')
    let asked = 0
    expect(await read(untilEnded(source, { ended: async () => (asked += 1) > 3, cut, quietMs: 10 }))).toBe('x')
    expect(asked).toBeGreaterThan(3)
  })

  it('goes on when it cannot be asked, and rejects for a source that fails by itself', async () => {
    const { source, cut } = silent()
    let asked = 0
    const ended = async (): Promise<boolean> => {
      asked += 1
      if (asked === 1) throw new Error('no answer')
      return true
    }
    setTimeout(cut, 100)
    await expect(read(untilEnded(source, { ended, cut: () => {}, quietMs: 10 }))).rejects.toThrow('cut')
  })

  it('never asks while its reader is busy with what came', async () => {
    const { source, cut } = silent('a', 'b')
    let asked = 0
    const bytes = untilEnded(source, {
      ended: async () => {
        asked += 1
        return true
      },
      cut,
      quietMs: 5,
    })
    for await (const chunk of bytes) {
      await new Promise((resolve) => setTimeout(resolve, 40))
      expect([Buffer.from(chunk).toString(), asked]).toEqual([expect.stringMatching(/a|b/), 0])
    }
    expect(asked).toBeGreaterThan(0)
  })
})
