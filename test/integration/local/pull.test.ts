// Pulls of one image by several processes on one root, as the registry sees them.
import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleProgram, type ChildProgram, type Programs } from '../../setup/child-program.js'
import { buildImage, buildLayer, type BuiltImage, chunks, putImage } from '../../setup/images.js'
import { openTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'
import { chainIds } from '../../../src/managers/image/unpack.js'

const execute = promisify(execFile)
let registry: RunningRegistry
let programs: Programs
let scratch: string
beforeAll(async () => {
  registry = await startRegistry({ accessLog: true })
  programs = await bundleProgram('pull')
  scratch = await mkdtemp(join(tmpdir(), 'pouch-sdk-pulls-'))
})
afterAll(async () => {
  await programs.close()
  await registry.close()
  await rm(scratch, { recursive: true, force: true })
})

const bodies = Array.from({ length: 4 }, () => randomBytes(12 << 20))
/** Different ones for each test, so that the log tells them apart. */
async function publish(repository: string): Promise<{ readonly image: BuiltImage; readonly reference: string }> {
  const image = buildImage({
    layers: bodies.map((body, at) => [
      { name: `file-${at}`, body },
      { name: 'last', body: `${repository} ${at}` },
    ]),
  })
  await putImage(registry.url, repository, 'latest', image)
  return { image, reference: `${registry.host}/${repository}:latest` }
}
/** How often each blob was asked for, and how it was answered. */
function asked(repository: string, image: BuiltImage): readonly (readonly number[])[] {
  const gets = registry.requests().filter(({ method }) => method === 'GET')
  return [image.configDescriptor, ...image.layers.map(({ descriptor }) => descriptor)].map(({ digest }) =>
    gets.filter(({ path }) => path === `/v2/${repository}/blobs/${digest}`).map(({ status }) => status),
  )
}
async function pulled(program: ChildProgram): Promise<string> {
  for (;;) {
    const line = await program.next<{ readonly pulled?: string; readonly failed?: string }>()
    if (line.failed !== undefined) throw new Error(line.failed)
    if (line.pulled !== undefined) return line.pulled
  }
}
async function checkTree(root: string, image: BuiltImage): Promise<void> {
  await using opened = await openTestStorage(root)
  await using held = await opened.storage.hold()
  const top = chainIds(image.layers.map(({ diffId }) => diffId)).at(-1) as string
  await using tree = await mountTree(await held.snapshotter().view('look', top))
  for (const [at, body] of bodies.entries()) expect((await readFile(join(tree.root, `file-${at}`))).equals(body)).toBe(true)
  await held.snapshotter().remove('look')
  // The image keeps all of it, nothing else is there.
  expect(await opened.storage.repair()).toEqual([])
  await opened.storage.collect()
  expect(await held.snapshotter().find(top)).toBeDefined()
  const keys: string[] = []
  for await (const { kind } of opened.storage.snapshotter().list()) keys.push(kind)
  expect(keys).toEqual(image.layers.map(() => 'committed'))
}

it('five processes that pull one image ask the registry for each blob once', async () => {
  const { image, reference } = await publish('five')
  const root = join(scratch, 'five')
  const ids = await Promise.all(Array.from({ length: 5 }, () => pulled(programs.start([root, reference]))))
  expect(ids).toEqual(ids.map(() => image.configDescriptor.digest))
  expect(asked('five', image)).toEqual([image.configDescriptor, ...image.layers].map(() => [200]))
  await checkTree(root, image)
})

it('when the first of five is killed half-way the others go on with what it has, and ask for nothing twice', async () => {
  const { image, reference } = await publish('killed')
  const root = join(scratch, 'killed')
  const first = programs.start([root, reference], { env: { STOP_AT_HALF: '1' } })
  let half: string | undefined
  while (half === undefined) half = (await first.next<{ readonly half?: string }>()).half
  const others = Array.from({ length: 4 }, () => programs.start([root, reference]))
  for (const other of others) await other.next()
  await first.kill()
  expect(await Promise.all(others.map(pulled))).toEqual(others.map(() => image.configDescriptor.digest))

  const [config, ...layers] = asked('killed', image)
  expect(config).toEqual([200])
  const at = image.layers.findIndex(({ descriptor }) => descriptor.digest === half)
  expect(layers[at]).toEqual([200, 206])
  // Of a layer of which nothing had come to the disk all is asked for; of the others once, or the rest.
  for (const statuses of layers) expect([[200], [200, 206], [200, 200]]).toContainEqual(statuses)
  await checkTreeAfterKill(root, image)
})

/** What the dead one held is freed by repair, once. */
async function checkTreeAfterKill(root: string, image: BuiltImage): Promise<void> {
  {
    await using opened = await openTestStorage(root)
    expect((await opened.storage.repair()).length).toBeGreaterThan(0)
    // Half-unpacked layers of its are the image manager's to remove.
    for await (const { key, kind } of opened.storage.snapshotter().list())
      if (kind === 'active') await opened.storage.snapshotter().remove(key)
  }
  await checkTree(root, image)
}

it('what a pulled layer takes is known without a walk, and is what du counts', async () => {
  const image = buildImage({
    layers: [
      [
        { name: 'implied/by/file', body: randomBytes(300_001) },
        { name: 'twice', body: randomBytes(90_000) },
        { name: 'twice', body: 'short' },
        { name: 'link', type: 'link', linkName: 'implied/by/file' },
        { name: 'short', type: 'symlink', linkName: 'implied' },
        { name: 'long', type: 'symlink', linkName: 'x'.repeat(80) },
        { name: 'gone/', mode: 0o755 },
        { name: 'gone/inside', body: randomBytes(50_000) },
        { name: 'gone', body: 'a file now' },
      ],
      [{ name: 'implied/by/.wh.file' }, { name: 'empty' }, { name: 'again', body: randomBytes(20_000) }],
      [{ name: 'to-below', type: 'link', linkName: 'again' }],
    ],
  })
  await putImage(registry.url, 'usage', 'latest', image)
  const root = join(scratch, 'usage')
  await pulled(programs.start([root, `${registry.host}/usage:latest`]))
  await using opened = await openTestStorage(root)
  const snapshots = opened.storage.snapshotter()
  const chain = chainIds(image.layers.map(({ diffId }) => diffId))
  for (const [at, name] of chain.entries()) {
    const fs = await directoryOf(root, name)
    const counted = { bytes: Number(await du('--block-size=1', fs)), inodes: Number(await du('--inodes', fs)) }
    // What links to below was copied at commit: that is walked for.
    if (at < 2) await rm(join(fs, at === 0 ? 'implied' : 'again'), { recursive: true })
    const { bytes, inodes } = await snapshots.usage(name)
    expect(inodes).toBe(counted.inodes)
    // Filesystems differ in what a directory takes.
    expect(Math.abs(bytes - counted.bytes)).toBeLessThanOrEqual(6 * 4_096)
  }
})
async function directoryOf(root: string, name: string): Promise<string> {
  const path = join(root, 'storage/overlayfs/names', `${encodeURIComponent(name)}.json`)
  const { id } = JSON.parse(await readFile(path, 'utf8')) as { readonly id: string }
  return join(root, 'storage/overlayfs', id, 'fs')
}
async function du(unit: string, directory: string): Promise<string> {
  const { stdout } = await execute('du', ['--summarize', unit, directory])
  return stdout.split('\t')[0] ?? ''
}

it('a pull starts one process for all layers, also for those that need what is below them, and it ends with the one that pulls', async () => {
  const layers = Array.from({ length: 6 }, (_, at) => [
    { name: `implied/by/file-${at}`, body: `${at}` },
    ...(at === 0 ? [] : [{ name: `link-${at}`, type: 'link' as const, linkName: `implied/by/file-${at - 1}` }]),
  ])
  await putImage(registry.url, 'children', 'latest', buildImage({ layers }))
  const root = join(scratch, 'children')
  const program = programs.start([root, `${registry.host}/children:latest`], { env: { COUNT_CHILDREN: '1' } })
  let line: { readonly pulled?: string; readonly children?: number; readonly failed?: string } = {}
  while (line.pulled === undefined) {
    line = await program.next()
    expect(line.failed).toBeUndefined()
  }
  // A second one where syncing takes longer than one without work stays.
  expect(line.children).toBeLessThan(layers.length)
  expect(await program.exited).toBe(0)
  expect(await workingIn(root)).toEqual([])
})

it('what a pull has started ends when it is killed, and a moment after its work while the storage is open', async () => {
  const { reference } = await publish('left')
  const root = join(scratch, 'left')
  const program = programs.start([root, reference], { env: { STOP_AT_HALF: '1' } })
  let half: string | undefined
  while (half === undefined) half = (await program.next<{ readonly half?: string }>()).half
  expect((await workingIn(root)).length).toBeGreaterThan(0)
  await program.kill()
  await expect.poll(() => workingIn(root), { timeout: 10_000 }).toEqual([])

  await using opened = await openTestStorage(root)
  await using held = await opened.storage.hold()
  const layer = buildLayer([{ name: 'file', body: 'x' }])
  const applied = held.layers.applyStream?.(layer.descriptor, chunks(layer.bytes), await held.snapshotter().prepare('left', undefined))
  await expect.poll(() => workingIn(root), { timeout: 10_000 }).not.toEqual([])
  await applied
  await expect.poll(() => workingIn(root), { timeout: 10_000 }).toEqual([])
})

/** Processes in a mount namespace where the store of that root is mounted. */
async function workingIn(root: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const mounts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '')))
  return pids.filter((_, at) => mounts[at]?.includes(join(root, 'storage', 'mnt')) === true)
}
