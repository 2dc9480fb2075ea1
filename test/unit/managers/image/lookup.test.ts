import { beforeEach, describe, expect, it } from 'vitest'
import { ensureUnpacked, lookupImage } from '../../../../src/managers/image/lookup.js'
import { glob } from '../../../../src/util/glob.js'
import { repairUnpacking } from '../../../../src/managers/image/repair.js'
import { imageSource } from '../../../../src/managers/image/source.js'
import { chainIds, unpackImage, unpackLock, unpackOwner } from '../../../../src/managers/image/unpack.js'
import { EngineError } from '../../../../src/errors.js'
import type { Snapshotter } from '../../../../src/ports/engine/snapshotter.js'
import type { Storage } from '../../../../src/ports/engine/storage.js'
import { startFakeRegistry } from '../../../setup/fake-registry.js'
import { buildImage, buildIndex, buildLayer, type BuiltImage, type BuiltIndex, chunks } from '../../../setup/images.js'
import { ImageLab } from '../../../setup/image-context.js'

const layer = buildLayer([{ name: 'a', body: 'a' }])
const top = buildLayer([{ name: 'b', body: 'b' }])
const image = buildImage({ layers: [layer, top], config: { Cmd: ['sh'], Labels: { team: 'a' } } })
const other = buildImage({ layers: [layer], platform: { architecture: 's390x' } })
const index = buildIndex([other, image])
let lab: ImageLab

beforeEach(() => {
  lab = new ImageLab()
})
/** As another client leaves it: fetched and named, not unpacked. */
async function fetched(name: string, root: BuiltImage | BuiltIndex, without: readonly string[] = []): Promise<void> {
  for (const [digest, bytes] of root.blobs) {
    if (!without.includes(digest)) await lab.storage.content.write({ mediaType: 'x', digest, size: bytes.length }, chunks(bytes))
  }
  await lab.storage.images.put({ name, target: root.target, labels: {} })
}
/** Names of the calls that `work` makes of the store. */
async function calls(work: (lab: ImageLab['images']) => Promise<unknown>): Promise<readonly string[]> {
  const seen: string[] = []
  const spy = <T extends object>(port: T, name: string): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value === 'function')
          return (...args: unknown[]): unknown => {
            seen.push(`${name}.${String(key)}`)
            const result: unknown = Reflect.apply(value, target, args)
            return key === 'snapshotter' ? spy(result as object, 'snapshotter') : result
          }
        return typeof value === 'object' && value !== null ? spy(value, String(key)) : value
      },
    })
  const manager = lab.manager((storage) => spy(storage, 'storage'))
  await work(manager)
  seen.length = 0
  await work(manager)
  return seen
}

