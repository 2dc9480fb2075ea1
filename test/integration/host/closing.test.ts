// An engine of ours that is closed in the middle of its work: nothing of what it owned is left, and all who wait are told.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import { closeMidway } from '../../setup/closed-midway.js'
import { startTestContainerd } from '../../setup/containerd.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { openRoom, type Room } from '../../setup/open-room.js'
import { ctr, daemonContents, mountsBelow, processesLeft } from '../../setup/outside.js'

const image = 'registry.example/suite/busybox:1'

async function open(room: Room): Promise<Engine> {
  return new Engine(await openRoom(room))
}
async function loadImage(engine: Engine): Promise<void> {
  const built = await busyboxImage()
  await engine.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
}
/** Closes one in the middle, and returns what the next one finds. */
async function closedMidway(room: Room): Promise<readonly string[]> {
  const engine = await open(room)
  await loadImage(engine)
  await closeMidway(engine, image)
  await using next = await open(room)
  const left: string[] = []
  for await (const { id } of next.containers.list({ all: true })) left.push(id)
  return left
}

describe('an engine that is closed while it makes and runs containers', () => {
  it('leaves none of them without a daemon', async () => {
    const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-root-'))
    expect(await closedMidway({ kind: 'local', root, runtime: 'crun' })).toEqual([])
    expect([...(await mountsBelow(root)), ...(await processesLeft(root))]).toEqual([])
    await rm(root, { recursive: true })
  })
  it('leaves none of them on containerd', async () => {
    const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-root-'))
    await using daemon = await startTestContainerd()
    expect(await closedMidway({ kind: 'containerd', address: daemon.address, namespace: 'closing', root })).toEqual([])
    const { containers, tasks, snapshots, leases } = await daemonContents(daemon.address, 'closing')
    expect({ containers, tasks, leases }).toEqual({ containers: [], tasks: [], leases: [] })
    // The image's own.
    expect(snapshots).toHaveLength((await busyboxImage()).layers.length)
    expect(await ctr(daemon.address, 'closing', 'images', 'ls', '-q')).toEqual([image])
    await rm(root, { recursive: true })
  })
})
