import { describe, expect, it } from 'vitest'
import { MemoryDirectories } from '../../../../src/conformance/memory/directories.js'
import { MemoryStorage } from '../../../../src/conformance/memory/storage.js'
import { containerLabel } from '../../../../src/managers/container/create.js'
import { type RecoverDeps, recoverContainers } from '../../../../src/managers/container/recover.js'
import { startContainer } from '../../../../src/managers/container/start.js'
import type { ContainerRecord } from '../../../../src/managers/container/record.js'
import { id, Root, record } from './root.js'

const exit = { exitCode: 3, exitedAt: new Date(1), oomKilled: undefined, lost: false }
const started = { at: new Date(2), bootId: 'boot' }

async function open(first?: ContainerRecord) {
  const root = first === undefined ? new Root() : await Root.with(first)
  const snapshotter = new MemoryStorage().snapshotter()
  const directories = new MemoryDirectories()
  const deps: RecoverDeps = {
    ...root.process('R'),
    records: root.records,
    tasks: root.tasks,
    snapshotter,
    directories,
    roots: { ...root.process('R').roots, open: () => Promise.reject(new Error('not asked for')) },
    ownerIsGone: async (owner) => owner === 'dead',
  }
  const recover = async (): Promise<{ repaired: string[]; failed: unknown[] }> => {
    const found = { repaired: [] as string[], failed: [] as unknown[] }
    await recoverContainers(deps, { repaired: (line) => found.repaired.push(line), failed: (_what, error) => found.failed.push(error) })
    return found
  }
  return { root, snapshotter, directories, recover }
}
const keys = async (snapshots: AsyncIterable<{ readonly key: string }>): Promise<string[]> => {
  const all: string[] = []
  for await (const { key } of snapshots) all.push(key)
  return all
}

describe('recoverContainers', () => {
  it('finds nothing to do where nothing went wrong', async () => {
    const { root, recover } = await open(record)
    await startContainer(root.process('A'), id)
    expect(await recover()).toEqual({ repaired: [], failed: [] })
    expect(await root.status()).toBe('running')
  })

  it('removes what a dead engine owned, running or not, and leaves what a live one owns', async () => {
    for (const [owner, left] of [
      ['dead', undefined],
      ['alive', 'running'],
    ] as const) {
      const { root, recover, directories } = await open({ ...record, owner })
      await startContainer(root.process('A'), id)
      await directories.write(id, 'etc/hosts', '')
      expect((await recover()).failed).toEqual([])
      expect([await root.status(), (await root.records.find(id)) === undefined, (await root.names.find('web')) === undefined]).toEqual([
        left,
        left === undefined,
        left === undefined,
      ])
    }
  })

  it('takes back a start that was interrupted before the task, and keeps the exit before it', async () => {
    for (const lastExit of [undefined, exit]) {
      const { root, recover } = await open({ ...record, desired: 'running', started, lastExit })
      expect((await recover()).repaired).toEqual([`took back the interrupted start of container "${id}"`])
      const now = (await root.records.find(id))?.value
      expect([now?.desired, now?.lastExit, now?.started]).toEqual(['stopped', lastExit, lastExit && started])
    }
  })

  it('says that a container which ran when the machine went down is lost', async () => {
    const { root, recover } = await open({ ...record, desired: 'running', started: { ...started, bootId: 'an earlier one' } })
    expect((await recover()).repaired).toEqual([`container "${id}" ended with the machine`])
    expect((await root.records.find(id))?.value.lastExit).toMatchObject({ exitCode: 255, lost: true })
  })

  it('gives a container its name back that went with a power failure', async () => {
    const { root, recover } = await open(record)
    await root.names.delete('web')
    expect((await recover()).repaired).toEqual([`gave container "${id}" its name "web" back`])
    expect((await root.names.find('web'))?.value.containerId).toBe(id)
  })

  it('finishes a removal that was interrupted', async () => {
    const { root, recover } = await open({ ...record, desired: 'removed' })
    expect((await recover()).repaired).toEqual([`finished the removal of container "${id}"`])
    expect([await root.records.find(id), await root.names.find('web')]).toEqual([undefined, undefined])
  })

  it('removes parts that have no record, but not while their maker lives', async () => {
    const { root, snapshotter, directories, recover } = await open()
    await snapshotter.prepare(id, undefined, { labels: { [containerLabel]: id } })
    await directories.write(id, 'etc/hosts', '')
    await root.names.create('web', { version: 1, name: 'web', containerId: id })
    await using making = await root.locks.acquire(`container/${id}`)
    expect(await recover()).toEqual({ repaired: [], failed: [] })
    await making.close()
    expect((await recover()).failed).toEqual([])
    expect([await keys(snapshotter.list()), await root.names.find('web')]).toEqual([[], undefined])
  })

  it('leaves snapshots alone that are no container’s', async () => {
    const { snapshotter, recover } = await open()
    await snapshotter.prepare('extract-1', undefined)
    expect(await recover()).toEqual({ repaired: [], failed: [] })
    expect(await keys(snapshotter.list())).toEqual(['extract-1'])
  })
})
