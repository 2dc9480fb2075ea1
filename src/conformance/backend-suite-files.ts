// Files of a container, in and out.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract, type Headers, pack } from 'tar-stream'
import { isEngineError } from '../errors.js'
import { type BackendCase, type BackendSubject, forever, inChunks, withContainer, withRunning, execute } from './backend-suite-subject.js'

type Entry = readonly [headers: Headers, body?: string | Buffer]
export async function* tarOf(...entries: readonly Entry[]): AsyncGenerator<Uint8Array, void, undefined> {
  const packed = pack()
  for (const [headers, body] of entries)
    packed.entry({ mode: headers.type === 'directory' ? 0o755 : 0o644, mtime: new Date(1e12), ...headers }, body ?? '')
  packed.finalize()
  yield* packed
}
interface Found extends Headers {
  readonly sha: string
  readonly bytes: number
}
/** What a tar holds, by name; each name without slashes around it. */
async function readTar(bytes: AsyncIterable<Uint8Array>): Promise<ReadonlyMap<string, Found>> {
  const entries = extract()
  const source = Readable.from(bytes)
  source.once('error', (error) => entries.destroy(error))
  source.pipe(entries)
  const found = new Map<string, Found>()
  for await (const entry of entries) {
    const hash = createHash('sha256')
    let size = 0
    for await (const chunk of entry as AsyncIterable<Uint8Array>) {
      hash.update(chunk)
      size += chunk.byteLength
    }
    found.set(entry.header.name.replace(/^\.?\/|\/$/g, ''), { ...entry.header, sha: hash.digest('hex'), bytes: size })
  }
  return found
}
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

