import { describe, expect, it } from 'vitest'
import { releaseName, reserveName } from '../../../../src/managers/container/names.js'
import { id, Root } from './root.js'

const other = 'd'.repeat(64)

describe('names', () => {
  const deps = (root: Root) => ({ names: root.names, records: root.records, tryLock: root.process('A').tryLock })

  it('a name of a container is taken', async () => {
    const root = await Root.with()
    await expect(reserveName(deps(root), 'web', other)).rejects.toMatchObject({
      code: 'already_exists',
      message: 'container name "web" is taken',
    })
    expect((await root.names.find('web'))?.value.containerId).toBe(id)
  })

  it('a name is taken while its container is being made', async () => {
    const root = new Root()
    await root.names.create('web', { version: 1, name: 'web', containerId: id })
    await using _making = await root.locks.acquire(`container/${id}`)
    await expect(reserveName(deps(root), 'web', other)).rejects.toMatchObject({ code: 'already_exists' })
  })

  it('a name that a dead maker left is taken over', async () => {
    const root = new Root()
    await root.names.create('web', { version: 1, name: 'web', containerId: id })
    await reserveName(deps(root), 'web', other)
    expect((await root.names.find('web'))?.value.containerId).toBe(other)
  })

  it('a name that its container gave up by a rename is free', async () => {
    const root = await Root.with()
    await root.names.create('old', { version: 1, name: 'old', containerId: id })
    await reserveName(deps(root), 'old', other)
    expect((await root.names.find('old'))?.value.containerId).toBe(other)
  })

  it('releasing leaves a name alone that is another’s by now', async () => {
    const root = await Root.with()
    await releaseName(root, 'web', other)
    expect((await root.names.find('web'))?.value.containerId).toBe(id)
  })
})
