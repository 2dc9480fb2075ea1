// A daemon that misbehaves, seen by who uses the backend: what fails rejects, what is over ends, and no promise hangs.
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectHttp } from '../../../../src/backends/http/connect.js'
import { collect } from '../../../../src/conformance/suite.js'
import type { CallOptions } from '../../../../src/model/common.js'
import type { Backend } from '../../../../src/ports/backend/backend.js'
import type { Attachment } from '../../../../src/ports/streams.js'
import {
  answer,
  chunk,
  chunkedHead,
  frame,
  head,
  lastChunk,
  says,
  type Script,
  type ScriptedDaemon,
  startScriptedDaemon,
} from '../../../setup/scripted-daemon.js'
import { buildImage, dockerArchive, plainLayers } from '../../../setup/images.js'
import { openSockets } from '../../../setup/outside.js'

const fixture = new URL('../../../fixtures/docker-20.10.24-inspect.json', import.meta.url)
const { answers } = JSON.parse(await readFile(fixture, 'utf8')) as { readonly answers: Readonly<Record<string, { readonly Id: string }>> }
const { created, running, exited, image } = answers as Required<typeof answers>
const id = running?.Id ?? ''
const at = (rest: string): string => `/containers/${id}${rest}`
const spec = { image: 'registry.example/app:1', command: ['true'], networkMode: 'none' } as const
const deadline = { timeout: 20_000 }

let daemon: ScriptedDaemon
let backend: Backend
beforeEach(async () => {
  daemon = await startScriptedDaemon()
  backend = await connectHttp({ socketPath: daemon.socketPath })
  is(running)
})
afterEach(async () => {
  await backend.close()
  await daemon.close()
})

/** What the daemon says of the container from now on. */
function is(inspection: object | undefined): void {
  daemon.on('GET', at('/json'), says(answer(200, { ...inspection, Id: id })))
}
/** A stream of JSON objects that ends well. */
const streams = (...objects: readonly object[]): Script =>
  says(chunkedHead, ...objects.map((object) => chunk(`${JSON.stringify(object)}\r\n`)), lastChunk)
const cutAfter =
  (...parts: readonly (string | Uint8Array)[]): Script =>
  async (wire) => {
    await wire.write(...parts)
    wire.cut()
  }
const raw = 'application/vnd.docker.raw-stream'
const upgraded = head(101, { 'Content-Type': raw, Connection: 'Upgrade', Upgrade: 'tcp' })
const octets = head(200, { 'Content-Type': 'application/octet-stream', 'Transfer-Encoding': 'chunked' })
async function* bytes(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}
async function outputOf(attachment: Attachment): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const all = { stdout: '', stderr: '' }
  for await (const { stream, bytes: some } of attachment.output) all[stream] += Buffer.from(some).toString()
  return all
}

