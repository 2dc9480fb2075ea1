import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectHttp } from '../../../../src/backends/http/connect.js'
import { toEndpoint } from '../../../../src/backends/http/transport/target.js'
import { answer, chunk, chunkedHead, type ScriptedDaemon, says, startScriptedDaemon } from '../../../setup/scripted-daemon.js'

let daemon: ScriptedDaemon
let directory: string
beforeEach(async () => {
  daemon = await startScriptedDaemon()
  daemon.on('HEAD', '/_ping', says(answer(200)))
  daemon.on('GET', '/containers/json', says(answer(200, [])))
  directory = await mkdtemp(join(tmpdir(), 'ssh-'))
  vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await daemon.close()
  await rm(directory, { recursive: true, force: true })
})

/** A program `ssh` that notes its arguments, a line a call, and does `then` of a shell. `relay` joins it to the daemon. */
async function fakeSsh(then: string): Promise<() => Promise<readonly string[]>> {
  const relay = join(directory, 'relay.mjs')
  await writeFile(
    relay,
    `import { createConnection } from 'node:net'
const socket = createConnection({ path: process.argv[2], allowHalfOpen: true })
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.once('close', () => process.exit(0))`,
  )
  const script = `#!/bin/sh\necho "$*" >>"${directory}/calls"\nrelay() { exec "${process.execPath}" "${relay}" "${daemon.socketPath}"; }\n${then}\n`
  await writeFile(join(directory, 'ssh'), script)
  await chmod(join(directory, 'ssh'), 0o755)
  return async () => (await readFile(join(directory, 'calls'), 'utf8')).trimEnd().split('\n')
}

describe('ssh', () => {
  it('uses the one process of the greeting for what comes after it, and ends them when it is closed', async () => {
    const calls = await fakeSsh('relay')
    const before = (await readdir('/proc/self/fd')).length
    const backend = await connectHttp({ url: 'ssh://ci@build-7:2222' })
    expect(backend.name).toBe('docker')
    const started = (await calls()).length
    expect(started).toBe(1)
    for (let time = 0; time < 5; time += 1) await backend.system.info()
    expect((await calls()).length).toBe(started)
    expect((await calls())[0]).toBe('-o ConnectTimeout=30 -o BatchMode=yes -T -p 2222 -l ci -- build-7 docker system dial-stdio')
    await backend.close()
    await vi.waitFor(() => {
      expect(daemon.open).toBe(0)
    })
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before)
  })

  it('takes the next program where the first is not there, and the path of the URL', async () => {
    const calls = await fakeSsh('case "$*" in *docker*) echo "sh: docker: not found" >&2; exit 127;; esac; relay')
    await using backend = await connectHttp({ url: 'ssh://build-7/run/podman/podman.sock' })
    await backend.system.info()
    expect((await calls()).slice(0, 2).map((line) => line.split(' -- ')[1])).toEqual([
      'build-7 docker --host unix:///run/podman/podman.sock system dial-stdio',
      'build-7 podman --url unix:///run/podman/podman.sock system dial-stdio',
    ])
  })

  it.each([
    ['Permission denied (publickey).', 'permission_denied'],
    ['ssh: Could not resolve hostname build-7: Name or service not known', 'unavailable'],
  ])('rejects with what ssh says: %s', async (stderr, code) => {
    await fakeSsh(`echo "${stderr}" >&2; exit 255`)
    await expect(connectHttp({ url: 'ssh://build-7' })).rejects.toMatchObject({ code, message: expect.stringContaining(stderr) })
  })

  it('an abort ends a host that never answers', async () => {
    await fakeSsh('exec sleep 60')
    const reason = new Error('enough')
    const abort = new AbortController()
    const connecting = connectHttp({ url: 'ssh://build-7', signal: abort.signal })
    setImmediate(() => {
      abort.abort(reason)
    })
    await expect(connecting).rejects.toBe(reason)
  })

  it('an aborted opening is gone on with by the next one, and no second program is started', async () => {
    const calls = await fakeSsh('relay')
    const endpoint = toEndpoint({ url: 'ssh://build-7' })
    const reason = new Error('enough')
    const abort = new AbortController()
    const first = endpoint.open({ signal: abort.signal })
    abort.abort(reason)
    await expect(first).rejects.toBe(reason)
    ;(await endpoint.open()).destroy()
    expect(await calls()).toHaveLength(1)
    await endpoint.close()
  })

  it('streams go through it, and end with it', async () => {
    await fakeSsh('relay')
    daemon.on('GET', '/events', async (wire) => {
      await wire.write(chunkedHead, chunk('{"Type":"container","Action":"start","Actor":{"ID":"a"},"timeNano":9000000000000000000}\n'))
    })
    await using backend = await connectHttp({ url: 'ssh://build-7' })
    for await (const { action, subject } of backend.system.events({ since: new Date(0) })) {
      expect([action, subject.id]).toEqual(['start', 'a'])
      break
    }
  })

  it.each(['ssh://-oProxyCommand=x', 'ssh://-l@h', 'ssh://u:secret@h', 'ssh://h/run/a b', 'ssh://h/run/$(id)', 'ssh://h/run/%zz'])(
    'refuses %s',
    (url) => {
      expect(() => toEndpoint({ url })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    },
  )
})
