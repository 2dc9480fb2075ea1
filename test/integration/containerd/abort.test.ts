// A call that is aborted before any of its steps rejects with the signal's reason and leaves nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/index.js'
import { type EngineLab, openEngineLab } from '../../setup/containerd-engine.js'
import { firstStep, stride, whichSteps } from '../../setup/every-step.js'
import { busyboxImage, putImage } from '../../setup/images.js'
import { ctr, daemonContents, filesBelow, mountsBelow, shimsLeft } from '../../setup/outside.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

let lab: EngineLab
let registry: RunningRegistry
let engine: Engine
let onStep: (step: string) => void = () => {}

beforeAll(async () => {
  lab = await openEngineLab({ namespace: 'abort' })
  registry = await startRegistry()
  await putImage(registry.url, 'busybox', 'latest', await busyboxImage({ extra: [{ name: 'marker', body: 'another layer' }] }))
  engine = await lab.open({ beforeStep: (step) => onStep(step) })
})
afterAll(async () => {
  await registry?.close()
  await lab?.close()
})

/** With `shims`, waits for them to go. */
async function left(shims: boolean): Promise<unknown> {
  const { containers, tasks, snapshots, leases, images } = await daemonContents(lab.containerd.address, lab.namespace)
  return {
    containers,
    tasks,
    leases,
    images,
    snapshots: snapshots.filter((key) => !key.startsWith('sha256:')),
    mounts: await mountsBelow(lab.root),
    files: (await filesBelow(lab.root)).filter(
      (path) => /^(?:containers|tasks|locks|records\/[^/]+)\/[^.]/.test(path) && !path.startsWith('locks/owner'),
    ),
    shims: shims ? await shimsLeft(lab.namespace) : [],
  }
}

/** Aborts at the steps in turn until the work is done before one comes. Returns the number of steps. */
async function abortAtEach(work: (signal: AbortSignal) => Promise<unknown>, after: () => Promise<void>, shims = true): Promise<number> {
  const before = await left(shims)
  for (let at = firstStep; ; at += stride) {
    const abort = new AbortController()
    const reason = new Error(`enough at ${at}`)
    let step = 0
    let name = ''
    onStep = (one) => {
      if (++step !== at) return
      name = one
      abort.abort(reason)
    }
    const outcome = await work(abort.signal).then(
      () => undefined,
      (error: unknown) => error,
    )
    onStep = () => {}
    if (outcome !== undefined) expect(outcome, `aborted before step ${at}, "${name}"`).toBe(reason)
    await after()
    // What an aborted exec leaves goes behind the scenes.
    await expect.poll(() => left(shims), { timeout: 20_000, message: `aborted before step ${at}, "${name}"` }).toEqual(before)
    if (!abort.signal.aborted) return at - 1
  }
}

describe(`an abort before ${whichSteps} rejects with the reason and leaves nothing`, () => {
  it('of a run', async () => {
    const work = (signal: AbortSignal) =>
      engine.containers.run({ image: lab.image, command: ['echo', 'hello'], networkMode: 'none' }, { signal })
    expect(await abortAtEach(work, async () => {})).toBeGreaterThan(20)
  }, 180_000)

  it('of a pull', async () => {
    const image = `${registry.host}/busybox:latest`
    const remove = async (): Promise<void> => {
      await ctr(lab.containerd.address, lab.namespace, 'images', 'rm', '--sync', image)
    }
    expect(await abortAtEach((signal) => engine.images.pull(image, { signal }), remove)).toBeGreaterThan(20)
  }, 180_000)

  it('of an exec, and the container goes on', async () => {
    await using container = await engine.containers.createOwned({ image: lab.image, command: ['sleep', '1000'], networkMode: 'none' })
    await container.start()
    await container.exec(['true']) // makes the directory of its execs, which stays with it
    const check = async (): Promise<void> => {
      expect((await container.inspect()).state.status).toBe('running')
      await expect.poll(() => container.top(), { timeout: 20_000 }).toHaveLength(1)
    }
    expect(await abortAtEach((signal) => container.exec(['true'], { signal }), check, false)).toBeGreaterThan(5)
  }, 180_000)
})
