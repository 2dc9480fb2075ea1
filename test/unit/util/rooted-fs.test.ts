import { execFile } from 'node:child_process'
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { isEngineError } from '../../../src/errors.js'
import { openRootedFs, type RootedFs } from '../../../src/util/rooted-fs.js'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
let base: string
let root: string
let tree: RootedFs

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'rooted-'))
  root = join(base, 'root')
  await mkdir(root)
  await writeFile(join(base, 'secret'), 'outside')
  await mkdir(join(base, 'etc'))
  await writeFile(join(base, 'etc/passwd'), 'outside')
  tree = await openRootedFs(root)
})
afterEach(async () => {
  await tree.close()
  await rm(base, { recursive: true, force: true })
})

const code = (code: string): { toString(): string } => expect.toSatisfy((error: unknown) => isEngineError(error, code as never), code)
async function* bytes(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}
async function text(path: string, follow = false): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of tree.read(path, { follow })) chunks.push(chunk)
  return String(Buffer.concat(chunks))
}
async function names(path: string): Promise<string[]> {
  const found: string[] = []
  for await (const name of tree.list(path)) found.push(name)
  return found.sort()
}

it('absolute links, links full of `..` and paths full of `..` end inside', async () => {
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'inside')
  await symlink('/etc/passwd', join(root, 'absolute'))
  await symlink('../../../../../../etc/passwd', join(root, 'up'))
  await symlink('/etc', join(root, 'directory'))
  await symlink('//etc/.//../../etc', join(root, 'odd'))
  await symlink('directory/../up', join(root, 'chain'))
  for (const path of ['/absolute', '/up', '/directory/passwd', '/odd/passwd', '/chain', '/../../etc/passwd', '/etc/../../etc/./passwd']) {
    expect(await text(path, true), path).toBe('inside')
  }
  await symlink('../secret', join(root, 'gone'))
  await expect(text('/gone', true)).rejects.toEqual(code('not_found'))
  await symlink(join(base, 'secret'), join(root, 'gone too'))
  await expect(text('/gone too', true)).rejects.toEqual(code('not_found'))
})

it('a link in the last place is not followed unless asked', async () => {
  await writeFile(join(root, 'file'), 'inside')
  await symlink('file', join(root, 'link'))
  expect(await tree.stat('/link')).toMatchObject({ type: 'symlink' })
  expect(await tree.stat('/link', { follow: true })).toMatchObject({ type: 'file', size: 6 })
  expect(await tree.readLink('/link')).toBe('file')
  await expect(text('/link')).rejects.toEqual(code('failed_precondition'))
  await expect(tree.readLink('/file')).rejects.toBeInstanceOf(Error)
})

it('a link of /proc is resolved by its text: it leads neither to another root nor to a descriptor', async () => {
  await mkdir(join(root, 'p'))
  await symlink('/proc/self/root', join(root, 'p/a'))
  await expect(names('/p/a')).rejects.toEqual(code('failed_precondition'))
  await expect(text('/p/a/etc/passwd', true)).rejects.toEqual(code('not_found'))
  await using proc = await openRootedFs('/proc')
  await expect(proc.stat(`/${process.pid}/root/etc`)).rejects.toEqual(code('not_found'))
})

it('loops of links, long paths, long names and zero bytes are refused', async () => {
  await symlink('b', join(root, 'a'))
  await symlink('a', join(root, 'b'))
  await expect(tree.stat('/a', { follow: true })).rejects.toEqual(code('failed_precondition'))
  await symlink(`${'x/../'.repeat(700)}deep`, join(root, 'deep'))
  await mkdir(join(root, 'x'))
  await expect(tree.stat('/deep', { follow: true })).rejects.toEqual(code('failed_precondition'))
  for (const path of [`/${'n'.repeat(256)}`, `/${'n/'.repeat(3_000)}`, '/a\0b', 'relative', '']) {
    await expect(tree.stat(path), path).rejects.toEqual(code('invalid_argument'))
  }
  for (const path of ['/', '/..', '/x/..']) await expect(tree.remove(path), path).rejects.toEqual(code('invalid_argument'))
})

