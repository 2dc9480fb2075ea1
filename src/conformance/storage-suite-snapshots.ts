import assert from 'node:assert/strict'
import { chainIdLabel, type Snapshotter } from '../ports/engine/snapshotter.js'
import type { Storage } from '../ports/engine/storage.js'
import type { StorageSubject } from './storage-subject.js'
import { listed, withCode } from './storage-suite-data.js'
import type { Case } from './suite.js'

/** A committed snapshot of this name, empty. */
export async function commitEmpty(snapshotter: Snapshotter, name: string, parent?: string): Promise<void> {
  await snapshotter.prepare(`making ${name}`, parent)
  await snapshotter.commit(name, `making ${name}`)
}

interface Opened {
  readonly snapshots: Snapshotter
  readonly elsewhere: Snapshotter
}
/** Under a hold, with a committed snapshot `base`. */
const withBase = (title: string, run: (opened: Opened) => Promise<void>): Case<StorageSubject, never> => ({
  title,
  async run({ mine, theirs }) {
    await using held = await mine.hold()
    await commitEmpty(held.snapshotter(), 'base')
    await run({ snapshots: held.snapshotter(), elsewhere: theirs.snapshotter() })
  },
})

export const snapshotCases: readonly Case<StorageSubject, never>[] = [
  withBase('find tells kind, parent and the labels that were given', async ({ snapshots, elsewhere }) => {
    const labels = { a: '1', 'example.org/b': 'two words' }
    await snapshots.prepare('active', 'base', { labels })
    await snapshots.view('view', 'base')
    assert.deepEqual(await elsewhere.find('base'), { key: 'base', kind: 'committed', labels: {} })
    assert.deepEqual(await elsewhere.find('active'), { key: 'active', kind: 'active', parent: 'base', labels })
    assert.deepEqual(await elsewhere.find('view'), { key: 'view', kind: 'view', parent: 'base', labels: {} })
    assert.equal(await elsewhere.find('absent'), undefined)
    assert.deepEqual((await listed(elsewhere.list())).map(({ key }) => key).sort(), ['active', 'base', 'view'])
  }),
  withBase('commit moves a snapshot to its name, with the labels of the commit alone', async ({ snapshots, elsewhere }) => {
    await snapshots.prepare('key', 'base', { labels: { a: '1' } })
    await snapshots.commit('name', 'key', { labels: { b: '2' } })
    assert.equal(await elsewhere.find('key'), undefined)
    assert.deepEqual(await elsewhere.find('name'), { key: 'name', kind: 'committed', parent: 'base', labels: { b: '2' } })
    await snapshots.prepare('child', 'name')
  }),
  withBase('mounts gives what prepare and view gave, in another process, too', async ({ snapshots, elsewhere }) => {
    const active = await snapshots.prepare('active', 'base')
    const view = await snapshots.view('view', 'base')
    assert.ok(active.length > 0 && view.length > 0)
    assert.deepEqual(await elsewhere.mounts('active'), active)
    assert.deepEqual(await elsewhere.mounts('view'), view)
    await assert.rejects(elsewhere.mounts('absent'), withCode('not_found'))
  }),
  withBase('prepare and view throw already_exists for a taken key', async ({ snapshots, elsewhere }) => {
    const mounts = await snapshots.prepare('key', 'base')
    await assert.rejects(elsewhere.prepare('key', undefined), withCode('already_exists'))
    await assert.rejects(elsewhere.view('key', 'base'), withCode('already_exists'))
    await assert.rejects(elsewhere.prepare('base', undefined), withCode('already_exists'))
    assert.deepEqual(await snapshots.mounts('key'), mounts)
  }),
  withBase('prepare throws already_exists when the chain id of its labels is here', async ({ snapshots }) => {
    await assert.rejects(snapshots.prepare('key', undefined, { labels: { [chainIdLabel]: 'base' } }), withCode('already_exists'))
    assert.equal(await snapshots.find('key'), undefined)
    await snapshots.prepare('key', undefined, { labels: { [chainIdLabel]: 'another' } })
  }),
  withBase('only a committed snapshot can be a parent', async ({ snapshots }) => {
    await snapshots.prepare('active', 'base')
    await assert.rejects(snapshots.prepare('child', 'absent'), withCode('not_found'))
    await assert.rejects(snapshots.view('child', 'absent'), withCode('not_found'))
    await assert.rejects(snapshots.prepare('child', 'active'), withCode('invalid_argument', 'failed_precondition'))
    assert.equal(await snapshots.find('child'), undefined)
  }),
  withBase('commit throws already_exists for a taken name, and the key stays', async ({ snapshots }) => {
    const mounts = await snapshots.prepare('key', 'base')
    await assert.rejects(snapshots.commit('base', 'key'), withCode('already_exists'))
    assert.deepEqual(await snapshots.mounts('key'), mounts)
    await snapshots.commit('free', 'key')
  }),
  withBase('a view is read-only and never committed', async ({ snapshots }) => {
    await snapshots.view('view', 'base')
    await assert.rejects(snapshots.commit('name', 'view'), withCode('failed_precondition'))
    assert.equal((await snapshots.find('view'))?.kind, 'view')
    assert.equal(await snapshots.find('name'), undefined)
  }),
  withBase('commit throws not_found for an absent key', async ({ snapshots }) => {
    await assert.rejects(snapshots.commit('name', 'absent'), withCode('not_found'))
    assert.equal(await snapshots.find('name'), undefined)
  }),
  withBase(
    'remove throws failed_precondition while there are children, and is success for an absent key',
    async ({ snapshots, elsewhere }) => {
      await snapshots.prepare('child', 'base')
      await assert.rejects(elsewhere.remove('base'), withCode('failed_precondition'))
      await elsewhere.remove('child')
      await elsewhere.remove('child')
      await elsewhere.remove('base')
      assert.equal(await snapshots.find('base'), undefined)
    },
  ),
  {
    title: 'snapshotter throws not_found for a name that is unknown',
    async run({ mine }) {
      assert.equal(mine.snapshotter(mine.snapshotter().name).name, mine.snapshotter().name)
      assert.throws(() => mine.snapshotter('no-such'), withCode('not_found'))
    },
  },
  {
    title: 'an aborted call rejects with the reason and does nothing',
    async run({ mine }) {
      const signal = AbortSignal.abort(new Error('enough'))
      const snapshots = mine.snapshotter()
      await assert.rejects(snapshots.prepare('key', undefined, { signal }), { message: 'enough' })
      await assert.rejects(snapshots.find('key', { signal }), { message: 'enough' })
      await assert.rejects(snapshots.remove('key', { signal }), { message: 'enough' })
      await assert.rejects(mine.hold({ signal }), { message: 'enough' })
      await assert.rejects(mine.collect({ signal }), { message: 'enough' })
      await assert.rejects(mine.images.find('name', { signal }), { message: 'enough' })
      assert.equal(await snapshots.find('key'), undefined)
    },
  },
  {
    title: 'an image name is created, replaced and deleted',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      await namesCase(held, theirs)
    },
  },
]

async function namesCase({ images, content }: Storage, theirs: Storage): Promise<void> {
  const first = await content.ingest(
    'application/vnd.oci.image.manifest.v1+json',
    (async function* () {
      yield Buffer.from('{}')
    })(),
  )
  const second = await content.ingest(
    'application/vnd.oci.image.index.v1+json',
    (async function* () {
      yield Buffer.from('{ }')
    })(),
  )
  assert.equal(await images.find('registry.example/a:1'), undefined)
  await images.put({ name: 'registry.example/a:1', target: first, labels: { a: '1' } })
  assert.deepEqual(await theirs.images.find('registry.example/a:1'), { name: 'registry.example/a:1', target: first, labels: { a: '1' } })
  const target = { ...second, annotations: { b: 'c' } }
  await theirs.images.put({ name: 'registry.example/a:1', target, labels: {} })
  assert.deepEqual(await listed(images.list()), [{ name: 'registry.example/a:1', target, labels: {} }])
  await images.delete('registry.example/a:1')
  await images.delete('registry.example/a:1')
  assert.equal(await theirs.images.find('registry.example/a:1'), undefined)
}