describe('transfers of images', async () => {
  const reference = 'registry.example/app:1'
  const built = await buildImage({ layers: [[{ name: 'file', body: 'text' }]] })
  const archive = dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [reference] }])
  const transfers: Readonly<
    Record<string, { readonly method: string; readonly path: string | RegExp; readonly act: () => Promise<unknown> }>
  > = {
    pull: { method: 'POST', path: '/images/create', act: () => backend.images.pull(reference) },
    push: { method: 'POST', path: /^\/images\/.*\/push$/, act: () => backend.images.push(reference, reference) },
    load: { method: 'POST', path: '/images/load', act: () => backend.images.load(bytes(archive)) },
    import: { method: 'POST', path: '/images/create', act: () => backend.images.import(bytes('a tar'), { reference }) },
    build: { method: 'POST', path: '/build', act: () => backend.images.build({ context: bytes('a tar'), tags: [reference] }) },
  }
  describe.each(Object.entries(transfers))('%s', (_, { method, path, act }) => {
    beforeEach(() => {
      daemon.on('GET', /^\/images\/.*\/json$/, says(answer(200, image ?? {})))
      daemon.on('GET', '/images/json', says(answer(200, [])))
      daemon.on('POST', /^\/images\/.*\/tag$/, says(answer(201)))
    })
    it('rejects an error within a 200, with what the daemon said', deadline, async () => {
      daemon.on(method, path, streams({ status: 'working' }, { errorDetail: { message: 'out of paper' }, error: 'out of paper' }))
      await expect(act()).rejects.toMatchObject({ code: expect.any(String), message: expect.stringContaining('out of paper') })
    })
    it('rejects an error that has no detail', deadline, async () => {
      daemon.on(method, path, streams({ error: 'out of paper' }))
      await expect(act()).rejects.toMatchObject({ code: expect.any(String), message: expect.stringContaining('out of paper') })
    })
    it('rejects a stream that is cut, though all went well so far', deadline, async () => {
      daemon.on(method, path, cutAfter(chunkedHead, chunk('{"status":"working"}\r\n')))
      await expect(act()).rejects.toMatchObject({ code: 'unavailable' })
    })
    it('rejects a line that is no JSON', deadline, async () => {
      daemon.on(method, path, says(chunkedHead, chunk('{"status":"working"}\r\nERROR out of paper\r\n'), lastChunk))
      await expect(act()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('out of paper') })
    })
    it('rejects a 500', deadline, async () => {
      daemon.on(method, path, says(answer(500, { message: 'out of paper' })))
      await expect(act()).rejects.toMatchObject({ code: expect.any(String), message: expect.stringContaining('out of paper') })
    })
  })
  it('a pull that its registry refuses has the code of the refusal', deadline, async () => {
    for (const [message, code] of [
      ['manifest for registry.example/app:1 not found: manifest unknown: manifest unknown', 'not_found'],
      ['unauthorized: authentication required', 'unauthenticated'],
      ['no space left on device', 'resource_exhausted'],
    ]) {
      daemon.on('POST', '/images/create', streams({ errorDetail: { message }, error: message }))
      await expect(backend.images.pull(reference)).rejects.toMatchObject({ code })
    }
  })
})

