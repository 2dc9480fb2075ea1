import { describe, expect, it } from 'vitest'
import { MemoryDirectories } from '../../../../src/conformance/memory/directories.js'
import { MemoryLocks } from '../../../../src/conformance/memory/locks.js'
import { MemoryRecords } from '../../../../src/conformance/memory/records.js'
import { MemoryStorage } from '../../../../src/conformance/memory/storage.js'
import { collect } from '../../../../src/conformance/suite.js'
import { type CreateDeps, createContainer } from '../../../../src/managers/container/create.js'

function deps(prepare: CreateDeps['snapshotter']['prepare'], snapshotter: CreateDeps['snapshotter']): CreateDeps {
  const locks = new MemoryLocks()
  return {
    records: new MemoryRecords(),
    names: new MemoryRecords(),
    directories: new MemoryDirectories(),
    snapshotter: new Proxy(snapshotter, {
      get: (target, key) => (key === 'prepare' ? prepare : bound(target, key)),
    }),
    lock: (id, options) => locks.acquire(id, options),
    tryLock: (id, options) => locks.tryAcquire(id, options),
    emit: async () => {},
    image: async () => ({ id: 'sha256:0', parent: undefined, fillIn: (spec) => spec }),
    check: async () => {},
    runtime: () => ({ name: 'memory' }),
    owner: async () => 'me',
    failedUndo: () => {},
  }
}
function bound(target: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(target, key, target)
  return typeof value === 'function' ? value.bind(target) : value
}

const id = '5'.repeat(64)

describe('createContainer', () => {
  it('an abort while the snapshot is being made leaves none, though it is made all the same', async () => {
    const snapshotter = new MemoryStorage().snapshotter()
    const abort = new AbortController()
    const reason = new Error('user left')
    const made = deps(async (key, parent, options) => {
      abort.abort(reason)
      await new Promise(setImmediate)
      return snapshotter.prepare(key, parent, options)
    }, snapshotter)
    await expect(createContainer(made, { image: 'busybox', name: 'a' }, { signal: abort.signal })).rejects.toBe(reason)
    expect(await collect(snapshotter.list())).toEqual([])
    expect([await collect(made.records.list()), await collect(made.names.list())]).toEqual([[], []])
  })
  it('with a chosen id that a container has is already_exists, and takes nothing of it away', async () => {
    const snapshotter = new MemoryStorage().snapshotter()
    const made = deps(snapshotter.prepare.bind(snapshotter), snapshotter)
    await createContainer(made, { image: 'busybox', id, name: 'first' })
    await expect(createContainer(made, { image: 'busybox', id, name: 'second' })).rejects.toMatchObject({
      code: 'already_exists',
      message: `container id "${id}" is taken`,
    })
    expect((await collect(snapshotter.list())).map(({ key }) => key)).toEqual([id])
    expect((await collect(made.names.list())).map(({ value }) => value.name)).toEqual(['first'])
  })
  it("with a chosen id under which another root keeps a snapshot on the same storage is already_exists, and the other's stays", async () => {
    const snapshotter = new MemoryStorage().snapshotter()
    await snapshotter.prepare(id, undefined)
    const made = deps(snapshotter.prepare.bind(snapshotter), snapshotter)
    await expect(createContainer(made, { image: 'busybox', id, name: 'mine' })).rejects.toMatchObject({ code: 'already_exists' })
    expect((await collect(snapshotter.list())).map(({ key }) => key)).toEqual([id])
    expect([await collect(made.records.list()), await collect(made.names.list())]).toEqual([[], []])
  })
})
