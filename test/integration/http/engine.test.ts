// What users call, on daemons that are real: the promises that handles make over a backend.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import { connectHttp } from '../../../src/backends/http/connect.js'
import { shell } from '../../../src/conformance/tasks/subject.js'
import type { Closeable } from '../../../src/model/common.js'
import { closeMidway } from '../../setup/closed-midway.js'
import { startTestDockerd } from '../../setup/dockerd.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { startTestPodman } from '../../setup/podman.js'

const image = 'registry.example/suite/busybox:1'
interface Daemon extends Closeable {
  readonly socketPath: string
  /** Of all containers, as its own client tells them. */
  ids(): Promise<readonly string[]>
}
const list = ['ps', '--all', '--quiet'] as const
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')
const daemons: Readonly<Record<string, () => Promise<Daemon>>> = {
  async dockerd() {
    const daemon = await startTestDockerd()
    return { ...daemon, ids: async () => lines(await daemon.docker(...list)) }
  },
  async podman() {
    const daemon = await startTestPodman()
    return { ...daemon, ids: async () => lines(await daemon.podman(...list)) }
  },
}

describe.each(Object.entries(daemons))('an engine on %s', (_, start) => {
  let daemon: Daemon
  let engine: Engine
  beforeAll(async () => {
    daemon = await start()
    engine = new Engine(await connectHttp({ socketPath: daemon.socketPath }))
    const built = await busyboxImage()
    await engine.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
  })
  afterAll(async () => {
    await engine?.close()
    await daemon?.close()
  })

  it('tells where a published port is reached, and that one that is not published is not', async () => {
    const page = 'mkdir /www; echo served >/www/index.html; exec busybox httpd -f -p 80 -h /www'
    await using web = await engine.containers.createOwned({
      image,
      command: shell(page),
      ports: [{ containerPort: 80, hostIp: '127.0.0.1' }],
    })
    await web.start()
    const { host, port } = await web.publishedPort(80)
    await expect.poll(() => fetch(`http://${host}:${port}/`).then((answer) => answer.text(), String), { timeout: 10_000 }).toBe('served\n')
    await expect(web.publishedPort(81)).rejects.toMatchObject({ code: 'failed_precondition' })
  })

  it('runs a command, and rejects with its output when it fails and that is to be checked', async () => {
    const spec = { image, command: shell('echo out; echo err >&2; exit 3'), networkMode: 'none' } as const
    const { exitCode, stdout, stderr } = await engine.containers.run(spec)
    expect([exitCode, String(stdout), String(stderr)]).toEqual([3, 'out\n', 'err\n'])
    await expect(engine.containers.run(spec, { check: true })).rejects.toMatchObject({
      code: 'failed_precondition',
      exitCode: 3,
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
    })
    const left: string[] = []
    for await (const { id } of engine.containers.list({ all: true })) left.push(id)
    expect(left).toEqual([])
  })

  it('waits until a container is healthy, or says that it cannot be', async () => {
    const health = { command: shell('test -e /tmp/up'), intervalMs: 200, timeoutMs: 5_000, retries: 100 }
    const making = engine.containers.createOwned({
      image,
      command: ['sleep', '100000'],
      networkMode: 'none',
      health,
    })
    if (!engine.supports('health')) {
      await expect(making).rejects.toMatchObject({ code: 'unsupported' })
      return
    }
    await using slow = await making
    await slow.start()
    expect((await slow.inspect()).health?.status).toBe('starting')
    const healthy = slow.waitUntilHealthy()
    await slow.exec(['touch', '/tmp/up'])
    await healthy
    expect((await slow.inspect()).health?.status).toBe('healthy')
    await using sick = await engine.containers.createOwned({
      image,
      command: ['sleep', '100000'],
      networkMode: 'none',
      health: { ...health, retries: 1 },
    })
    await sick.start()
    await expect(sick.waitUntilHealthy()).rejects.toMatchObject({ code: 'failed_precondition' })
  })

  it('leaves none of its containers when it is closed while they are made and run', async () => {
    await closeMidway(new Engine(await connectHttp({ socketPath: daemon.socketPath })), image)
    expect(await daemon.ids()).toEqual([])
  })
})
