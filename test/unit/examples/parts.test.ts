import { describe, expect, it } from 'vitest'
import { ProgressDisplay } from '../../../examples/parts/progress.js'
import { quoted, Steps } from '../../../examples/parts/steps.js'

function output(more: { readonly isTTY?: boolean; readonly columns?: number } = {}) {
  const written: string[] = []
  return { written, write: (text: string) => written.push(text), ...more }
}
const a = `sha256:${'a'.repeat(64)}`
const b = `sha256:${'b'.repeat(64)}`

describe('ProgressDisplay', () => {
  it('writes a plain line for each phase of each layer where there is no terminal', () => {
    const to = output()
    const display = new ProgressDisplay(to)
    display.show({ phase: 'resolve', doneBytes: 0 })
    display.show({ phase: 'download', layer: a, doneBytes: 0, totalBytes: 2_000_000 })
    display.show({ phase: 'download', layer: a, doneBytes: 1_000_000, totalBytes: 2_000_000 })
    display.show({ phase: 'download', layer: b, doneBytes: 5 })
    display.show({ phase: 'done', layer: a, doneBytes: 2_000_000, totalBytes: 2_000_000 })
    display.end()
    expect(to.written).toEqual([
      '  image         resolve\n',
      '  aaaaaaaaaaaa  download  0.0 MB of 2.0 MB\n',
      '  bbbbbbbbbbbb  download  0.0 MB\n',
      '  aaaaaaaaaaaa  done      2.0 MB\n',
    ])
  })

  it('draws one line per layer on a terminal, over those drawn before, none longer than it is wide', () => {
    const to = output({ isTTY: true, columns: 30 })
    const display = new ProgressDisplay(to)
    display.show({ phase: 'resolve', doneBytes: 0 })
    display.show({ phase: 'download', layer: a, doneBytes: 0, totalBytes: 2_000_000 })
    display.show({ phase: 'download', layer: b, doneBytes: 0, totalBytes: 1_000_000 })
    display.show({ phase: 'done', layer: a, doneBytes: 2_000_000, totalBytes: 2_000_000 })
    display.end()
    const line = (text: string): string => `\u001b[2K  ${text}\n`
    expect(to.written).toEqual([
      line('aaaaaaaaaaaa  download  0.0'),
      `\u001b[1A${line('aaaaaaaaaaaa  done      2.0')}${line('bbbbbbbbbbbb  download  0.0')}`,
    ])
  })
})

describe('quoted', () => {
  it('marks every line once, however the pieces were cut', () => {
    const to = output()
    const { write, end } = quoted(to)
    for (const piece of ['li', 'ne 1\n', 'line 2\n\nli', 'ne 4']) write(Buffer.from(piece))
    end()
    end()
    expect(to.written.join('')).toBe('  | line 1\n  | line 2\n  | \n  | line 4\n')
  })
})

describe('Steps', () => {
  it('undoes everything in reverse, also when a part of it fails, and then says so', async () => {
    const to = output()
    const steps = new Steps(to)
    const undone: string[] = []
    steps.defer('the first', async () => undone.push('first'))
    steps.defer('the second', async () => {
      throw new Error('stuck')
    })
    steps.defer('the third', async () => undone.push('third'))
    expect(await steps.undo()).toBe(false)
    expect(undone).toEqual(['third', 'first'])
    expect(to.written.join('')).toMatch(/> the second\n {2}failed after \d+\.\d\d s\n {2}stuck\n/)
    expect(await steps.undo()).toBe(true)
  })
})
