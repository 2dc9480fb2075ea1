// What a killed process leaves on a containerd, told by containerd's own client.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { killAnywhere } from '../../setup/kill-anywhere.js'
import { ctr, daemonContents, shimsLeft } from '../../setup/outside.js'

const namespace = 'kill'
let containerd: TestContainerd
let root: string
beforeAll(async () => {
  containerd = await startTestContainerd()
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-kill-'))
})
afterAll(async () => {
  await containerd?.close()
  await rm(root, { recursive: true, force: true })
})

killAnywhere({
  room: () => ({ kind: 'containerd', address: containerd.address, namespace, root }),
  async left() {
    const { tasks, containers, snapshots, leases } = await daemonContents(containerd.address, namespace)
    return {
      tasks,
      records: containers,
      leases,
      snapshots: snapshots.filter((key) => !key.startsWith('sha256:')),
      shims: await shimsLeft(namespace),
    }
  },
  async removeImage(image, expectWhole) {
    if (expectWhole) expect((await ctr(containerd.address, namespace, 'images', 'check')).slice(1)[0]).toContain('complete')
    await ctr(containerd.address, namespace, 'images', 'rm', '--sync', image)
    if (!expectWhole) return
    const { content, snapshots, images } = await daemonContents(containerd.address, namespace)
    expect({ content, snapshots, images }).toEqual({ content: [], snapshots: [], images: [] })
  },
})