it('fifos, sockets and devices are told, never opened', async () => {
  await run('mkfifo', [join(root, 'fifo')])
  const server = createServer().listen(join(root, 'socket'))
  const types: Record<string, string> = { fifo: 'fifo', socket: 'socket' }
  if (isRoot) {
    await run('mknod', [join(root, 'device'), 'c', '1', '5'])
    types['device'] = 'device'
  }
  for (const [name, type] of Object.entries(types)) {
    expect(await tree.stat(`/${name}`)).toMatchObject({ type })
    await expect(text(`/${name}`)).rejects.toEqual(code('failed_precondition'))
    await tree.write(`/${name}`, bytes('replaced'), 0o640)
    expect(await text(`/${name}`)).toBe('replaced')
  }
  server.close()
})

it('write replaces a link, a hard link and a file with a new one, and never writes through', async () => {
  await writeFile(join(root, 'target'), 'untouched')
  await symlink('/target', join(root, 'link'))
  await symlink(join(base, 'secret'), join(root, 'outwards'))
  await link(join(base, 'secret'), join(root, 'hard'))
  for (const name of ['link', 'outwards', 'hard', 'new']) {
    await tree.write(`/${name}`, bytes('wri', 'tten'), 0o4751)
    expect(await tree.stat(`/${name}`)).toMatchObject({ type: 'file', mode: 0o4751, size: 7 })
  }
  expect(await readFile(join(base, 'secret'), 'utf8')).toBe('outside')
  expect(await text('/target')).toBe('untouched')
  await symlink('/', join(root, 'self'))
  await tree.write('/self/self/../../by-link', bytes('x'), 0o600)
  expect(await names('/')).toContain('by-link')
})

it('write keeps the old file and leaves nothing of the new one when its bytes fail or the call is aborted', async () => {
  await writeFile(join(root, 'file'), 'old')
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    throw new Error('cut')
  }
  await expect(tree.write('/file', failing(), 0o600)).rejects.toThrow('cut')
  const abort = new AbortController()
  const aborting = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    abort.abort(new Error('enough'))
    yield Buffer.from('more')
  }
  await expect(tree.write('/file', aborting(), 0o600, { signal: abort.signal })).rejects.toThrow('enough')
  expect(await names('/')).toEqual(['file'])
  expect(await text('/file')).toBe('old')
  await mkdir(join(root, 'directory'))
  await expect(tree.write('/directory', bytes('x'), 0o600)).rejects.toEqual(code('failed_precondition'))
  await expect(tree.write('/file/below', bytes('x'), 0o600)).rejects.toEqual(code('failed_precondition'))
  await expect(tree.write('/absent/file', bytes('x'), 0o600)).rejects.toEqual(code('not_found'))
})

it('makeDirectory sets the mode whatever the umask, accepts a directory, and refuses a link to one', async () => {
  await tree.makeDirectory('/d', 0o1777)
  await tree.makeDirectory('/d', 0o700)
  expect(await tree.stat('/d')).toMatchObject({ type: 'directory', mode: 0o1777 })
  await symlink(join(base, 'etc'), join(root, 'link'))
  await expect(tree.makeDirectory('/link', 0o755)).rejects.toEqual(code('failed_precondition'))
  await expect(tree.makeDirectory('/link/sub', 0o755)).rejects.toEqual(code('not_found'))
})

it('links and renames stay inside and do not overwrite names', async () => {
  await tree.symlink('/link', '../../anything')
  expect(await readlink(join(root, 'link'))).toBe('../../anything')
  await expect(tree.symlink('/link', 'x')).rejects.toEqual(code('already_exists'))
  await writeFile(join(root, 'file'), 'inside')
  await tree.link('/hard', '/file')
  await expect(tree.link('/hard', '/file')).rejects.toEqual(code('already_exists'))
  await symlink(join(base, 'secret'), join(root, 'outwards'))
  await tree.link('/of-link', '/outwards')
  expect(await tree.stat('/of-link')).toMatchObject({ type: 'symlink' })
  await symlink(join(base, 'etc'), join(root, 'out'))
  await expect(tree.link('/stolen', '/out/passwd')).rejects.toEqual(code('not_found'))
  await expect(tree.rename('/out/passwd', '/stolen')).rejects.toEqual(code('not_found'))
  await expect(tree.rename('/file', '/out/passwd')).rejects.toEqual(code('not_found'))
  await tree.rename('/file', '/renamed')
  expect(await text('/renamed')).toBe('inside')
})