describe('verbs', () => {
  const verbs: Readonly<
    Record<string, { readonly method: string; readonly path: string; readonly act: (options?: CallOptions) => Promise<unknown> }>
  > = {
    start: { method: 'POST', path: at('/start'), act: (options) => backend.containers.start(id, options) },
    stop: { method: 'POST', path: at('/kill'), act: (options) => backend.containers.stop(id, options) },
    restart: { method: 'POST', path: at('/restart'), act: (options) => backend.containers.restart(id, options) },
    kill: { method: 'POST', path: at('/kill'), act: (options) => backend.containers.kill(id, 'SIGTERM', options) },
    remove: { method: 'DELETE', path: at(''), act: (options) => backend.containers.remove(id, options) },
    rename: { method: 'POST', path: at('/rename'), act: (options) => backend.containers.rename(id, 'other', options) },
    pause: { method: 'POST', path: at('/pause'), act: (options) => backend.control.pause(id, options) },
    create: {
      method: 'POST',
      path: '/containers/create',
      act: (options) => backend.containers.create(spec, options),
    },
    list: { method: 'GET', path: '/containers/json', act: (options) => collect(backend.containers.list({ all: true, ...options })) },
    'exec create': { method: 'POST', path: at('/exec'), act: (options) => backend.execs.create(id, { command: ['true'] }, options) },
    'network create': { method: 'POST', path: '/networks/create', act: (options) => backend.networks.create({ name: 'back' }, options) },
    'volume create': { method: 'POST', path: '/volumes/create', act: (options) => backend.volumes.create({ name: 'data' }, options) },
  }
  describe.each(Object.entries(verbs))('%s', (_, { method, path, act }) => {
    beforeEach(() => {
      daemon.on('GET', '/volumes/data', says(answer(404, { message: 'get data: no such volume' })))
    })
    it('rejects a 500, and says what the daemon said', deadline, async () => {
      daemon.on(method, path, says(answer(500, { message: 'out of paper' })))
      await expect(act()).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining('out of paper'),
        cause: { status: 500, said: 'out of paper' },
      })
    })
    it('rejects when the daemon dies before it answers', deadline, async () => {
      daemon.on(method, path, cutAfter())
      await expect(act()).rejects.toMatchObject({ code: 'unavailable' })
    })
    it('rejects with the reason of an abort while the daemon says nothing', { timeout: 15_000 }, async () => {
      const reason = new Error('enough')
      const controller = new AbortController()
      daemon.on(method, path, async (wire) => {
        controller.abort(reason)
        await wire.closed
      })
      await expect(act({ signal: controller.signal })).rejects.toBe(reason)
    })
  })
  it('a list that is cut short rejects', deadline, async () => {
    daemon.on('GET', '/containers/json', cutAfter(head(200, { 'Content-Length': '100' }), '[{"Id":"'))
    await expect(collect(backend.containers.list())).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('a thousand inspections at once succeed, and the descriptors are as many as before', { timeout: 20_000 }, async () => {
    await backend.containers.get(id)
    const before = await openSockets()
    const all = await Promise.all(Array.from({ length: 1_000 }, () => backend.containers.get(id)))
    expect(new Set(all.map((one) => one.id))).toEqual(new Set([id]))
    await backend.close()
    await vi.waitFor(async () => {
      expect(await openSockets()).toBeLessThanOrEqual(before)
    })
  })
  it('a wait whose connection is cut settles', deadline, async () => {
    daemon.on('POST', at('/wait'), cutAfter(chunkedHead))
    is(exited)
    const waited = await backend.containers.wait(id).catch((error: { code: string }) => error.code)
    expect(typeof waited === 'string' ? waited : waited.exitCode).toSatisfy((value) => value === 'unavailable' || value === 3)
  })
})

describe('logs', () => {
  it('takes 200 000 frames of one byte in one read', { timeout: 20_000 }, async () => {
    const body = Buffer.concat(Array.from({ length: 200_000 }, (_, index) => frame('stdout', index % 2 === 0 ? 'x' : '\n')))
    daemon.on('GET', at('/logs'), says(octets, chunk(body), lastChunk))
    expect((await collect(backend.streams.logs(id))).length).toBe(100_000)
  })
  it('takes one frame of 16 MiB', { timeout: 20_000 }, async () => {
    daemon.on('GET', at('/logs'), says(octets, chunk(frame('stderr', Buffer.alloc(16 << 20, 'x'))), lastChunk))
    let size = 0
    for await (const entry of backend.streams.logs(id)) {
      expect(entry.stream).toBe('stderr')
      size += entry.bytes.length
    }
    expect(size).toBe(16 << 20)
  })
  it('takes heads and characters that are split at each byte', deadline, async () => {
    const body = Buffer.concat([frame('stdout', 'ä€\n'), frame('stderr', '𝄞\n'), frame('stdout', 'last')])
    daemon.on('GET', at('/logs'), says(octets, ...[...body].map((byte) => chunk(Buffer.of(byte))), lastChunk))
    expect((await collect(backend.streams.logs(id))).map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'ä€'],
      ['stderr', '𝄞'],
      ['stdout', 'last'],
    ])
  })
  it.each([1, 7, 8, 9])('rejects output that ends %i bytes into a frame', deadline, async (size) => {
    daemon.on(
      'GET',
      at('/logs'),
      says(octets, chunk(frame('stdout', 'whole\n')), chunk(frame('stdout', 'half').subarray(0, size)), lastChunk),
    )
    await expect(collect(backend.streams.logs(id))).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects a frame of no stream that there is', deadline, async () => {
    const strange = frame('stdout', 'text\n')
    strange[0] = 9
    daemon.on('GET', at('/logs'), says(octets, chunk(strange), lastChunk))
    await expect(collect(backend.streams.logs(id))).rejects.toMatchObject({ code: 'internal' })
  })
  it('rejects a stream that is cut', deadline, async () => {
    daemon.on('GET', at('/logs'), cutAfter(octets, chunk(frame('stdout', 'whole\n'))))
    await expect(collect(backend.streams.logs(id))).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('end with the container when they are followed, though the daemon forgets to', { timeout: 15_000 }, async () => {
    daemon.on('GET', at('/logs'), async (wire) => {
      await wire.write(octets, chunk(frame('stdout', 'one\n')))
      is(exited)
      await wire.closed
    })
    daemon.on('POST', at('/wait'), async (wire) => {
      await wire.write(chunkedHead)
      await setImmediate()
      await wire.write(chunk('{"StatusCode":3}'), lastChunk)
    })
    expect((await collect(backend.streams.logs(id, { follow: true }))).map(({ text }) => text)).toEqual(['one'])
  })
})

