// Private trees on real mounts.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { compile } from '../../../scripts/compile.mjs'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { LinuxHost } from '../../../src/backends/host/linux-host.js'
import { locksSuite } from '../../../src/conformance/locks-suite.js'
import type { Mount } from '../../../src/model/common.js'
import type { TraceEntry } from '../../../src/model/trace.js'
import { closeable } from '../../../src/util/closeable.js'
import { openRootedFs } from '../../../src/util/rooted-fs.js'
import { testApi } from '../../setup/test-api.js'

const run = promisify(execFile)
let root: string
let host: LinuxHost
const traced: TraceEntry[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mounts-'))
  host = new LinuxHost({ root, onTrace: (entry) => traced.push(entry) })
  traced.length = 0
})
afterEach(() => rm(root, { recursive: true }))

async function directory(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = join(root, name)
  await mkdir(path, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(path, file), text)
  return path
}
async function overlay(lower: readonly string[]): Promise<Mount> {
  const options = [`lowerdir=${lower.join(':')}`, `upperdir=${await directory('upper')}`, `workdir=${await directory('work')}`]
  return { type: 'overlay', source: 'overlay', options }
}
const helpers = async (): Promise<string[]> => {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const line = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')
    if (line.includes(root)) found.push(line)
  }
  return found
}

it('an overlay shows its layers, and what is written to it is below when it is gone', async () => {
  const lower = [await directory('one', { a: '1' }), await directory('two', { a: '2', b: '2' })]
  const tree = await host.mountPrivately([await overlay(lower)])
  expect((await readdir(tree.root)).sort()).toEqual(['a', 'b'])
  expect(await readFile(join(tree.root, 'a'), 'utf8')).toBe('1')
  await writeFile(join(tree.root, 'c'), '3')
  await tree.close()
  expect(await readFile(join(root, 'upper/c'), 'utf8')).toBe('3')
  expect(await readdir(join(root, 'mnt'))).toEqual([])
  expect(traced.map((entry) => [entry.kind, entry.name])).toEqual([['call', 'host.mountPrivately']])
})

it('two hundred layers fit', async () => {
  const base = 'a/rather/long/directory/of/a/snapshotter/that/takes/a/lot/of/the/page/snapshots'
  const lower: string[] = []
  for (let n = 0; n < 200; n += 1) lower.push(await directory(`${base}/${n}/fs`, { [`file${n}`]: '' }))
  await using tree = await host.mountPrivately([await overlay(lower)])
  expect(await readdir(tree.root)).toHaveLength(200)
})

it('mounts are made in order on one place, and a mount below the tree is seen, too', async () => {
  const hidden = await directory('hidden', { hidden: '' })
  const outer = await directory('outer', { outer: '' })
  await using inner = await host.mountPrivately([
    { type: 'bind', source: hidden, options: ['bind'] },
    { type: 'bind', source: outer, options: ['rbind', 'rw'] },
  ])
  expect(await readdir(inner.root)).toEqual(['outer'])
  await using none = await host.mountPrivately([])
  expect(await readdir(none.root)).toEqual([])
})

it('a read-only bind refuses writing', async () => {
  const source = await directory('source', { a: '' })
  await using tree = await host.mountPrivately([{ type: 'bind', source, options: ['rbind', 'ro'] }])
  await expect(writeFile(join(tree.root, 'b'), '')).rejects.toMatchObject({ code: 'EROFS' })
  await using rooted = await openRootedFs(tree.root)
  await expect(rooted.makeDirectory('/d', 0o755)).rejects.toMatchObject({ code: 'failed_precondition' })
})

it('a program that we run finds the tree, and no helper process stays', async () => {
  const source = await directory('source', { a: 'text' })
  await using tree = await host.mountPrivately([{ type: 'bind', source, options: ['rbind'] }])
  expect(String(await host.run('cat', [join(tree.root, 'a')]))).toBe('text')
  await expect.poll(helpers).toEqual([])
})

it('fields that look like options or commands are only data', async () => {
  const source = await directory('-o $(touch pwned); echo', { a: '' })
  await using tree = await host.mountPrivately([{ type: 'bind', source, options: ['rbind'] }])
  expect(await readdir(tree.root)).toEqual(['a'])
  for (const mount of [
    { type: '--help', source: 'x', options: [] },
    { type: 'tmpfs', source: 'x', options: ['--help; touch pwned'] },
    { type: '', source: 'x', options: [] },
    { type: 'bind', source: 'a\0b', options: [] },
  ]) {
    await expect(host.mountPrivately([mount])).rejects.toHaveProperty('code')
  }
  await expect(stat('pwned')).rejects.toHaveProperty('code', 'ENOENT')
})

