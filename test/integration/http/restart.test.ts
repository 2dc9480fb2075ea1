// A restart that nobody waits for any more, on daemons that are real.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../src/backends/http/connect.js'
import { readUntil, shell } from '../../../src/conformance/tasks/subject.js'
import type { Closeable } from '../../../src/model/common.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import { startTestDockerd } from '../../setup/dockerd.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { startTestPodman } from '../../setup/podman.js'

const image = 'registry.example/suite/busybox:1'
const daemons: Readonly<Record<string, () => Promise<{ readonly socketPath: string } & Closeable>>> = {
  dockerd: () => startTestDockerd({ bridge: false }),
  podman: startTestPodman,
}

describe.each(Object.entries(daemons))('a restart on %s', (_, start) => {
  let daemon: { readonly socketPath: string } & Closeable
  let backend: Backend
  beforeAll(async () => {
    daemon = await start()
    backend = await connectHttp({ socketPath: daemon.socketPath })
    const built = await busyboxImage()
    await backend.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
  })
  afterAll(async () => {
    await backend?.close()
    await daemon?.close()
  })

  it('that is aborted in its grace rejects with the reason, and the daemon finishes it', async () => {
    const { containers, system } = backend
    const stubborn = shell('trap "echo asked to end" TERM; echo run; while true; do sleep 0.1; done')
    const id = await containers.create({ image, command: stubborn, networkMode: 'none' })
    try {
      await using attachment = await containers.start(id, { attach: { stdin: false } })
      await readUntil(attachment, 'run')
      const { state: before } = await containers.get(id)
      const since = await system.cursor()
      const reason = new Error('nobody waits')
      const controller = new AbortController()
      const restarting = containers.restart(id, { graceMs: 5_000, signal: controller.signal })
      restarting.catch(() => {})
      await readUntil(attachment, 'asked to end')
      controller.abort(reason)
      await expect(restarting).rejects.toBe(reason)
      for await (const { action } of system.events({ since, subjects: [id], actions: ['start'] })) if (action === 'start') break
      const { state } = await containers.get(id)
      expect([before.status, state.status]).toEqual(['running', 'running'])
      if (before.status === 'running' && state.status === 'running') expect(state.startedAt > before.startedAt).toBe(true)
    } finally {
      await containers.remove(id, { force: true })
    }
  })

  it('with a grace that is none of whole seconds ends by it, and starts again', async () => {
    const { containers } = backend
    const id = await containers.create({ image, command: shell('trap "" TERM; while true; do sleep 0.1; done'), networkMode: 'none' })
    try {
      await containers.start(id)
      const started = performance.now()
      await containers.restart(id, { graceMs: 1_500 })
      expect(performance.now() - started).toBeGreaterThanOrEqual(1_500)
      expect((await containers.get(id)).state.status).toBe('running')
    } finally {
      await containers.remove(id, { force: true })
    }
  })
})
