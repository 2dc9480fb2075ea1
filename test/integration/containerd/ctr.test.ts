// What we write, containerd's own client takes, and the other way round; and a run leaves the daemon as it was.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineLab, openEngineLab } from '../../setup/containerd-engine.js'
import { busyboxImage, putImage } from '../../setup/images.js'
import { ctr, daemonContents } from '../../setup/outside.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

let lab: EngineLab
let registry: RunningRegistry
const ask = (...args: readonly string[]): Promise<string[]> => ctr(lab.containerd.address, lab.namespace, ...args)

beforeAll(async () => {
  lab = await openEngineLab()
  registry = await startRegistry()
  await putImage(registry.url, 'ours', '1', await busyboxImage({ extra: [{ name: 'by', body: 'us' }] }))
  await putImage(registry.url, 'theirs', '1', await busyboxImage({ extra: [{ name: 'by', body: 'ctr' }] }))
})
afterAll(async () => {
  await registry?.close()
  await lab?.close()
})

describe('beside containerd’s own client', () => {
  it('ctr lists, checks and runs an image that we pulled', async () => {
    const image = `${registry.host}/ours:1`
    await lab.engine.images.pull(image)
    expect((await ask('images', 'ls', '-q')).sort()).toContain(image)
    expect((await ask('images', 'check', `name==${image}`)).at(-1)).toMatch(/complete \(\d+\/\d+\).*true/)
    expect(await ask('run', '--rm', image, randomUUID(), 'cat', '/by')).toEqual(['us'])
  })

  it('we run an image that ctr pulled, and one that it did not unpack', async () => {
    const image = `${registry.host}/theirs:1`
    await ask('images', 'pull', '--plain-http', image)
    const unpacked = await lab.engine.containers.run({ image, command: ['cat', '/by'], networkMode: 'none' })
    expect(String(unpacked.stdout)).toBe('ctr')
    await ask('images', 'rm', '--sync', image)
    await ask('content', 'fetch', '--plain-http', image)
    const fetched = await lab.engine.containers.run({ image, command: ['cat', '/by'], networkMode: 'none' })
    expect(String(fetched.stdout)).toBe('ctr')
  })

  it('a run, an exec and a detached container leave the daemon as it was', async () => {
    const { engine, containerd, namespace, image } = lab
    const before = await daemonContents(containerd.address, namespace)
    await engine.containers.run({ image, command: ['true'], networkMode: 'none' })
    const container = await engine.containers.create({ image, command: ['sleep', '1000'], networkMode: 'none' })
    await container.start()
    const during = await daemonContents(containerd.address, namespace)
    // A new one for each run, so that who settles an old run late cannot touch a new one.
    const wireId = new RegExp(`^${container.id}-[0-9a-f]{10}$`)
    expect([during.containers, during.tasks]).toEqual([[expect.stringMatching(wireId)], [expect.stringMatching(wireId)]])
    expect(during.snapshots).toContain(container.id)
    await container.exec(['true'])
    await container.remove({ force: true })
    expect(await daemonContents(containerd.address, namespace)).toEqual(before)
  })

  it('what others have in the namespace is neither listed nor repaired away', async () => {
    const { engine, image } = lab
    const theirs = randomUUID()
    await ask('run', '--detach', image, theirs, 'sleep', '1000')
    try {
      expect((await engine.repair()).failed).toEqual([])
      for await (const { id } of engine.containers.list({ all: true })) expect(id).not.toBe(theirs)
      expect((await ask('tasks', 'ls')).join('\n')).toContain(theirs)
    } finally {
      await ask('tasks', 'delete', '--force', theirs)
      await ask('containers', 'delete', theirs)
    }
  })
})