describe('attach', () => {
  beforeEach(() => {
    daemon.on('POST', at('/wait'), async (wire) => {
      await wire.write(chunkedHead)
      await wire.closed
    })
  })
  it.each([
    ['101', upgraded],
    ['200', head(200, { 'Content-Type': raw })],
  ])('keeps what comes with the head of a %s', deadline, async (_, first) => {
    daemon.on('POST', at('/attach'), async (wire) => {
      await wire.write(Buffer.concat([Buffer.from(first), frame('stdout', 'early\n'), frame('stderr', 'too\n')]))
      is(exited)
      wire.socket.end()
    })
    await using attachment = await backend.streams.attach(id)
    expect(await outputOf(attachment)).toEqual({ stdout: 'early\n', stderr: 'too\n' })
  })
  it('rejects with the error that comes in place of the stream', deadline, async () => {
    daemon.on('POST', at('/attach'), says(answer(409, { message: 'out of paper' })))
    await expect(backend.streams.attach(id)).rejects.toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('out of paper'),
    })
  })
  it('sends no body: what is typed is all that reaches the process', deadline, async () => {
    let heard = ''
    daemon.on('POST', at('/attach'), async (wire) => {
      await wire.write(upgraded)
      for await (const part of wire.input()) heard += part.toString()
      await wire.write(frame('stdout', `heard ${heard}`))
      is(exited)
      wire.socket.end()
    })
    await using attachment = await backend.streams.attach(id, { stdin: true })
    await attachment.write(Buffer.from('typed'))
    await attachment.closeStdin()
    expect((await outputOf(attachment)).stdout).toBe('heard typed')
    expect(daemon.requests.find(({ path }) => path === at('/attach'))?.body.length).toBe(0)
  })
  it('ends with the container, though the daemon forgets to', { timeout: 15_000 }, async () => {
    daemon.on('POST', at('/attach'), async (wire) => {
      await wire.write(upgraded, frame('stdout', 'one'))
      is(exited)
      await wire.closed
    })
    await using attachment = await backend.streams.attach(id)
    expect(await outputOf(attachment)).toEqual({ stdout: 'one', stderr: '' })
  })
  it('is held by a terminal to be one stream, without frames, because the container says so', deadline, async () => {
    is({ ...running, Config: { ...(running as { Config?: object }).Config, Tty: true } })
    const looksLikeAFrame = frame('stderr', 'really?')
    daemon.on('POST', at('/attach'), async (wire) => {
      await wire.write(upgraded, looksLikeAFrame)
      is(exited)
      wire.socket.end()
    })
    await using attachment = await backend.streams.attach(id)
    expect(await outputOf(attachment)).toEqual({ stdout: looksLikeAFrame.toString(), stderr: '' })
  })
})