it('a root that is named through a link works', async () => {
  await symlink(root, `${root}-link`)
  try {
    const source = await directory('source', { a: '' })
    await using tree = await new LinuxHost({ root: `${root}-link` }).mountPrivately([{ type: 'bind', source, options: ['rbind'] }])
    expect(await readdir(tree.root)).toEqual(['a'])
  } finally {
    await rm(`${root}-link`)
  }
})

it('a rooted tree neither removes nor replaces what is mounted in it', async () => {
  const inner = await directory('inner', { kept: 'kept' })
  const outer = await directory('outer', { file: 'placeholder' })
  await directory('outer/mounted')
  await writeFile(join(root, 'single'), 'single')
  const script = 'mount --bind "$1" "$3/mounted" && mount --bind "$2" "$3/file" && echo ready && read -r _'
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', inner, join(root, 'single'), outer], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  try {
    await using rooted = await openRootedFs(`/proc/${child.pid}/root${outer}`)
    const refused = { code: 'failed_precondition' }
    await expect(rooted.remove('/mounted')).rejects.toMatchObject(refused)
    await expect(rooted.remove('/file')).rejects.toMatchObject(refused)
    await expect(
      rooted.write(
        '/file',
        (async function* () {
          yield Buffer.from('x')
        })(),
        0o600,
      ),
    ).rejects.toMatchObject(refused)
    expect(await readFile(join(inner, 'kept'), 'utf8')).toBe('kept')
    expect(await readFile(join(root, 'single'), 'utf8')).toBe('single')
  } finally {
    child.stdin.end()
    await once(child, 'exit')
  }
})

it('the kernel takes the mounts down when the process is killed', async () => {
  const image = join(root, 'image')
  await run('truncate', ['-s', '1M', image])
  await run('mkfs.ext4', ['-q', '-F', image])
  const program = await compile('test/integration/host/mount-worker.ts')
  const loops = async (): Promise<string> => (await run('losetup', ['--associated', image])).stdout
  try {
    const child = spawn(process.execPath, [program.path, join(root, 'mnt'), image], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [tree] = (await once(child.stdout, 'data')) as [Buffer]
    expect(await readdir(String(tree).trim())).toEqual(['lost+found'])
    expect(await loops()).toContain(image)
    child.kill('SIGKILL')
    await once(child, 'exit')
    // The kernel frees the device of its own accord, a moment later.
    await expect.poll(loops, { timeout: 20_000 }).toBe('')
  } finally {
    await program.dispose()
  }
})

it('facts are those of this machine', async () => {
  const facts = await host.facts()
  expect(facts).toMatchObject({
    kernel: (await run('uname', ['-r'])).stdout.trim(),
    architecture: (await run('uname', ['-m'])).stdout.trim(),
    rootFilesystem: (await run('findmnt', ['--noheadings', '--output', 'FSTYPE', '--target', root])).stdout.trim(),
    privileged: true,
  })
  expect(facts.hardLimits['nofile']).toBe(Number((await run('sh', ['-c', 'ulimit -Hn'])).stdout))
  expect(facts.capabilities).toContain('CAP_SYS_ADMIN')
  if (facts.initPath !== undefined) expect((await run(facts.initPath, ['--version'])).stdout).toMatch(/tini|catatonit/)
})

const on = (name: string, mounts: () => Promise<readonly Mount[]>): void =>
  locksSuite(
    {
      name,
      supports: () => true,
      open: async () => {
        const tree = await host.mountPrivately(await mounts())
        const [mine, theirs] = await Promise.all([openFileLocks(tree.root), openFileLocks(tree.root)])
        const close = async (): Promise<void> => {
          for (const one of [mine, theirs, tree]) await one.close()
        }
        return { subject: { mine, theirs }, ...closeable(close) }
      },
    },
    testApi,
  )
on('files on tmpfs', async () => [{ type: 'tmpfs', source: 'tmpfs', options: [] }])
on('files on overlay', async () => [await overlay([await directory('lower')])])