async function textOf({ backend: { files } }: BackendSubject, id: string, path: string): Promise<string> {
  const parts: Buffer[] = []
  const entries = extract()
  const source = Readable.from(files.read(id, path))
  source.once('error', (error) => entries.destroy(error))
  source.pipe(entries)
  for await (const entry of entries) for await (const chunk of entry as AsyncIterable<Buffer>) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

export const fileCases: readonly BackendCase[] = [
  {
    title: 'what is written into a container is read from it: files, directories, links, modes and times',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await files.write(
          id,
          '/tmp',
          tarOf(
            [{ name: 'tree', type: 'directory', mode: 0o750 }],
            [{ name: 'tree/file', mode: 0o640 }, 'hello'],
            [{ name: 'tree/empty' }],
            [{ name: 'tree/link', type: 'symlink', linkname: 'file' }],
            [{ name: 'tree/hard', type: 'link', linkname: 'tree/file', mode: 0o640 }],
          ),
        )
        const found = await readTar(files.read(id, '/tmp/tree'))
        assert.deepEqual([...found.keys()].sort(), ['tree', 'tree/empty', 'tree/file', 'tree/hard', 'tree/link'])
        assert.equal([...found.keys()][0], 'tree')
        assert.equal((found.get('tree')?.mode ?? 0) & 0o7777, 0o750)
        const [file, hard] = [found.get('tree/file'), found.get('tree/hard')].sort((one) => (one?.type === 'file' ? -1 : 1))
        assert.deepEqual([file?.sha, (file?.mode ?? 0) & 0o7777, file?.mtime?.getTime()], [sha('hello'), 0o640, 1e12])
        assert(hard?.type === 'link' || hard?.sha === sha('hello'))
        assert.deepEqual([found.get('tree/link')?.type, found.get('tree/link')?.linkname], ['symlink', 'file'])
      })
    },
    async otherwise(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(files.stat(id, '/etc'), { code: 'unsupported' })
        await assert.rejects(readTar(files.read(id, '/etc')), { code: 'unsupported' })
        await assert.rejects(files.write(id, '/tmp', tarOf([{ name: 'a' }, 'a'])), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'a running container sees what is written, and what it writes is read',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        await files.write(id, '/tmp', tarOf([{ name: 'in' }, 'from outside']))
        if (subject.real) assert.equal((await execute(subject, id, ['cat', '/tmp/in'])).stdout, 'from outside')
        await execute(subject, id, ['sh', '-c', 'echo from inside >/tmp/out'])
        if (subject.real) assert.equal(await textOf(subject, id, '/tmp/out'), 'from inside\n')
      })
    },
  },
  {
    title: 'stat tells what a path is, and of a link what it points at when asked',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await files.write(
          id,
          '/tmp',
          tarOf(
            [{ name: 'file', mode: 0o640 }, 'hello'],
            [{ name: 'set', mode: 0o4711 }, ''],
            [{ name: 'link', type: 'symlink', linkname: 'file' }],
          ),
        )
        const file = await files.stat(id, '/tmp/file')
        assert.deepEqual([file.name, file.type, file.sizeBytes, file.mode, file.modifiedAt.getTime()], ['file', 'file', 5, 0o640, 1e12])
        assert.deepEqual([(await files.stat(id, '/tmp')).type, (await files.stat(id, '/tmp')).mode], ['directory', 0o1777])
        assert.equal((await files.stat(id, '/')).type, 'directory')
        assert.equal((await files.stat(id, '/tmp/set')).mode, 0o4711)
        const link = await files.stat(id, '/tmp/link')
        assert.deepEqual([link.name, link.type], ['link', 'symlink'])
        assert.match(link.linkTarget ?? '', /^(?:\/tmp\/)?file$/)
        const target = await files.stat(id, '/tmp/link', { followLinks: true })
        assert.deepEqual([target.type, target.sizeBytes, target.linkTarget], ['file', 5, undefined])
      })
    },
  },
  {
    title: 'a path that is not there is not_found, and so is a container',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        for (const path of ['/none', '/none/deep', '/etc/passwd/below']) {
          await assert.rejects(files.stat(id, path), { code: 'not_found' }, path)
          await assert.rejects(readTar(files.read(id, path)), { code: 'not_found' }, path)
        }
        await assert.rejects(files.write(id, '/none', tarOf([{ name: 'a' }, 'a'])), { code: 'not_found' })
        await assert.rejects(files.stat(id, '/none'), { code: 'not_found' })
      })
      const gone = '0'.repeat(64)
      await assert.rejects(files.stat(gone, '/etc'), { code: 'not_found' })
      await assert.rejects(readTar(files.read(gone, '/etc')), { code: 'not_found' })
      await assert.rejects(files.write(gone, '/etc', tarOf([{ name: 'a' }, 'a'])), { code: 'not_found' })
    },
  },
  {
    title: 'a link is followed within the root and never leads out',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const secret = `of the container ${randomBytes(8).toString('hex')}`
        await files.write(id, '/etc', tarOf([{ name: 'hostname-of-suite' }, secret]))
        await files.write(
          id,
          '/',
          tarOf(
            [{ name: 'tmp/up', type: 'symlink', linkname: '../../../../../etc/hostname-of-suite' }],
            [{ name: 'tmp/absolute', type: 'symlink', linkname: '/etc/hostname-of-suite' }],
            [{ name: 'tmp/directory', type: 'symlink', linkname: '/etc' }],
            [{ name: 'tmp/nowhere', type: 'symlink', linkname: '/none' }],
          ),
        )
        for (const path of ['/tmp/up', '/tmp/absolute', '/tmp/directory/hostname-of-suite'])
          assert.equal(await textOf(subject, id, path), secret, path)
        await assert.rejects(textOf(subject, id, '/tmp/nowhere'), { code: 'not_found' })
        await files.write(id, '/tmp/directory', tarOf([{ name: 'through' }, 'a link']))
        assert.equal(await textOf(subject, id, '/etc/through'), 'a link')
      })
    },
  },
  {
    title: 'owner gives everything to one user, or is unsupported and then nothing is written',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const tar = (name: string) => tarOf([{ name, type: 'directory', uid: 7, gid: 8 }], [{ name: `${name}/file`, uid: 7, gid: 8 }, 'x'])
        await files.write(id, '/tmp', tar('root'), { owner: '0:0' })
        const ownersOf = async (path: string): Promise<readonly string[]> =>
          [...(await readTar(files.read(id, path))).values()].map(({ uid, gid }) => `${uid ?? ''}:${gid ?? ''}`)
        assert.deepEqual(await ownersOf('/tmp/root'), ['0:0', '0:0'])
        try {
          await files.write(id, '/tmp', tar('app'), { owner: '1000:100' })
        } catch (error) {
          assert(isEngineError(error, 'unsupported'), String(error))
          await assert.rejects(files.stat(id, '/tmp/app'), { code: 'not_found' })
          return
        }
        assert.deepEqual(await ownersOf('/tmp/app'), ['1000:100', '1000:100'])
        await files.write(id, '/tmp', tar('asis'))
        assert.deepEqual(await ownersOf('/tmp/asis'), ['7:8', '7:8'])
      })
    },
  },
  {
    title: 'a directory does not take the place of a file, nor a file that of a directory, unless keepTypes is false',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await files.write(id, '/tmp', tarOf([{ name: 'file' }, 'f'], [{ name: 'directory', type: 'directory' }]))
        await assert.rejects(files.write(id, '/tmp', tarOf([{ name: 'file', type: 'directory' }])), { code: 'failed_precondition' })
        await assert.rejects(files.write(id, '/tmp', tarOf([{ name: 'directory' }, 'x'])), { code: 'failed_precondition' })
        assert.deepEqual([(await files.stat(id, '/tmp/file')).type, (await files.stat(id, '/tmp/directory')).type], ['file', 'directory'])
        await files.write(id, '/tmp', tarOf([{ name: 'directory' }, 'x']), { keepTypes: false })
        assert.equal((await files.stat(id, '/tmp/directory')).type, 'file')
        await assert.rejects(files.write(id, '/tmp/file', tarOf([{ name: 'below' }, 'x'])), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'an entry that would lead out is invalid_argument, and what came before it stays',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const early = randomBytes(1 << 20)
        for (const name of ['../../outside', 'a/../../../outside']) {
          await assert.rejects(
            files.write(id, '/tmp', tarOf([{ name: 'early' }, early], [{ name }, 'x'])),
            { code: 'invalid_argument' },
            name,
          )
          await assert.rejects(files.stat(id, '/outside'), { code: 'not_found' })
        }
      })
    },
  },
  {
    title: 'a tar that is cut, or none, rejects; a source that breaks rejects with what it threw',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const parts: Uint8Array[] = []
        for await (const part of tarOf([{ name: 'a' }, randomBytes(100_000)])) parts.push(part)
        const whole = Buffer.concat(parts)
        for (const bytes of [whole.subarray(0, 50_000), randomBytes(5_000)])
          await assert.rejects(files.write(id, '/tmp', inChunks(bytes)), (error) => isEngineError(error))
        const reason = new Error('the source broke')
        const broken = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
          yield whole.subarray(0, 50_000)
          throw reason
        }
        await assert.rejects(files.write(id, '/tmp', broken()), (error) => error === reason || (error as Error).cause === reason)
        await files.write(id, '/tmp', inChunks(whole))
      })
    },
  },
  {
    title: 'a read-only root is failed_precondition to write, and is read',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, { security: { readOnlyRoot: true } }, async (id) => {
        await assert.rejects(files.write(id, '/home', tarOf([{ name: 'a' }, 'a'])), { code: 'failed_precondition' })
        await assert.rejects(files.stat(id, '/home/a'), { code: 'not_found' })
        assert.match(await textOf(subject, id, '/etc/passwd'), /^root:/)
      })
    },
  },
  {
    title: 'large files pass through in both directions, byte for byte',
    needs: 'files',
    async run(subject) {
      const { files } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const large = randomBytes(12 << 20)
        await files.write(id, '/tmp', tarOf([{ name: 'large' }, large]))
        const found = (await readTar(files.read(id, '/tmp/large'))).get('large')
        assert.deepEqual([found?.bytes, found?.sha], [large.length, sha(large)])
        // Left early: the connection is free again, and so is the container.
        for await (const _ of files.read(id, '/tmp/large')) break
        assert.equal((await files.stat(id, '/tmp/large')).sizeBytes, large.length)
      })
    },
  },
]
