// An image comes, is used, and goes, with all that a store can do on the way.
import type { Descriptor } from '../../src/model/common.js'
import type { HeldStorage, Storage } from '../../src/ports/engine/storage.js'
import { buildImage, describeBytes } from './images.js'

const image = buildImage({
  layers: [
    [{ name: 'a/' }, { name: 'a/1', body: 'one' }, { name: 'a/2', body: 'two' }],
    [{ name: 'a/.wh.1' }, { name: 'b/only', body: 'implied' }, { name: 'hard', type: 'link', linkName: 'a/2' }],
  ],
})
/** What the topmost layer shows. */
export const scenarioFiles: Readonly<Record<string, string>> = { 'a/2': 'two', 'b/only': 'implied', hard: 'two' }
export const scenarioName = 'registry.example/scenario:1'
const top = 'chain 1'

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
async function unpack(held: HeldStorage): Promise<void> {
  const snapshots = held.snapshotter()
  const isLater = snapshots.parentLater === true
  for (const [index, { descriptor, bytes }] of image.layers.entries()) {
    const [name, key, parent] = [`chain ${index}`, `unpacking ${index}`, index === 0 ? undefined : `chain ${index - 1}`]
    await snapshots.remove(key)
    if ((await snapshots.find(name)) !== undefined) continue
    const later = isLater && parent !== undefined
    const mounts = await snapshots.prepare(key, later ? undefined : parent, { parentLater: later })
    await held.layers.applyStream?.(descriptor, once(bytes), mounts)
    await snapshots.commit(name, key, { parent: later ? parent : undefined })
  }
}

/** Whatever an earlier one has left, it ends well. */
export async function storeScenario(storage: Storage): Promise<void> {
  {
    await using held = await storage.hold()
    const { content, images } = held
    await unpack(held)
    await content.write(image.configDescriptor, once(image.config))
    await content.link(image.configDescriptor.digest, { kind: 'snapshot', snapshotter: held.snapshotter().name, name: top })
    const target: Descriptor = describeBytes(image.target.mediaType, image.manifest)
    await content.write(target, once(image.manifest), {
      references: [
        { kind: 'config', digest: image.configDescriptor.digest },
        ...image.layers.map(({ descriptor }) => ({ kind: 'layer' as const, digest: descriptor.digest })),
      ],
    })
    await images.put({ name: scenarioName, target, labels: {} })
    await content.ingest('x/y', once(Buffer.from('nobody keeps this')))
  }
  await storage.collect()
  const snapshots = storage.snapshotter()
  await snapshots.remove('container')
  const upper = await snapshots.prepare('container', top)
  await snapshots.remove('below')
  await storage.layers.diff(await snapshots.view('below', top), upper)
  await snapshots.remove('below')
  await snapshots.remove('container')
  await storage.images.delete(scenarioName)
  await storage.collect()
}
