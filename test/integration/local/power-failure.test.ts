// What a power failure leaves: the bytes that the filesystem has given to its device, seen by a copy of that device.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chainIds } from '../../../src/managers/image/unpack.js'
import { bundleProgram, type Programs } from '../../setup/child-program.js'
import { buildImage, putImage } from '../../setup/images.js'
import { openTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

const execute = promisify(execFile)
let registry: RunningRegistry
let programs: Programs
let scratch: string
const mounted: string[] = []
beforeAll(async () => {
  registry = await startRegistry()
  programs = await bundleProgram('pull')
  scratch = await mkdtemp(join(tmpdir(), 'pouch-sdk-power-'))
})
afterAll(async () => {
  for (const place of mounted) await execute('umount', [place])
  await programs.close()
  await registry.close()
  await rm(scratch, { recursive: true, force: true })
})

/** An ext4 of its own in a file: what is only in the page cache is not in that file. */
async function mountDisk(file: string): Promise<string> {
  const place = `${file}-mounted`
  await mkdir(place)
  await execute('mount', ['-t', 'ext4', '-o', 'loop', file, place])
  mounted.push(place)
  return place
}

it('an image that is told as pulled is whole after a power failure in the next moment', async () => {
  const files = Array.from({ length: 200 }, (_, at) => ({ name: `many/file-${at}`, body: randomBytes(100 + at * 40) }))
  const below = { name: 'large', body: randomBytes(3 << 20) }
  const image = buildImage({
    layers: [[below], files.slice(0, 100), [...files.slice(100), { name: 'to-below', type: 'link', linkName: 'large' }]],
  })
  await putImage(registry.url, 'power', 'latest', image)
  const disk = join(scratch, 'disk')
  await execute('truncate', ['--size=256M', disk])
  await execute('mkfs.ext4', ['-q', disk])
  const root = join(await mountDisk(disk), 'root')

  const program = programs.start([root, `${registry.host}/power:latest`])
  for (;;) {
    const line = await program.next<{ readonly pulled?: string; readonly failed?: string }>()
    expect(line.failed).toBeUndefined()
    if (line.pulled !== undefined) break
  }
  await execute('cp', ['--sparse=always', disk, join(scratch, 'after')])
  await program.exited

  // The journal is gone through as it would be at the next start.
  const after = join(await mountDisk(join(scratch, 'after')), 'root')
  await using opened = await openTestStorage(after)
  await opened.storage.repair()
  await opened.storage.collect()
  expect((await opened.storage.images.find(`${registry.host}/power:latest`))?.target.digest).toBe(image.target.digest)
  const top = chainIds(image.layers.map(({ diffId }) => diffId)).at(-1) as string
  await using tree = await mountTree(await opened.storage.snapshotter().view('look', top))
  for (const { name, body } of [below, { ...below, name: 'to-below' }, ...files])
    expect((await readFile(join(tree.root, name))).equals(body), name).toBe(true)
})
