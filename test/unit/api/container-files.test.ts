import { link, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, type Headers, pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Container } from '../../../src/api/container.js'
import { EngineError } from '../../../src/errors.js'
import type { FileService } from '../../../src/ports/backend/files.js'
import { fakeBackend } from './fake-backend.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-files-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))
const at = (...parts: readonly string[]): string => join(directory, ...parts)

type Entry = readonly [headers: Headers, body?: string]
async function tar(...entries: readonly Entry[]): Promise<Buffer> {
  const packed = pack()
  for (const [headers, body] of entries) packed.entry({ mode: headers.type === 'directory' ? 0o755 : 0o644, ...headers }, body ?? '')
  packed.finalize()
  return buffer(packed)
}
async function entriesOf(bytes: AsyncIterable<Uint8Array>): Promise<readonly (Headers & { readonly body: string })[]> {
  const entries = extract()
  const source = Readable.from(bytes)
  source.once('error', (error) => entries.destroy(error))
  source.pipe(entries)
  const found: (Headers & { readonly body: string })[] = []
  for await (const entry of entries) found.push({ ...entry.header, body: (await buffer(entry)).toString() })
  return found
}
const files = (service: Partial<FileService>): Container['files'] => new Container(fakeBackend({ files: service }).backend, 'web').files
const reading = (bytes: Buffer | Promise<Buffer>): Container['files'] =>
  files({
    read: async function* () {
      yield await bytes
    },
  })
/** `there` is what the container has. */
const writing = (
  there: Readonly<Record<string, 'file' | 'directory'>> = {},
): {
  readonly files: Container['files']
  readonly written: { path: string; entries: Awaited<ReturnType<typeof entriesOf>> }[]
} => {
  const written: { path: string; entries: Awaited<ReturnType<typeof entriesOf>> }[] = []
  return {
    written,
    files: files({
      stat: async (_, path) => {
        const type = there[path]
        if (type === undefined) throw new EngineError('not_found', `no "${path}"`)
        return { name: path, type, sizeBytes: 0, mode: 0o755, modifiedAt: new Date(0) }
      },
      write: async (_, path, bytes) => void written.push({ path, entries: await entriesOf(bytes) }),
    }),
  }
}

