import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FileLocks, openFileLocks } from '../../../../src/backends/host/file-locks.js'
import { FileRecords } from '../../../../src/backends/host/file-records.js'
import { collect } from '../../../../src/conformance/suite.js'
import type { TraceEntry } from '../../../../src/model/trace.js'

let root: string
let locks: FileLocks
let traced: TraceEntry[]
const directory = (): string => join(root, 'records/things')

function parse(json: unknown): { text: string } {
  const { text } = json as { text?: unknown }
  if (typeof text !== 'string') throw new TypeError('not a thing')
  return { text }
}
const records = (durable?: () => boolean): FileRecords<{ text: string }> =>
  new FileRecords({ directory: directory(), locks, parse, durable, onTrace: (entry) => traced.push(entry) })

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'records-'))
  locks = await openFileLocks(root)
  traced = []
})
afterEach(async () => {
  await locks.close()
  await rm(root, { recursive: true })
})

it('files and directories are for their owner alone', async () => {
  await records().create('a', { text: 'one' })
  expect((await stat(directory())).mode & 0o777).toBe(0o700)
  expect((await stat(join(directory(), 'a.json'))).mode & 0o777).toBe(0o600)
  expect(await readdir(directory())).toEqual(['a.json'])
})

it('a record that was cut short or is none is data_loss for find, traced and passed over by list, and can be deleted', async () => {
  const store = records()
  for (const id of ['cut', 'empty', 'other', 'good']) await store.create(id, { text: id })
  await truncate(join(directory(), 'cut.json'), 20)
  await truncate(join(directory(), 'empty.json'), 0)
  await writeFile(join(directory(), 'other.json'), '{"revision":"1","value":{"text":7}}')
  for (const id of ['cut', 'empty', 'other']) {
    await expect(store.find(id)).rejects.toMatchObject({ code: 'data_loss', message: expect.stringContaining(`"${id}"`) })
    await expect(store.create(id, { text: 'x' })).rejects.toMatchObject({ code: 'already_exists' })
  }
  expect((await collect(store.list())).map(({ value }) => value.text)).toEqual(['good'])
  expect(traced.map((entry) => [entry.kind, entry.name])).toEqual(Array(3).fill(['warning', 'records.things']))
  for (const id of ['cut', 'empty', 'other']) await store.delete(id)
  expect(await readdir(directory())).toEqual(['good.json'])
})

it('what a writer left when it died is swept by list, but not what a living one is writing', async () => {
  const store = records()
  await mkdir(directory(), { recursive: true })
  await writeFile(join(directory(), '.dead'), '{"rev')
  await writeFile(join(directory(), '.living'), '{"rev')
  const writing = await locks.acquire('record/things/living')
  expect(await collect(store.list())).toEqual([])
  expect(await readdir(directory())).toEqual(['.living'])
  await writing.close()
  await store.create('living', { text: 'whole' })
  expect(await readdir(directory())).toEqual(['living.json'])
  expect(traced).toEqual([])
})

it('a value of which durability is not asked is stored all the same', async () => {
  const store = records(() => false)
  const first = await store.create('a', { text: 'one' })
  await store.replace('a', first, { text: 'two' })
  expect(JSON.parse(await readFile(join(directory(), 'a.json'), 'utf8'))).toMatchObject({ value: { text: 'two' } })
  await store.delete('a')
  expect(await readdir(directory())).toEqual([])
})

it('serialize and parse make of a value what they like', async () => {
  const store = new FileRecords<Map<string, Date>>({
    directory: directory(),
    locks,
    serialize: (value) => [...value],
    parse: (json) => new Map((json as [string, string][]).map(([key, date]) => [key, new Date(date)])),
  })
  const value = new Map([['a', new Date(5)]])
  await store.create('a', value)
  expect((await store.find('a'))?.value).toEqual(value)
})

it('a value that cannot be stored leaves nothing', async () => {
  const store = new FileRecords<bigint>({ directory: directory(), locks, parse: () => 1n })
  await expect(store.create('a', 1n)).rejects.toBeInstanceOf(TypeError)
  expect(await store.find('a')).toBeUndefined()
  await (await locks.acquire('record/things/a')).close()
})

it('what a crash of the machine may take is kept apart, and found, listed and deleted like the rest', async () => {
  const volatileDirectory = join(root, 'volatile/things')
  const store = new FileRecords<{ text: string }>({
    directory: directory(),
    volatileDirectory,
    locks,
    parse,
    durable: ({ text }) => text !== 'owned',
  })
  const kept = await store.create('a', { text: 'kept' })
  const owned = await store.create('b', { text: 'owned' })
  expect([await readdir(directory()), await readdir(volatileDirectory)]).toEqual([['a.json'], ['b.json']])
  await expect(store.create('b', { text: 'kept' })).rejects.toMatchObject({ code: 'already_exists' })
  expect((await collect(store.list())).map(({ value }) => value.text).sort()).toEqual(['kept', 'owned'])
  // Each is where its value now belongs, and nowhere else.
  await store.replace('b', owned, { text: 'kept' })
  await store.replace('a', kept, { text: 'owned' })
  expect([await readdir(directory()), await readdir(volatileDirectory)]).toEqual([['b.json'], ['a.json']])
  for (const id of ['a', 'b']) await store.delete(id)
  expect([await readdir(directory()), await readdir(volatileDirectory)]).toEqual([[], []])
})

it('a broken record is told with the path where it lies, also where others are kept elsewhere', async () => {
  const store = new FileRecords<{ text: string }>({
    directory: directory(),
    volatileDirectory: join(root, 'volatile/things'),
    locks,
    parse,
  })
  await store.create('cut', { text: 'kept' })
  await truncate(join(directory(), 'cut.json'), 20)
  await expect(store.find('cut')).rejects.toMatchObject({ message: expect.stringContaining(join(directory(), 'cut.json')) })
})
