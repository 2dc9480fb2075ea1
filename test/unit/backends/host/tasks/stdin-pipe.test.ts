import { execFileSync, spawn } from 'node:child_process'
import { constants, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StdinPipe } from '../../../../../src/backends/host/tasks/stdin-pipe.js'

let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-stdin-'))
  path = join(directory, 'stdin')
  execFileSync('mkfifo', [path])
})
afterEach(() => rm(directory, { recursive: true, force: true }))
const running = new Promise<void>(() => {})
const reader = (): Promise<string> => text(spawn('cat', [path], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout)
const bytes = Buffer.from('to the end')

it('gives all to a reader who comes when everything has been written and ended', async () => {
  const pipe = new StdinPipe(path, running)
  const written = pipe.write(bytes)
  const ended = pipe.end()
  await sleep(100)
  expect(await reader()).toBe('to the end')
  expect(await written).toBe(true)
  await ended
})
it('tells a reader who comes late that there is nothing', async () => {
  const pipe = new StdinPipe(path, running)
  const ended = pipe.end()
  await sleep(100)
  expect(await reader()).toBe('')
  await ended
})
it('goes on with a reader who is there, write after write', async () => {
  const pipe = new StdinPipe(path, running)
  const read = reader()
  for (const word of ['one ', 'two ', 'three']) expect(await pipe.write(Buffer.from(word))).toBe(true)
  await pipe.end()
  expect(await read).toBe('one two three')
  expect(await pipe.write(bytes)).toBe(false)
})
it('is closed to who writes or ends when nobody reads any more', async () => {
  const pipe = new StdinPipe(path, running, 50)
  expect([await pipe.write(bytes), await pipe.write(bytes)]).toEqual([false, false])
  await pipe.end()
  await new StdinPipe(path, running, 50).end()
})
it('waits for nobody when the process has ended, the pipe is gone or is given up', async () => {
  const ended = new StdinPipe(path, Promise.resolve())
  const given = new StdinPipe(path, running)
  const gone = new StdinPipe(join(directory, 'none'), running)
  const writes = [ended, given].map((pipe) => pipe.write(bytes))
  given.destroy()
  expect(await Promise.all(writes)).toEqual([false, false])
  await expect(gone.write(bytes)).rejects.toMatchObject({ code: 'ENOENT' })
  await Promise.all([ended, given, gone].map((pipe) => pipe.end()))
})
it('opens nothing for a write that waited behind another when it is given up', async () => {
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length
  await using _reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const before = await descriptors()
  const pipe = new StdinPipe(path, running)
  const writes = [pipe.write(Buffer.alloc(1 << 20)), pipe.write(bytes)]
  await expect.poll(descriptors).toBe(before + 1)
  pipe.destroy()
  expect(await Promise.all(writes)).toEqual([false, false])
  await expect.poll(descriptors).toBe(before)
})
