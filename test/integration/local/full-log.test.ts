// The disk fills up under the output of containers: a small tmpfs as root.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLocal } from '../../../src/backends/local/open.js'
import { type Container, Engine } from '../../../src/index.js'
import { busyboxImage, putImage } from '../../setup/images.js'
import { removeCgroup } from '../../setup/outside.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

const execute = promisify(execFile)
const cgroupParent = `/pouch-sdk-full-log-${process.pid}`
const lines = 400_000
let registry: RunningRegistry
let root: string
let engine: Engine
let image: string
beforeAll(async () => {
  registry = await startRegistry()
  await putImage(registry.url, 'busybox', 'latest', await busyboxImage())
  image = `${registry.host}/busybox:latest`
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-full-log-'))
  await execute('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', root])
  engine = new Engine(await openLocal({ root }))
  await engine.images.pull(image)
})
afterAll(async () => {
  await engine?.close()
  await registry?.close()
  await execute('umount', [root])
  await rm(root, { recursive: true })
  await removeCgroup(cgroupParent)
})
const roomLeft = async (): Promise<number> => {
  const { bavail, bsize } = await statfs(root)
  return bavail * bsize
}

const withRoom = (size: string): Promise<unknown> => execute('mount', ['-o', `remount,size=${size}`, root])
/** More than the smaller disk has room for, each line another; then 3. */
async function writer(lifetime: 'owned' | 'detached'): Promise<Container> {
  // What the one before it has left goes a moment after its removal.
  await expect.poll(() => readdir(join(root, 'containers')).catch(() => []), { timeout: 10_000 }).toEqual([])
  await withRoom('16m')
  const spec = { image, cgroupParent, command: ['sh', '-c', `seq 1 ${lines} | sed 's/$/ a line of its own, numbered/'; exit 3`] }
  const container = await (lifetime === 'owned' ? engine.containers.createOwned(spec) : engine.containers.create(spec))
  await container.start()
  await expect.poll(roomLeft, { timeout: 20_000 }).toBe(0)
  expect((await container.inspect()).state.status).toBe('running')
  return container
}
/** How many of its lines are there, each as it was written; of the last one a part may be missing. */
async function linesOf(container: Container): Promise<number> {
  let count = 0
  let torn: string | undefined
  for await (const { text } of container.logs()) {
    const whole = `${count + 1} a line of its own, numbered`
    // Not by expect, of which so many take half a minute.
    if (torn !== undefined || !whole.startsWith(text)) throw new Error(`"${text}" after ${count} lines`)
    if (text === whole) count += 1
    else torn = text
  }
  return count
}

it('an owned container waits while there is no room, and nothing of its output is lost once there is', async () => {
  const container = await writer('owned')
  const ended = container.wait()
  await withRoom('64m')
  expect((await ended).exitCode).toBe(3)
  expect(await linesOf(container)).toBe(lines)
  await container.remove()
}, 180_000)

// containerd's shim ends copying at the first write that fails, and does not begin again.
it('a detached container is held up at its output; what is there is its beginning, and it can be ended', async () => {
  const container = await writer('detached')
  await withRoom('64m')
  expect((await container.inspect()).state.status).toBe('running')
  await container.stop({ graceMs: 0 })
  expect((await container.wait()).exitCode).toBe(137)
  expect(await linesOf(container)).toBeGreaterThan(10_000)
  await container.remove()
}, 180_000)

for (const lifetime of ['owned', 'detached'] as const) {
  it(`the ${lifetime} container that fills the disk can be ended and removed while there is no room, which makes some`, async () => {
    const container = await writer(lifetime)
    await container.kill('SIGKILL')
    expect((await container.wait({ signal: AbortSignal.timeout(30_000) })).exitCode).toBe(137)
    await container.remove()
    await expect.poll(roomLeft, { timeout: 20_000 }).toBeGreaterThan(4 << 20)
  }, 180_000)
}