describe('lookup', () => {
  it('finds by name, short or long, by id, by digest and by an unambiguous beginning', async () => {
    await fetched('docker.io/library/app:1', index)
    const { id } = await lookupImage(lab.images.context, 'app:1')
    expect(id).toBe(image.configDescriptor.digest)
    for (const ref of [
      'docker.io/library/app:1',
      id,
      id.slice(7),
      id.slice(7, 19),
      id.slice(0, 19),
      image.target.digest,
      index.target.digest,
      `app@${index.target.digest}`,
      `app:9@${index.target.digest}`,
    ]) {
      expect(await lookupImage(lab.images.context, ref), ref).toMatchObject({
        id,
        target: index.target,
        manifest: image.target,
        name: 'docker.io/library/app:1',
        chainId: chainIds([layer.diffId, top.diffId])[1],
      })
    }
  })
  it('throws not_found, and invalid_argument for what is ambiguous or malformed', async () => {
    await fetched('docker.io/library/app:1', image)
    for (const ref of ['app', 'app:2', 'other/app:1', 'ffff', `app@${layer.descriptor.digest}`])
      await expect(lookupImage(lab.images.context, ref), ref).rejects.toMatchObject({ code: 'not_found' })
    await expect(lookupImage(lab.images.context, 'not a name')).rejects.toMatchObject({ code: 'invalid_argument' })
    for (let at = 0; at < 40; at++) await fetched(`docker.io/library/n:${at}`, buildImage({ layers: [], config: { Cmd: [String(at)] } }))
    const ids = new Set<string>()
    for await (const { id } of lab.images.list()) ids.add(id.slice(7, 11))
    expect(ids.size).toBeGreaterThan(30)
  })
  it('tells that a beginning is ambiguous', async () => {
    const names = new Map<string, BuiltImage>()
    for (let at = 0; names.size === at; at++) {
      const built = buildImage({ layers: [], config: { Cmd: [String(at)] } })
      const key = built.configDescriptor.digest.slice(7, 11)
      const twin = names.get(key)
      names.set(key, built)
      if (twin === undefined) continue
      await fetched('docker.io/library/x:1', twin)
      await fetched('docker.io/library/y:1', built)
      await expect(lookupImage(lab.images.context, key)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: `image "${key}" is ambiguous: it begins 2 ids`,
      })
    }
  })
  it('of a warm image costs one call of the image store', async () => {
    await fetched('docker.io/library/app:1', index)
    expect(await calls((manager) => lookupImage(manager.context, 'app:1'))).toEqual(['images.find'])
  })
  it('takes another platform when asked for, and names those that are here', async () => {
    await fetched('docker.io/library/app:1', index)
    expect((await lookupImage(lab.images.context, 'app:1', { platform: 'linux/s390x' })).id).toBe(other.configDescriptor.digest)
    await expect(lookupImage(lab.images.context, 'app:1', { platform: 'linux/riscv64' })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/only for linux\/.*linux\/s390x|only for linux\/s390x/) as string,
    })
  })
  it('takes what is here of an index of which another client fetched a part', async () => {
    await fetched('docker.io/library/app:1', index, [image.target.digest])
    expect(await lookupImage(lab.images.context, 'app:1')).toMatchObject({ id: other.configDescriptor.digest })
    await fetched(
      'docker.io/library/none:1',
      index,
      [...index.blobs.keys()].filter((digest) => digest !== index.target.digest),
    )
    lab.state.blobs.clear()
    await expect(lookupImage(lab.manager().context, 'none:1')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('pull it again') as string,
    })
  })
  it('finds names that another client has not normalised', async () => {
    await fetched('mine', image)
    expect((await lookupImage(lab.images.context, 'mine')).name).toBe('mine')
  })
})

describe('ensureUnpacked', () => {
  it('unpacks what another client has only fetched, once, so that a collection keeps it', async () => {
    await fetched('docker.io/library/app:1', image)
    await lab.storage.content.link(image.target.digest, { kind: 'config', digest: image.configDescriptor.digest })
    const { context } = lab.images
    const local = await lookupImage(context, 'app:1')
    expect(await Promise.all([ensureUnpacked(context, local), ensureUnpacked(context, local)])).toEqual([local.chainId, local.chainId])
    await lab.storage.collect()
    expect(lab.snapshots).toEqual(expect.arrayContaining([...chainIds([layer.diffId, top.diffId])]))
  })
  it('says what to do when layers are missing', async () => {
    await fetched('docker.io/library/app:1', image, [top.descriptor.digest])
    const { context } = lab.images
    await expect(ensureUnpacked(context, await lookupImage(context, 'app:1'))).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('pull it again') as string,
    })
    await lab.storage.collect()
    expect(lab.snapshots.filter((key) => key.startsWith('extract-'))).toEqual([])
  })
})

