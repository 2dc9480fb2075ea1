// An engine on a containerd of the test's own, with a busybox image that is there.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectContainerd, type ContainerdOptions } from '../../src/backends/containerd/connect.js'
import { Engine } from '../../src/index.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { startTestContainerd, type TestContainerd } from './containerd.js'
import { busyboxImage, chunks, ociArchive } from './images.js'

export interface EngineLab extends Closeable {
  readonly containerd: TestContainerd
  readonly engine: Engine
  readonly root: string
  readonly namespace: string
  readonly image: string
  /** A further engine on the same root, as another process would open it. */
  open(options?: Partial<ContainerdOptions>): Promise<Engine>
}

const image = 'docker.io/library/busybox:latest'

export async function openEngineLab(options: Partial<ContainerdOptions> = {}): Promise<EngineLab> {
  const containerd = await startTestContainerd()
  const root = await mkdtemp(join(tmpdir(), 'engine-'))
  const namespace = options.namespace ?? 'test'
  const engines: Engine[] = []
  const open = async (more: Partial<ContainerdOptions> = {}): Promise<Engine> => {
    const engine = new Engine(await connectContainerd({ address: containerd.address, namespace, root, ...options, ...more }))
    engines.push(engine)
    return engine
  }
  const engine = await open()
  await engine.images.load(chunks(ociArchive([{ root: await busyboxImage(), name: image }])))
  return {
    containerd,
    engine,
    root,
    namespace,
    image,
    open,
    ...closeable(async () => {
      await Promise.all(engines.map((one) => one.close()))
      await containerd.close()
      await rm(root, { recursive: true, force: true })
    }),
  }
}
