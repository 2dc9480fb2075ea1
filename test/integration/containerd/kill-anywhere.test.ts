// The embedding process is killed before each of its steps; the next engine on the same root leaves the daemon as it was.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile } from '../../../scripts/compile.mjs'
import { connectContainerd } from '../../../src/backends/containerd/connect.js'
import { Engine } from '../../../src/index.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { busyboxImage, putImage } from '../../setup/images.js'
import { cgroupsBelow, ctr, daemonContents, filesBelow, mountsBelow, shimsLeft, removeCgroup } from '../../setup/outside.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'
import type { KilledProgram } from './killed-program.js'

const namespace = 'kill'
const cgroupParent = `/pouch-sdk-test-${process.pid}`
let containerd: TestContainerd
let registry: RunningRegistry
let program: Awaited<ReturnType<typeof compile>>
let root: string
let image: string

beforeAll(async () => {
  containerd = await startTestContainerd()
  registry = await startRegistry()
  await putImage(registry.url, 'busybox', 'latest', await busyboxImage({ extra: [{ name: 'marker', body: 'second layer' }] }))
  image = `${registry.host}/busybox:latest`
  program = await compile('test/integration/containerd/killed-program.ts')
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-kill-'))
})
afterAll(async () => {
  await program?.dispose()
  await registry?.close()
  await containerd?.close()
  await rm(root, { recursive: true, force: true })
  await removeCgroup(cgroupParent)
})

interface Run {
  /** Absent: it was killed. */
  readonly finished: boolean
  readonly output: string
}
async function runProgram(work: KilledProgram['work'], dieAt: number): Promise<Run> {
  const argument: KilledProgram = { address: containerd.address, namespace, root, image, cgroupParent, work, dieAt }
  const child = spawn(process.execPath, [program.path, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors, [code, signal]] = await Promise.all([readText(child.stdout), readText(child.stderr), once(child, 'exit')])
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the program failed at step ${dieAt} of "${work}": ${errors}`)
  return { finished: code === 0, output: output.trim() }
}

/** What `connect` and a close leave: everything that may have leaked, as tools that are not ours see it. */
async function leftAfterConnect(work: KilledProgram['work']): Promise<unknown> {
  const engine = await open()
  const containers: string[] = []
  for await (const { id } of engine.containers.list({ all: true })) {
    if (work === 'detached') await endDetached(engine, id)
    else containers.push(id)
  }
  await engine.close()
  const { tasks, containers: records, snapshots, leases } = await daemonContents(containerd.address, namespace)
  return {
    containers,
    tasks,
    records,
    leases,
    snapshots: snapshots.filter((key) => !key.startsWith('sha256:')),
    mounts: await mountsBelow(root),
    files: (await filesBelow(root)).filter((path) => /^(?:containers|tasks|locks|owners|records\/[^/]+)\/[^.]/.test(path)),
    shims: await shimsLeft(namespace),
    cgroups: await cgroupsBelow(cgroupParent),
  }
}
/** It outlives its maker: whole, with its output and its exit, or not started at all. */
async function endDetached(engine: Engine, id: string): Promise<void> {
  const container = await engine.containers.get(id)
  const { state } = await container.inspect()
  if (state.status === 'created') await container.start()
  expect((await container.wait()).exitCode).toBe(3)
  const lines: string[] = []
  for await (const { text } of container.logs()) lines.push(text)
  expect(lines).toEqual(['begun', 'done'])
  await container.remove()
}
async function open(): Promise<Engine> {
  return new Engine(await connectContainerd({ address: containerd.address, namespace, root }))
}
const nothing = { containers: [], tasks: [], records: [], leases: [], snapshots: [], mounts: [], files: [], shims: [], cgroups: [] }

/** Kills at every step until the work finishes; returns how many steps it has. */
async function killAtEach(work: KilledProgram['work'], between: () => Promise<void>): Promise<number> {
  for (let dieAt = 1; ; dieAt++) {
    await between()
    const { finished, output } = await runProgram(work, dieAt)
    expect(await leftAfterConnect(work), `killed before step ${dieAt}, "${output}"`).toEqual(nothing)
    if (finished) return dieAt - 1
  }
}
async function removeImage(): Promise<void> {
  await ctr(containerd.address, namespace, 'images', 'rm', '--sync', image)
}
async function pull(): Promise<void> {
  const engine = await open()
  await engine.images.pull(image)
  await engine.close()
}

describe('a killed process leaves nothing that the next engine does not put right', () => {
  it('before each step of a pull', async () => {
    const steps = await killAtEach('pull', removeImage)
    expect(steps).toBeGreaterThan(20)
    const [check] = (await ctr(containerd.address, namespace, 'images', 'check')).slice(1)
    expect(check).toContain('complete')
    await removeImage()
    const { content, snapshots, images } = await daemonContents(containerd.address, namespace)
    expect({ content, snapshots, images }).toEqual({ content: [], snapshots: [], images: [] })
  }, 300_000)

  for (const work of ['run', 'detached', 'exec'] as const) {
    it(`before each step of "${work}"`, async () => {
      await pull()
      const steps = await killAtEach(work, async () => {})
      expect(steps).toBeGreaterThan(20)
    }, 300_000)
  }

  it('at random moments of a pull and a run', async () => {
    for (let attempt = 0; attempt < 20; attempt++) {
      await removeImage()
      const argument: KilledProgram = {
        address: containerd.address,
        namespace,
        root,
        image,
        cgroupParent,
        work: 'run',
        dieAt: Number.MAX_SAFE_INTEGER,
      }
      const child = spawn(process.execPath, [program.path, JSON.stringify(argument)], { stdio: 'ignore' })
      const exited = once(child, 'exit')
      const timer = setTimeout(() => child.kill('SIGKILL'), 150 + Math.random() * 500)
      await exited
      clearTimeout(timer)
      expect(await leftAfterConnect('run'), `attempt ${attempt}`).toEqual(nothing)
    }
  }, 120_000)
})