describe('unpackImage', () => {
  const unpack = (wrap: (snapshotter: Snapshotter, storage: Storage) => Partial<Snapshotter>): Promise<unknown> => {
    const storage: Storage = Object.assign(Object.create(lab.storage) as Storage, {
      snapshotter: () => {
        const real = lab.storage.snapshotter()
        return {
          name: real.name,
          find: real.find.bind(real),
          prepare: real.prepare.bind(real),
          commit: real.commit.bind(real),
          remove: real.remove.bind(real),
          ...wrap(real, lab.storage),
        }
      },
    })
    return unpackImage(
      lab.images.context,
      storage,
      image.configDescriptor.digest,
      [layer, top].map(({ descriptor, diffId }) => ({ layer: descriptor, diffId })),
    )
  }
  const [first = 'sha256:', last] = chainIds([layer.diffId, top.diffId])

  it('begins again from the lowest layer when a parent goes away, three times at most', async () => {
    await fetched('a', image)
    let gone = 0
    const removing =
      (times: number) =>
      (real: Snapshotter): Partial<Snapshotter> => ({
        prepare: async (key, parent, options) => {
          if (parent === first && gone++ < times) await real.remove(first)
          return real.prepare(key, parent, options)
        },
      })
    expect(await unpack(removing(2))).toBe(last)
    lab.state.snapshots.clear()
    gone = 0
    await expect(unpack(removing(3))).rejects.toMatchObject({ code: 'not_found' })
    expect(lab.snapshots).toEqual([])
  })
  it('succeeds when another process commits the same layer first, and removes its own', async () => {
    await fetched('a', image)
    const loser = (real: Snapshotter): Partial<Snapshotter> => ({
      commit: async (name, key, options) => {
        if (!lab.state.snapshots.has(name)) {
          await real.prepare('theirs', lab.state.snapshots.get(key)?.parent)
          await real.commit(name, 'theirs', options)
        }
        await real.commit(name, key, options)
      },
    })
    expect(await unpack(loser)).toBe(last)
    expect(lab.snapshots).toEqual([first, last])
  })
  it('unpacks nothing that the snapshotter says it has', async () => {
    await fetched('a', image)
    const lazy = (real: Snapshotter): Partial<Snapshotter> => ({
      prepare: async (key, parent, options) => {
        const name = options?.labels?.['containerd.io/snapshot.ref'] ?? ''
        await real.prepare(key, parent, { labels: {} })
        await real.commit(name, key)
        throw new EngineError('already_exists', 'it is here')
      },
      commit: async () => {
        throw new Error('not needed')
      },
    })
    expect(await unpack(lazy)).toBe(last)
  })
  it('leaves what it has finished when an abort stops it, and nothing else', async () => {
    await fetched('a', image)
    const abort = new AbortController()
    const stopping = (real: Snapshotter): Partial<Snapshotter> => ({
      prepare: async (key, parent, options) => {
        const mounts = await real.prepare(key, parent, options)
        if (parent === first) abort.abort(new Error('stop'))
        options?.signal?.throwIfAborted()
        return mounts
      },
    })
    const storage: Storage = Object.assign(Object.create(lab.storage) as Storage, {
      snapshotter: () => ({ ...bound(lab.storage.snapshotter()), ...stopping(lab.storage.snapshotter()) }),
    })
    const layers = [layer, top].map(({ descriptor, diffId }) => ({ layer: descriptor, diffId }))
    await expect(unpackImage(lab.images.context, storage, image.configDescriptor.digest, layers, { signal: abort.signal })).rejects.toThrow(
      'stop',
    )
    expect(lab.snapshots).toEqual([first])
  })
})
const bound = (real: Snapshotter): Snapshotter => ({
  name: real.name,
  find: real.find.bind(real),
  prepare: real.prepare.bind(real),
  commit: real.commit.bind(real),
  remove: real.remove.bind(real),
  view: real.view.bind(real),
  mounts: real.mounts.bind(real),
  usage: real.usage.bind(real),
  list: real.list.bind(real),
})

describe('repairUnpacking', () => {
  it('removes what a dead process was unpacking, and nothing of a live one', async () => {
    const snapshotter = lab.storage.snapshotter()
    const [dead, live] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
    for (const owner of [dead, live]) await snapshotter.prepare(`extract-${owner} sha256:x`, undefined)
    await snapshotter.prepare('container', undefined)
    expect(unpackOwner(`extract-${dead} sha256:x`)).toBe(dead)
    await using _alive = await lab.locks.acquire(unpackLock(live ?? ''))
    expect(await repairUnpacking(lab.images.context)).toEqual([`removed the half-unpacked layer "extract-${dead} sha256:x"`])
    expect(lab.snapshots).toEqual([`extract-${live} sha256:x`, 'container'])
    expect(await repairUnpacking(lab.images.context)).toEqual([])
  })
})

