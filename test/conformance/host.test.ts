// Locks, records, events, directories and hosts: in memory, and on this machine's files.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileDirectories } from '../../src/backends/host/file-directories.js'
import { Removals } from '../../src/backends/host/removals.js'
import { FileEvents } from '../../src/backends/host/file-events.js'
import { openFileLocks } from '../../src/backends/host/file-locks.js'
import { FileRecords } from '../../src/backends/host/file-records.js'
import { LinuxHost } from '../../src/backends/host/linux-host.js'
import { directoriesSuite } from '../../src/conformance/directories-suite.js'
import { eventsSuite } from '../../src/conformance/events-suite.js'
import { type HostSubject, hostSuite } from '../../src/conformance/host-suite.js'
import { locksSuite } from '../../src/conformance/locks-suite.js'
import { MemoryDirectories } from '../../src/conformance/memory/directories.js'
import { MemoryEvents } from '../../src/conformance/memory/events.js'
import { MemoryHost } from '../../src/conformance/memory/host.js'
import { MemoryLocks } from '../../src/conformance/memory/locks.js'
import { MemoryRecords } from '../../src/conformance/memory/records.js'
import { recordsSuite, type SampleRecord } from '../../src/conformance/records-suite.js'
import { EngineError } from '../../src/errors.js'
import type { Mount } from '../../src/model/common.js'
import type { MountedTree } from '../../src/ports/engine/host.js'
import { closeable } from '../../src/util/closeable.js'
import { testApi } from '../setup/test-api.js'

const memory = { name: 'memory', supports: () => true }
const files = { name: 'files', supports: () => true }
const nothing = closeable(async () => {})

async function temporaryRoot(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'host-'))
}

locksSuite(
  {
    ...memory,
    open: async () => {
      const locks = new MemoryLocks()
      return { subject: { mine: locks, theirs: locks }, ...nothing }
    },
  },
  testApi,
)
locksSuite(
  {
    ...files,
    open: async () => {
      const root = await temporaryRoot()
      const [mine, theirs] = await Promise.all([openFileLocks(root), openFileLocks(root)])
      const close = async (): Promise<void> => {
        await Promise.all([mine.close(), theirs.close()])
        await rm(root, { recursive: true })
      }
      return { subject: { mine, theirs }, ...closeable(close) }
    },
  },
  testApi,
)

recordsSuite(
  {
    ...memory,
    open: async () => {
      const records = new MemoryRecords<SampleRecord>()
      return { subject: { mine: records, theirs: records }, ...nothing }
    },
  },
  testApi,
)
recordsSuite(
  {
    ...files,
    open: async () => {
      const root = await temporaryRoot()
      const locks = await Promise.all([openFileLocks(root), openFileLocks(root)])
      const parse = (json: unknown): SampleRecord => {
        const { text, at } = json as { text: string; at: string }
        return { text, at: new Date(at) }
      }
      const [mine, theirs] = locks.map(
        (one) => new FileRecords<SampleRecord>({ directory: join(root, 'records/samples'), locks: one, parse }),
      )
      const close = async (): Promise<void> => {
        for (const one of locks) await one.close()
        await rm(root, { recursive: true })
      }
      return { subject: { mine: mine as FileRecords<SampleRecord>, theirs: theirs as FileRecords<SampleRecord> }, ...closeable(close) }
    },
  },
  testApi,
)

eventsSuite(
  {
    ...memory,
    open: async () => {
      const events = new MemoryEvents(10)
      return { subject: { mine: events, theirs: events, overflow: 11 }, ...nothing }
    },
  },
  testApi,
)
eventsSuite(
  {
    ...files,
    open: async () => {
      const root = await temporaryRoot()
      const locks = await Promise.all([openFileLocks(root), openFileLocks(root)])
      const logs = locks.map((one) => new FileEvents({ directory: join(root, 'events'), locks: one, engineId: 'engine', segmentEvents: 5 }))
      const close = async (): Promise<void> => {
        for (const one of [...logs, ...locks]) await one.close()
        await rm(root, { recursive: true })
      }
      return { subject: { mine: logs[0] as FileEvents, theirs: logs[1] as FileEvents, overflow: 11 }, ...closeable(close) }
    },
  },
  testApi,
)

