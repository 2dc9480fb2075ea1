// A daemon behind a real sshd, reached by the real ssh.
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectHttp } from '../../../src/backends/http/connect.js'
import { connect } from '../../../src/connect.js'
import { startTestDockerd, type TestDockerd } from '../../setup/dockerd.js'
import { fedProcesses } from '../../setup/fed-processes.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { startTestSshd, type SshManner, type TestSshd } from '../../setup/sshd.js'

const image = 'registry.example/suite/busybox:1'
let daemon: TestDockerd
let sshd: TestSshd
let empty: string
beforeAll(async () => {
  daemon = await startTestDockerd({ bridge: false })
  sshd = await startTestSshd({ env: { DOCKER_HOST: daemon.url } })
  empty = await mkdtemp(join(tmpdir(), 'ssh-'))
})
afterAll(async () => {
  await sshd?.close()
  await daemon?.close()
  await rm(empty, { recursive: true, force: true })
})
beforeEach(() => as('welcome'))
afterEach(async () => {
  vi.unstubAllEnvs()
  await vi.waitFor(async () => {
    expect(await sshd.sessions()).toEqual([])
  }, 5_000)
})
async function as(manner: SshManner): Promise<void> {
  vi.stubEnv('PATH', `${await sshd.client(manner)}:${process.env['PATH'] ?? ''}`)
}
const url = (path: string = ''): string => `ssh://root@127.0.0.1:${sshd.port}${path}`

describe('a daemon behind ssh', () => {
  it('is met by the program of the other host, where that looks for its daemon or where the URL says', async () => {
    for (const path of ['', daemon.socketPath]) {
      await using backend = await connectHttp({ url: url(path) })
      expect(await backend.system.info()).toMatchObject({ backend: 'docker' })
    }
    for (const name of ['POUCH_SDK_URL', 'POUCH_HOST']) vi.stubEnv(name, '')
    vi.stubEnv('DOCKER_HOST', url())
    await using engine = await connect()
    expect(engine.name).toBe('docker')
  })

  it('is met, and asked one thing after the other, through one connection', async () => {
    const before = await sshd.accepted()
    await using backend = await connectHttp({ url: url() })
    for (let time = 0; time < 20; time += 1) await backend.system.info()
    expect((await sshd.accepted()) - before).toBe(1)
  })

  it('takes archives, and gives a container and an exec their input, the end of it, and what they say after it', async () => {
    await using backend = await connectHttp({ url: url() })
    const built = await busyboxImage()
    await backend.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
    const bytes = Buffer.alloc(1 << 20, 'input ')
    const sum = createHash('md5').update(bytes).digest('hex')
    const whole = { stdout: `${sum}  -\nafter the end\n`, stderr: 'apart\n', exitCode: 0 }
    expect(await fedProcesses(backend, image, bytes)).toEqual([whole, whole])
  })

  it('closing ends every ssh, in the middle of waits, logs and events', async () => {
    const backend = await connectHttp({ url: url() })
    const id = await backend.containers.create({ image, command: ['sleep', '100000'], networkMode: 'none' })
    await backend.containers.start(id)
    const endless = Promise.allSettled([
      backend.containers.wait(id),
      (async () => {
        for await (const _ of backend.streams.logs(id, { follow: true }));
      })(),
      (async () => {
        for await (const _ of backend.system.events());
      })(),
    ])
    await backend.containers.get(id)
    await backend.close()
    for (const outcome of await endless) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    await daemon.docker('rm', '--force', id)
  })
})

describe('who is refused', () => {
  it.each([
    ['whose key is not let in', 'stranger', 'Permission denied'],
    ['who does not know the host', 'unknown host', 'Host key verification failed'],
  ] as const)('%s is told so at once', async (_, manner, words) => {
    await as(manner)
    await expect(connectHttp({ url: url(), signal: AbortSignal.timeout(30_000) })).rejects.toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining(words),
    })
  })

  it('a port where nobody listens, and a socket where no daemon is, are unavailable', async () => {
    const signal = AbortSignal.timeout(30_000)
    await expect(connectHttp({ url: 'ssh://root@127.0.0.1:1', signal })).rejects.toMatchObject({ code: 'unavailable' })
    await expect(connectHttp({ url: url(join(empty, 'no.sock')), signal })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