describe('exec', () => {
  const exec = 'e'.repeat(64)
  const process = { entrypoint: 'true', arguments: [], tty: false, privileged: false }
  const inspection = {
    ID: exec,
    ContainerID: id,
    ProcessConfig: process,
    OpenStdin: false,
    OpenStdout: true,
    OpenStderr: true,
    CanRemove: false,
    DetachKeys: '',
  }
  it('has its exit code though the daemon says at first that there is none', deadline, async () => {
    daemon.on('POST', at('/exec'), says(answer(201, { Id: exec })))
    daemon.on('POST', `/exec/${exec}/start`, async (wire) => {
      await wire.write(upgraded, frame('stdout', 'done\n'))
      wire.socket.end()
    })
    const states = [
      { Running: true, ExitCode: null, Pid: 12 },
      { Running: false, ExitCode: null, Pid: 12 },
      { Running: false, ExitCode: 7, Pid: 12 },
    ]
    daemon.on('GET', `/exec/${exec}/json`, (wire) =>
      wire.write(answer(200, { ...inspection, ...(states.length > 1 ? states.shift() : states[0]) })),
    )
    const made = await backend.execs.create(id, { command: ['true'] })
    const attachment = await backend.execs.start(made, { attach: { stdin: false } })
    expect(attachment === undefined ? undefined : await outputOf(attachment)).toEqual({ stdout: 'done\n', stderr: '' })
    expect((await backend.execs.wait(made)).exitCode).toBe(7)
    await attachment?.close()
  })
})

describe('events', () => {
  const event = (second: number, action: string): object => ({
    Type: 'container',
    Action: action,
    Actor: { ID: id, Attributes: { name: 'web', image: 'busybox' } },
    scope: 'local',
    time: 1_700_000_000 + second,
    timeNano: (1_700_000_000 + second) * 1e9,
  })
  it('go on after the stream was cut, from the last one seen, none twice and none lost', { timeout: 15_000 }, async () => {
    const served = [
      [event(1, 'create'), event(2, 'start')],
      [event(2, 'start'), event(3, 'pause')],
      [event(3, 'pause'), event(4, 'unpause'), event(5, 'destroy')],
    ]
    const asked: (string | null)[] = []
    daemon.on('GET', '/events', async (wire, { query }) => {
      // What it keeps, before it is followed.
      if (asked.length === 0 && query.has('until')) return wire.write(chunkedHead, lastChunk)
      asked.push(query.get('since'))
      await wire.write(chunkedHead, ...(served.shift() ?? []).map((one) => chunk(`${JSON.stringify(one)}\n`)))
      if (served.length > 0) wire.cut()
      else await wire.closed
    })
    const seen: string[] = []
    for await (const { action } of backend.system.events({ since: new Date(1_700_000_000_000) })) {
      seen.push(action)
      if (action === 'remove') break
    }
    expect(seen).toEqual(['create', 'start', 'pause', 'resume', 'remove'])
    expect(asked.length).toBe(3)
    expect(Number.parseFloat(asked[1] ?? '')).toBeLessThanOrEqual(1_700_000_002)
    expect(Number.parseFloat(asked[1] ?? '')).toBeGreaterThan(1_700_000_000)
  })
  it('reject what is no JSON', deadline, async () => {
    daemon.on('GET', '/events', says(chunkedHead, chunk('half of what?\n'), lastChunk))
    await expect(collect(backend.system.events({ since: new Date(0), follow: false }))).rejects.toMatchObject({ code: 'internal' })
  })
  it('end with the reason of an abort while nothing happens', deadline, async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    daemon.on('GET', '/events', async (wire) => {
      await wire.write(chunkedHead)
      controller.abort(reason)
      await wire.closed
    })
    await expect(collect(backend.system.events({ signal: controller.signal }))).rejects.toBe(reason)
  })
})

it('what is created rejects when the daemon has made it and cannot tell it', deadline, async () => {
  is(created)
  daemon.on('POST', '/containers/create', says(answer(201, 'made it')))
  await expect(backend.containers.create(spec)).rejects.toMatchObject({ code: 'internal' })
})