describe('read', () => {
  it('gives the bytes of a file', async () => {
    expect((await reading(tar([{ name: 'motd' }, 'hello\n'])).read('/etc/motd')).toString()).toBe('hello\n')
  })
  it('takes an empty file for one', async () => {
    expect(await reading(tar([{ name: 'motd' }])).read('/etc/motd')).toHaveLength(0)
  })
  it.each(['directory', 'symlink', 'fifo'] as const)('refuses a %s', async (type) => {
    await expect(reading(tar([{ name: 'x', type, linkname: 'y' }])).read('/x')).rejects.toMatchObject({ code: 'failed_precondition' })
  })
  it('refuses a file beyond the limit', async () => {
    await expect(reading(tar([{ name: 'x' }, '12345'])).read('/x', { maxBytes: 4 })).rejects.toMatchObject({ code: 'resource_exhausted' })
  })
  it('rejects with the error of the backend as it is', async () => {
    const missing = new EngineError('not_found', 'no "/x"')
    const failing = files({
      // biome-ignore lint/correctness/useYield: it fails at its first step
      read: async function* () {
        throw missing
      },
    })
    await expect(failing.read('/x')).rejects.toBe(missing)
  })
  it('rejects with data_loss for a tar that ends early', async () => {
    await expect(reading((await tar([{ name: 'x' }, 'y'.repeat(2000)])).subarray(0, 1024)).read('/x')).rejects.toMatchObject({
      code: 'data_loss',
    })
  })
  it('refuses a path that is not absolute', async () => {
    await expect(files({}).read('motd')).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('write', () => {
  it('sends one file to its directory', async () => {
    const { files, written } = writing()
    await files.write('/etc/motd', 'hello\n', { mode: 0o600 })
    expect(written).toMatchObject([
      { path: '/etc', entries: [{ name: 'motd', mode: 0o600, uid: 0, gid: 0, type: 'file', body: 'hello\n' }] },
    ])
  })
  it('takes an empty text and bytes', async () => {
    const { files, written } = writing()
    await files.write('/a', '')
    await files.write('/b', new Uint8Array([65]))
    expect(written.flatMap(({ entries }) => entries.map(({ body }) => body))).toEqual(['', 'A'])
  })
  it('refuses permissions out of range', async () => {
    await expect(files({}).write('/a', 'x', { mode: 0o10000 })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('copyIn', () => {
  it('sends a directory under its new name, with links as links', async () => {
    await mkdir(at('fixtures', 'sub'), { recursive: true })
    await writeFile(at('fixtures', 'sub', 'a'), 'A'.repeat(100_000), { mode: 0o640 })
    await symlink('/etc/passwd', at('fixtures', 'link'))
    const { files, written } = writing()
    await files.copyIn(at('fixtures'), '/srv/data')
    const [{ path, entries }] = written as [(typeof written)[0]]
    expect(path).toBe('/srv')
    expect(entries.map(({ name, type }) => `${type} ${name.replace(/\/$/, '')}`).sort()).toEqual([
      'directory data',
      'directory data/sub',
      'file data/sub/a',
      'symlink data/link',
    ])
    expect(entries.find(({ type }) => type === 'symlink')).toMatchObject({ linkname: '/etc/passwd' })
    expect(entries.find(({ type }) => type === 'file')).toMatchObject({ mode: 0o640, uid: 0, body: 'A'.repeat(100_000) })
  })
  it('sends one file', async () => {
    await writeFile(at('a'), 'A')
    const { files, written } = writing()
    await files.copyIn(at('a'), '/b')
    expect(written).toMatchObject([{ path: '/', entries: [{ name: 'b', body: 'A' }] }])
  })
  it('puts a file and a directory into a directory that is there, under their own names', async () => {
    await mkdir(at('fixtures'))
    await writeFile(at('fixtures', 'a'), 'A')
    for (const to of ['/srv', '/srv/']) {
      const { files, written } = writing({ [to]: 'directory' })
      await files.copyIn(at('fixtures'), to)
      await files.copyIn(at('fixtures', 'a'), to)
      expect(written.map(({ path, entries }) => [path, entries.map(({ name }) => name.replace(/\/$/, ''))])).toEqual([
        ['/srv', ['fixtures', 'fixtures/a']],
        ['/srv', ['a']],
      ])
    }
  })
  it('puts what is in a directory that is named with "/." into one that is there', async () => {
    await mkdir(at('fixtures'))
    await writeFile(at('fixtures', 'a'), 'A')
    const { files, written } = writing({ '/srv': 'directory' })
    await files.copyIn(`${at('fixtures')}/.`, '/srv')
    expect(written.map(({ path, entries }) => [path, entries.map(({ name }) => name.replace(/\/$/, ''))])).toEqual([['/srv', ['.', 'a']]])
  })
  it('refuses a directory over a file, a file below one, and a file in a directory that is not there', async () => {
    await mkdir(at('fixtures'))
    await writeFile(at('a'), 'A')
    const { files, written } = writing({ '/file': 'file', '/file/': 'file' })
    await expect(files.copyIn(at('fixtures'), '/file')).rejects.toMatchObject({ code: 'failed_precondition' })
    await expect(files.copyIn(at('a'), '/file/')).rejects.toMatchObject({ code: 'failed_precondition' })
    await expect(files.copyIn(at('a'), '/none/')).rejects.toMatchObject({ code: 'not_found' })
    expect(written).toEqual([])
  })
  it('sends a file that has two names once, and the second name as a link to the first', async () => {
    await mkdir(at('fixtures'))
    await writeFile(at('fixtures', 'a'), 'A')
    await link(at('fixtures', 'a'), at('fixtures', 'b'))
    const { files, written } = writing()
    await files.copyIn(at('fixtures'), '/srv')
    const [first, second] = (written[0]?.entries ?? []).filter(({ type }) => type !== 'directory')
    expect([first?.type, second?.type, second?.linkname]).toEqual(['file', 'link', first?.name])
  })
  it('rejects with not_found for what is not there', async () => {
    await expect(writing().files.copyIn(at('none'), '/b')).rejects.toMatchObject({ code: 'not_found' })
  })
  it('rejects with the error of the backend when it takes only part of the tar', async () => {
    await writeFile(at('a'), 'A'.repeat(1_000_000))
    const full = new EngineError('resource_exhausted', 'disk full')
    const refusing = files({
      async stat() {
        throw new EngineError('not_found', 'nothing there')
      },
      async write(_, __, bytes) {
        for await (const _ of bytes) throw full
      },
    })
    await expect(refusing.copyIn(at('a'), '/b')).rejects.toBe(full)
  })
})

describe('copyOut', () => {
  const log: readonly Entry[] = [
    [{ name: 'log', type: 'directory' }],
    [{ name: 'log/sub', type: 'directory', mode: 0o500 }],
    [{ name: 'log/sub/a', mode: 0o4755 }, 'A'],
    [{ name: 'log/link', type: 'symlink', linkname: 'sub/a' }],
    [{ name: 'log/hard', type: 'link', linkname: 'log/sub/a' }],
    [{ name: 'log/fifo', type: 'fifo' }],
  ]
  it('makes the directory under its new name, without set-id bits, devices and fifos', async () => {
    await reading(tar(...log)).copyOut('/var/log', at('out'))
    expect(await readFile(at('out', 'sub', 'a'), 'utf8')).toBe('A')
    expect((await stat(at('out', 'sub', 'a'))).mode & 0o7777).toBe(0o755)
    expect(await readlink(at('out', 'link'))).toBe('sub/a')
    expect(await readFile(at('out', 'hard'), 'utf8')).toBe('A')
    await expect(stat(at('out', 'fifo'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('merges with what is there when it is done again', async () => {
    await reading(tar(...log)).copyOut('/var/log', at('out'))
    await writeFile(at('out', 'mine'), 'M')
    await writeFile(at('out', 'sub', 'a'), 'B')
    await reading(tar(...log)).copyOut('/var/log/.', at('out'))
    expect(await Promise.all([readFile(at('out', 'mine'), 'utf8'), readFile(at('out', 'sub', 'a'), 'utf8')])).toEqual(['M', 'A'])
  })
  it('makes one file, in place of a link that is there', async () => {
    await writeFile(at('precious'), 'P')
    await symlink('precious', at('b'))
    await reading(tar([{ name: 'a' }, 'A'])).copyOut('/a', at('b'))
    expect(await Promise.all([readFile(at('b'), 'utf8'), readFile(at('precious'), 'utf8')])).toEqual(['A', 'P'])
  })
  it('takes all below / itself', async () => {
    await reading(tar([{ name: './', type: 'directory' }], [{ name: './etc', type: 'directory' }], [{ name: './etc/a' }, 'A'])).copyOut(
      '/',
      at('out'),
    )
    expect(await readFile(at('out', 'etc', 'a'), 'utf8')).toBe('A')
  })
  it.each<readonly [string, Entry]>([
    ['an entry beside the first', [{ name: 'other' }, 'x']],
    ['an entry that climbs', [{ name: 'log/../../outside' }, 'x']],
    ['a hard link to elsewhere', [{ name: 'log/hard', type: 'link', linkname: '/etc/passwd' }]],
  ])('refuses %s', async (_, entry) => {
    const hostile = reading(tar([{ name: 'log', type: 'directory' }], entry))
    await expect(hostile.copyOut('/var/log', at('out'))).rejects.toMatchObject({ code: 'data_loss' })
    await expect(stat(at('outside'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('writes nothing through a link that the archive plants', async () => {
    await mkdir(at('neighbour'))
    const hostile = reading(
      tar(
        [{ name: 'log', type: 'directory' }],
        [{ name: 'log/up', type: 'symlink', linkname: '../neighbour' }],
        [{ name: 'log/up/pwn' }, 'x'],
      ),
    )
    await hostile.copyOut('/var/log', at('out')).catch(() => {})
    await expect(stat(at('neighbour', 'pwn'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('rejects with the reason of an abort in the middle of a file', async () => {
    const abort = new AbortController()
    const stuck = files({
      read: async function* () {
        yield (await tar([{ name: 'a' }, 'A'.repeat(2000)])).subarray(0, 1024)
        abort.abort(new Error('enough'))
        await new Promise(() => {})
      },
    })
    await expect(stuck.copyOut('/a', at('a'), { signal: abort.signal })).rejects.toThrow('enough')
    await expect(stat(at('a'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('rejects with not_found when the directory above is not there', async () => {
    await expect(reading(tar(...log)).copyOut('/var/log', at('none', 'out'))).rejects.toMatchObject({ code: 'not_found' })
  })
})
