import { appendFile, mkdtemp, readdir, readFile, readlink, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileEvents } from '../../../../src/backends/host/file-events.js'
import { MemoryLocks } from '../../../../src/conformance/memory/locks.js'
import { collect } from '../../../../src/conformance/suite.js'
import type { EngineEvent } from '../../../../src/model/event.js'
import type { TraceEntry } from '../../../../src/model/trace.js'

let root: string
let directory: string
let opened: FileEvents[]
const traced: TraceEntry[] = []
const locks = new MemoryLocks()

/** As another process has it: nothing is in its memory. */
function open(segmentEvents = 4): FileEvents {
  const log = new FileEvents({ directory, locks, engineId: 'engine', segmentEvents, onTrace: (entry) => traced.push(entry) })
  opened.push(log)
  return log
}
const event = (id: string): Omit<EngineEvent, 'cursor'> => ({
  type: 'container',
  action: 'exit',
  subject: { kind: 'container', id },
  time: new Date(1),
  attributes: {},
})
const ids = async (log: FileEvents, since?: string): Promise<string[]> =>
  (await collect(log.read({ since }))).map(({ type, subject }) => (type === 'gap' ? 'gap' : subject.id))
async function append(log: FileEvents, ...names: string[]): Promise<string[]> {
  const cursors: string[] = []
  for (const name of names) cursors.push(await log.append(name, event(name)))
  return cursors
}
const segments = async (): Promise<string[]> => (await readdir(directory)).sort()

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'events-'))
  directory = join(root, 'events')
  opened = []
})
afterEach(async () => {
  for (const log of opened) await log.close()
  await rm(root, { recursive: true })
})

it('at most two files are kept, for their owner alone, and keys are known as long as their events are', async () => {
  const log = open()
  const names = Array.from({ length: 20 }, (_, n) => String(n))
  const cursors = await append(log, ...names)
  expect(await segments()).toEqual([
    expect.stringMatching(/^00000004-[0-9a-f]{8}\.jsonl$/),
    expect.stringMatching(/^00000005-[0-9a-f]{8}\.jsonl$/),
  ])
  expect((await stat(join(directory, (await segments())[0] as string))).mode & 0o777).toBe(0o600)
  expect(await ids(log)).toEqual(names.slice(12))
  const other = open()
  expect(await append(other, '12', '19')).toEqual([cursors[12], cursors[19]])
  await append(other, '0')
  expect(await ids(log)).toEqual([...names.slice(16), '0'])
})

it('a cursor at the end of one file goes on in the next', async () => {
  const log = open()
  const [, , , last] = await append(log, 'a', 'b', 'c', 'd')
  expect(await log.end()).toBe(last)
  await append(log, 'e')
  expect(await ids(open(), last)).toEqual(['e'])
  expect(await ids(log, await log.end())).toEqual([])
})

it('half a line that a crash left is read by nobody and written over by the next', async () => {
  await append(open(), 'a', 'b')
  const [name] = await segments()
  await appendFile(join(directory, name as string), '{"key":"c","type":"contai')
  expect(await ids(open())).toEqual(['a', 'b'])
  const log = open()
  await append(log, 'c', 'd')
  expect(await ids(log)).toEqual(['a', 'b', 'c', 'd'])
  expect((await readFile(join(directory, name as string), 'utf8')).split('\n')).toHaveLength(5)
})

it('a line that is none becomes a gap, and is traced', async () => {
  const log = open()
  await append(log, 'a')
  const [name] = await segments()
  await appendFile(join(directory, name as string), '\0\0\0\nnull\n{}\n')
  await append(log, 'b')
  traced.length = 0
  expect(await ids(log)).toEqual(['a', 'gap', 'gap', 'gap', 'b'])
  expect(traced.map(({ kind, name }) => [kind, name])).toEqual(Array(3).fill(['warning', 'events.read']))
})

it('a file that is full without a next one gets it, whoever made it full', async () => {
  const log = open()
  const [, b] = await append(log, 'a', 'b')
  const [name] = await segments()
  await appendFile(join(directory, name as string), '{"full":true}\n')
  expect(await ids(open(), b)).toEqual([])
  await append(open(), 'c')
  await append(log, 'd')
  expect(await ids(log)).toEqual(['a', 'b', 'c', 'd'])
  expect(await segments()).toHaveLength(2)
})

it('a cursor into the middle of a line, behind the end, or of another log gives a gap', async () => {
  const log = open()
  const [first] = await append(log, 'a', 'b')
  const [segment, offset] = (first as string).split('.')
  expect(await ids(log, `${segment}.${Number(offset) - 1}`)).toEqual(['gap', 'a', 'b'])
  expect(await ids(log, `${segment}.999999`)).toEqual(['gap', 'a', 'b'])
  expect(await ids(log, `00000001-00000000.${offset}`)).toEqual(['gap', 'a', 'b'])
  expect(await ids(log, `${segment}.0`)).toEqual(['a', 'b'])
})

it('a log that is taken away begins anew, for readers with a gap', async () => {
  const log = open()
  const [first] = await append(log, 'a')
  const reader = log.read({ follow: true, since: first })[Symbol.asyncIterator]()
  const waiting = reader.next()
  await unlink(join(directory, (await segments())[0] as string))
  await append(log, 'a', 'b')
  const found = [(await waiting).value as EngineEvent]
  while (found.at(-1)?.subject.id !== 'b') found.push((await reader.next()).value as EngineEvent)
  await reader.return?.(undefined)
  expect(found.map(({ type, subject }) => (type === 'gap' ? 'gap' : subject.id))).toEqual(['gap', 'a', 'b'])
})

it('an append that fails leaves the log as it was', async () => {
  const log = open()
  await append(log, 'a')
  await expect(log.append('b', { ...event('b'), attributes: { big: 1n as unknown as string } })).rejects.toThrow()
  await append(log, 'c')
  expect(await ids(open())).toEqual(['a', 'c'])
})

it('files of others in the directory are left alone', async () => {
  const log = open(1)
  await append(log, 'a')
  await writeFile(join(directory, 'README'), '')
  await append(log, 'b', 'c', 'd')
  expect(await segments()).toContain('README')
  expect(await ids(log)).toEqual(['c', 'd'])
  await truncate(join(directory, 'README'))
})

it('who follows the log of a backend that is closed is told so, and holds nothing any more', async () => {
  const log = open()
  await append(log, 'a')
  const seen: string[] = []
  const following = (async () => {
    for await (const { subject } of log.read({ since: undefined, follow: true })) seen.push(subject.id)
  })()
  const told = expect(following).rejects.toMatchObject({ code: 'unavailable', message: 'the backend is closed' })
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['a'])
  await log.close()
  await told
  await expect(collect(log.read())).rejects.toMatchObject({ code: 'unavailable' })
  const held = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  expect(held.filter((path) => path.startsWith(directory))).toEqual([])
})
