import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRunFiles, listRuns } from '../../../../src/backends/host/log-files.js'
import { type ReadLogOptions, readLog } from '../../../../src/backends/host/log-read.js'
import { FileTail } from '../../../../src/backends/host/tail.js'

let directory: string
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'pouch-sdk-')), 'log')
})
afterEach(() => rm(join(directory, '..'), { recursive: true }))

async function run(stdout: string, stderr?: string): Promise<void> {
  const { files, opened } = await createRunFiles(directory, stderr === undefined)
  for (const file of opened) await file.close()
  for (const [index, text] of [stdout, stderr].entries()) if (text !== undefined) await appendFile(files[index]?.path ?? '', text)
}
async function texts(options?: ReadLogOptions): Promise<string[]> {
  const all: string[] = []
  for await (const { text, partial } of readLog(directory, options)) all.push(partial === true ? `${text.length}…` : text)
  return all
}

describe('createRunFiles', () => {
  it('gives each run its own files, private, also to those that begin at once', async () => {
    const runs = await Promise.all([createRunFiles(directory, false), createRunFiles(directory, false), createRunFiles(directory, true)])
    for (const { opened } of runs) for (const file of opened) await file.close()
    expect(runs.map((one) => one.run).sort()).toEqual([1, 2, 3])
    expect((await listRuns(directory)).map((one) => one.run)).toEqual([1, 2, 3])
    for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600)
  })
})
describe('readLog', () => {
  it('of a directory that is not there is empty', async () => {
    expect(await texts()).toEqual([])
  })
  it('counts tail from the end over runs and streams, at every cut', async () => {
    await run('a1\na2\n', 'e1\n')
    await run('b1\nb2')
    const all = ['a1', 'a2', 'e1', 'b1', 'b2']
    expect(await texts()).toEqual(all)
    for (let tail = 0; tail <= 7; tail += 1) expect(await texts({ tail })).toEqual(tail === 0 ? [] : all.slice(-tail))
  })
  it('counts back over blocks, empty lines and long lines', async () => {
    const lines = [...Array(20_000).keys()].map((number) => (number % 7 === 0 ? '' : `line ${number}`))
    await run(`${lines.join('\n')}\n`)
    for (const tail of [1, 2, 9_999, 19_999, 20_000, 20_001]) expect(await texts({ tail })).toEqual(lines.slice(-tail))
    await run(`${'x'.repeat(40_000)}\n\n`)
    expect(await texts({ tail: 2 })).toEqual(['16384…', '16384…', 'x'.repeat(40_000 - 2 * 16_384), ''])
  })
  it('follows what is appended, and ends when told that the writer has ended', async () => {
    const { files, opened } = await createRunFiles(directory, true)
    let end = (): void => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const entries = readLog(directory, { follow: true, ended })
    for (const text of ['one', 'two']) {
      const next = entries.next()
      await appendFile(files[0]?.path ?? '', `${text}\n`)
      expect((await next).value?.text).toBe(text)
    }
    await appendFile(files[0]?.path ?? '', 'rest')
    end()
    expect((await entries.next()).value?.text).toBe('rest')
    expect((await entries.next()).done).toBe(true)
    await opened[0]?.close()
  })
  it('ends at `until` while it follows', async () => {
    await run('one\n')
    expect(await texts({ follow: true, ended: new Promise(() => {}), until: new Date(Date.now() + 1_000) })).toEqual(['one'])
  })
})
describe('FileTail', () => {
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length
  it('closes its files when read to the end, when left early or never read, and when closed in the middle', async () => {
    await run('x\n', 'y\n') // the first watch of a process opens inotify for good
    for await (const _entry of readLog(directory, {
      follow: true,
      ended: new Promise((resolve) => {
        setTimeout(resolve, 10)
      }),
    })) {
      /* to the end */
    }
    const before = await descriptors()
    const open = async (ended: Promise<void>): Promise<FileTail> => {
      const { files, opened } = await createRunFiles(directory, false)
      await appendFile(files[0]?.path ?? '', 'text')
      return new FileTail(
        opened.map((file, index) => ({ file, stream: files[index]?.stream ?? 'stdout', path: files[index]?.path ?? '', position: 0 })),
        ended,
      )
    }
    for await (const _chunk of (await open(Promise.resolve())).output()) {
      /* to the end */
    }
    for await (const _chunk of (await open(new Promise(() => {}))).output()) break
    const unread = await open(new Promise(() => {}))
    await unread.close()
    const middle = await open(new Promise(() => {}))
    await middle.output().next()
    await middle.close()
    const waiting = await open(new Promise(() => {}))
    const output = waiting.output()
    await output.next()
    const next = output.next()
    await waiting.close()
    expect((await next).done).toBe(true)
    expect(await descriptors()).toBe(before)
  })
})