describe('remove', () => {
  it('takes a name away, and the image with the last one', async () => {
    await fetched('docker.io/library/app:1', image)
    await lab.images.tag('app:1', 'app:2')
    await lab.images.remove('app:1')
    expect((await lab.images.get('app:2')).names).toEqual(['docker.io/library/app:2'])
    await lab.images.remove('app:2')
    await lab.storage.collect()
    expect(lab.blobs).toEqual([])
    expect(lab.events).toEqual([
      'tag docker.io/library/app:2',
      'untag docker.io/library/app:1',
      'untag docker.io/library/app:2',
      `remove ${image.configDescriptor.digest}`,
    ])
  })
  it('by id refuses several names without force', async () => {
    await fetched('docker.io/library/app:1', image)
    await lab.images.tag('app:1', 'app:2')
    await expect(lab.images.remove(image.configDescriptor.digest)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('docker.io/library/app:2') as string,
    })
    await lab.images.remove(image.configDescriptor.digest, { force: true })
    expect(lab.names).toEqual([])
  })
  it('never takes the last name of an image that a container uses', async () => {
    await fetched('docker.io/library/app:1', image)
    await lab.images.tag('app:1', 'app:2')
    lab.users.set(image.configDescriptor.digest, ['c1', 'c2'])
    await expect(lab.images.remove(image.configDescriptor.digest, { force: true })).rejects.toMatchObject({ code: 'failed_precondition' })
    await lab.images.remove('app:1')
    await expect(lab.images.remove('app:2', { force: true })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: 'image "app:2" is used by container "c1" and 1 more: remove it first',
    })
    expect(lab.names).toEqual(['docker.io/library/app:2'])
  })
  it('throws not_found for an image that is not there', async () => {
    await expect(lab.images.remove('none')).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('list', () => {
  it('lists each image once with all its names, and filters', async () => {
    await fetched('docker.io/library/app:1', image)
    await lab.images.tag('app:1', 'registry.example/app:2')
    await fetched('docker.io/library/other:1', other)
    await lab.images.import(chunks(Buffer.alloc(1024)))
    const list = async (options?: Parameters<typeof lab.images.list>[0]): Promise<readonly (readonly string[])[]> => {
      const found: (readonly string[])[] = []
      for await (const { names } of lab.images.list(options)) found.push(names)
      return found
    }
    const both = ['docker.io/library/app:1', 'registry.example/app:2']
    expect(await list()).toEqual([both, ['docker.io/library/other:1'], []])
    expect(await list({ names: ['app:*'] })).toEqual([both])
    expect(await list({ names: ['docker.io/library/*'] })).toEqual([both, ['docker.io/library/other:1']])
    expect(await list({ names: ['app'] })).toEqual([])
    expect(await list({ labels: { team: 'a' } })).toEqual([both])
    expect(await list({ dangling: true })).toEqual([[]])
  })
  it('leaves out what is no image and what is not here', async () => {
    await fetched('chart', { target: layer.descriptor, manifest: layer.bytes, blobs: new Map([[layer.descriptor.digest, layer.bytes]]) })
    await lab.storage.images.put({ name: 'gone', target: image.target, labels: {} })
    for await (const { names } of lab.images.list()) expect(names).toEqual([])
  })
  it('matches a pattern of many stars', () => {
    expect(glob('*a'.repeat(200), `${'a'.repeat(20_000)}b`)).toBe(false)
    expect(glob('a*c', 'abbc') && glob('*', '') && !glob('a', 'ab') && glob('ab*', 'ab')).toBe(true)
  })
})

describe('imageSource', () => {
  it('gives what a container is made from, and pulls only when it may', async () => {
    await fetched('docker.io/library/app:1', image)
    const source = imageSource(lab.images)
    const { id, parent, fillIn } = await source('app:1', { pull: 'never' })
    expect({ id, parent }).toEqual({ id: image.configDescriptor.digest, parent: chainIds([layer.diffId, top.diffId])[1] })
    expect(fillIn({ image: 'app:1' }).command).toEqual(['sh'])
    await expect(source('none', { pull: 'never' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(source('127.0.0.1:1/none', { pull: 'missing' })).rejects.toMatchObject({ code: 'unavailable' })
  })
})

it('imageSource fetches what another client has left out', async () => {
  await using registry = await startFakeRegistry()
  const ref = registry.add('app', '1', image)
  await fetched(ref, image, [top.descriptor.digest])
  const source = imageSource(lab.images)
  await expect(source(ref, { pull: 'never' })).rejects.toMatchObject({ code: 'not_found' })
  expect(await source(ref, { pull: 'missing' })).toMatchObject({ id: image.configDescriptor.digest })
  expect(registry.requests.filter(({ kind }) => kind === 'blob')).toHaveLength(1)
  await lab.images.close()
})

it('refuses what comes with other issues as unsupported', async () => {
  const { images } = lab
  for (const call of [
    () => images.push('a', 'b'),
    () => images.history('a'),
    () => images.prune(),
    () => images.build({ context: chunks(Buffer.alloc(0)) }),
    async () => {
      for await (const _ of images.save(['a'])) break
    },
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'unsupported' })
  }
})