it('setAttributes never reaches what a link points at', async () => {
  await symlink(join(base, 'secret'), join(root, 'link'))
  const before = await stat(join(base, 'secret'))
  const { uid, gid } = before
  const modifiedAt = new Date('2001-02-03T04:05:06Z')
  await tree.setAttributes('/link', { mode: 0o777, uid: isRoot ? 12 : uid, gid, modifiedAt })
  expect(await stat(join(base, 'secret'))).toMatchObject({ mode: before.mode, uid, mtime: before.mtime })
  expect(await lstat(join(root, 'link'))).toMatchObject({ uid: isRoot ? 12 : uid, mtime: modifiedAt })
  await writeFile(join(root, 'file'), '')
  await tree.setAttributes('/file', { mode: 0o6755, uid: isRoot ? 12 : uid, modifiedAt })
  expect(await tree.stat('/file')).toMatchObject({ mode: 0o6755, uid: isRoot ? 12 : uid, modifiedAt })
})

it('remove takes a tree with links, odd names and great depth, and nothing outside', async () => {
  await mkdir(join(root, 't/a/b'), { recursive: true })
  await symlink(base, join(root, 't/a/out'))
  await writeFile(Buffer.concat([Buffer.from(join(root, 't/a/')), Buffer.from([0xff, 0xfe])]), 'x')
  await run('sh', [
    '-c',
    'cd "$1"; i=0; while [ $i -lt 300 ]; do mkdir deep; cd -P deep; i=$((i+1)); done; : > file',
    'sh',
    join(root, 't'),
  ])
  await tree.remove('/t')
  await tree.remove('/t')
  await tree.remove('/absent/below')
  expect(await names('/')).toEqual([])
  expect(await readFile(join(base, 'secret'), 'utf8')).toBe('outside')
  await symlink(join(base, 'etc'), join(root, 'link'))
  await tree.remove('/link')
  expect(await readdir(join(base, 'etc'))).toEqual(['passwd'])
})

it('a directory that is exchanged with a link outwards again and again never shows what is outside', async () => {
  await mkdir(join(root, 'here'))
  await writeFile(join(root, 'here/passwd'), 'inside')
  await symlink(join(base, 'etc'), join(root, 'out'))
  await symlink(`${'../'.repeat(9)}${base.slice(1)}/etc`, join(root, 'up'))
  let stop = false
  const swapping = (async () => {
    const exchange = async (one: string, other: string): Promise<void> => {
      await rename(join(root, one), join(root, 'tmp'))
      await rename(join(root, other), join(root, one))
      await rename(join(root, 'tmp'), join(root, other))
    }
    while (!stop) {
      await exchange('here', 'out')
      await exchange('here', 'out')
      await exchange('here', 'up')
      await exchange('here', 'up')
    }
  })()
  const seen = new Set<string>()
  for (let round = 0; round < 400; round += 1) {
    try {
      seen.add(await text('/here/../here/passwd', true))
      await tree.write('/here/made', bytes('inside'), 0o600)
      await tree.remove('/here/made')
    } catch (error) {
      seen.add((error as { code: string }).code)
    }
  }
  stop = true
  await swapping
  expect([...seen]).toContain('inside')
  expect([...seen]).not.toContain('outside')
  expect((await readdir(join(base, 'etc'))).sort()).toEqual(['passwd'])
})

it('stopping early releases the handles, and a closed tree refuses calls but lets a running one end', async () => {
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length
  await writeFile(join(root, 'big'), Buffer.alloc(300_000))
  await mkdir(join(root, 'many'))
  for (let n = 0; n < 100; n += 1) await writeFile(join(root, `many/${n}`), '')
  const before = await descriptors()
  for await (const _chunk of tree.read('/big')) break
  for await (const _name of tree.list('/many')) break
  await tree.stat('/none').catch(() => {})
  expect(await descriptors()).toBe(before)
  const running = tree.stat('/many/../big')
  const closing = tree.close()
  expect(await running).toMatchObject({ size: 300_000 })
  await closing
  await expect(tree.stat('/big')).rejects.toEqual(code('failed_precondition'))
  expect(await descriptors()).toBe(before - 1)
})

it('an abort rejects with its reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(tree.stat('/', { signal })).rejects.toThrow('enough')
  await expect(tree.makeDirectory('/d', 0o700, { signal })).rejects.toThrow('enough')
  await expect(openRootedFs(root, { signal })).rejects.toThrow('enough')
  expect(await names('/')).toEqual([])
})

it('a missing right is permission_denied', async () => {
  if (isRoot) return
  await mkdir(join(root, 'closed'))
  await chmod(join(root, 'closed'), 0)
  await expect(tree.stat('/closed/x')).rejects.toEqual(code('permission_denied'))
})