directoriesSuite(
  {
    ...memory,
    open: async () => {
      const directories = new MemoryDirectories()
      const read = async (path: string): Promise<string | undefined> => {
        const [, id, name] = /^\/memory\/containers\/([^/]+)\/(.+)$/.exec(path) ?? []
        return directories.files.get(id ?? '')?.get(name ?? '')
      }
      return { subject: { mine: directories, theirs: directories, read, identity: async (path) => path }, ...nothing }
    },
  },
  testApi,
)
directoriesSuite(
  {
    ...files,
    open: async () => {
      const root = await temporaryRoot()
      const removals = new Removals()
      const at = (): FileDirectories => new FileDirectories(join(root, 'containers'), removals)
      const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)
      const identity = async (path: string): Promise<string> => String((await stat(path)).ino)
      return {
        subject: { mine: at(), theirs: at(), read, identity },
        ...closeable(async () => {
          await removals.close()
          await rm(root, { recursive: true })
        }),
      }
    },
  },
  testApi,
)

const programs: HostSubject['programs'] = {
  hello: { file: 'printf', args: ['hello'] },
  copy: { file: 'cat', args: [] },
  failing: { file: 'sh', args: ['-c', 'echo it broke >&2; exit 4'] },
  endless: { file: 'sleep', args: ['1000'] },
}
const visibleMounts = async (): Promise<string[]> => (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')

hostSuite(
  {
    ...memory,
    open: async () => {
      const closed = new WeakSet<MountedTree>()
      const trees = async (mounts: readonly Mount[]): Promise<MountedTree> => {
        if (mounts.some(({ type }) => type !== 'memory')) throw new EngineError('internal', 'no such mount')
        await new Promise((resolve) => setImmediate(resolve))
        const closing = async (): Promise<void> => {
          closed.add(tree)
        }
        const tree: MountedTree = { root: mounts[0]?.source ?? '', ...closeable(closing) }
        return tree
      }
      const read = async (tree: MountedTree): Promise<string> => {
        if (closed.has(tree)) throw new Error('closed')
        return `text of ${tree.root}`
      }
      const host = new MemoryHost({
        trees,
        run: async (file, _args, { input }) => {
          if (file === 'printf') return Buffer.from('hello')
          if (file === 'cat') return input
          if (file === 'sh') throw new EngineError('internal', '"sh" ended with 4: it broke')
          return file === 'sleep' ? new Promise(() => {}) : undefined
        },
      })
      const mount = (source: string): Mount => ({ type: 'memory', source, options: [] })
      const sources = ['a', 'b'].map((source) => ({ mounts: [mount(source)], text: `text of ${source}` }))
      return {
        subject: { host, programs, trees: sources, brokenMounts: [{ ...mount('a'), type: 'other' }], read, visibleMounts },
        ...nothing,
      }
    },
  },
  testApi,
)
hostSuite(
  {
    name: 'linux',
    supports: (capability) => process.getuid?.() === 0 && (capability !== 'netns' || process.env['POUCH_SDK_PRIVATE_NAMESPACES'] === '1'),
    open: async () => {
      const root = await temporaryRoot()
      const trees: HostSubject['trees'][number][] = []
      for (const name of ['a', 'b']) {
        await mkdir(join(root, name))
        await writeFile(join(root, name, 'name'), `text of ${name}`)
        trees.push({ mounts: [{ type: 'bind', source: join(root, name), options: ['rbind', 'ro'] }], text: `text of ${name}` })
      }
      const brokenMounts = [...(trees[0]?.mounts ?? []), { type: 'bind', source: join(root, 'absent'), options: ['rbind'] }]
      const read = (tree: MountedTree, name: string): Promise<string> => readFile(join(tree.root, name), 'utf8')
      const subject = { host: new LinuxHost({ root }), programs, trees, brokenMounts, read, visibleMounts }
      return { subject, ...closeable(() => rm(root, { recursive: true })) }
    },
  },
  testApi,
)
