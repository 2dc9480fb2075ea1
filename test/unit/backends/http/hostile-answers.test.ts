// A daemon that means harm: whatever it answers, a call brings a value or rejects with an EngineError, and takes no more than its share.
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../../src/backends/http/connect.js'
import { collect } from '../../../../src/conformance/suite.js'
import { isEngineError } from '../../../../src/errors.js'
import type { Backend } from '../../../../src/ports/backend/backend.js'
import { answer, chunk, chunkedHead, frame, head, says, type ScriptedDaemon, startScriptedDaemon } from '../../../setup/scripted-daemon.js'

const fixture = new URL('../../../fixtures/docker-20.10.24-inspect.json', import.meta.url)
const { answers } = JSON.parse(await readFile(fixture, 'utf8')) as { readonly answers: Readonly<Record<string, { readonly Id: string }>> }
const { running, image } = answers as Required<typeof answers>
const id = running?.Id ?? ''
const imageId = image?.Id ?? ''
const deadline = { timeout: 30_000 }

let daemon: ScriptedDaemon
let backend: Backend
beforeEach(async () => {
  daemon = await startScriptedDaemon()
  daemon.on('GET', '/containers/json', says(answer(200, [])))
  backend = await connectHttp({ socketPath: daemon.socketPath })
  daemon.on('GET', `/containers/${id}/json`, says(answer(200, running ?? {})))
  daemon.on('GET', /^\/images\/.*\/json$/, says(answer(200, image ?? {})))
})
afterEach(async () => {
  await backend.close()
  await daemon.close()
})

const network = {
  Id: 'a'.repeat(64),
  Name: 'net',
  Driver: 'bridge',
  Created: '2026-11-24T15:21:18.212678807Z',
  Internal: false,
  IPAM: { Driver: 'default', Options: {}, Config: [{ Subnet: '198.18.1.0/24', Gateway: '198.18.1.1' }] },
  Containers: { [id]: { Name: 'web', EndpointID: 'e', MacAddress: '02:42:c6:12:01:02', IPv4Address: '198.18.1.2/24', IPv6Address: '' } },
  Options: {},
  Labels: { a: 'b' },
}
const volume = {
  Name: 'data',
  Driver: 'local',
  Mountpoint: '/m',
  CreatedAt: '2026-11-24T15:21:18Z',
  Labels: { a: 'b' },
  Options: null,
  Scope: 'local',
}
const event = {
  Type: 'container',
  Action: 'die',
  Actor: { ID: id, Attributes: { name: 'web', exitCode: '3' } },
  time: 1_700_000_001,
  timeNano: 1_700_000_001e9,
}
const sample = {
  read: '2026-11-24T15:21:18.212678807Z',
  preread: '2026-11-24T15:21:17.212678807Z',
  pids_stats: { current: 1, limit: 50 },
  blkio_stats: { io_service_bytes_recursive: [{ major: 8, minor: 0, op: 'Read', value: 12 }] },
  num_procs: 0,
  cpu_stats: { cpu_usage: { total_usage: 1_000, percpu_usage: [500, 500] }, system_cpu_usage: 9_000, online_cpus: 2 },
  precpu_stats: { cpu_usage: { total_usage: 500 }, system_cpu_usage: 8_000 },
  memory_stats: { usage: 4_096, limit: 8_192, stats: { total_inactive_file: 1 } },
  networks: { eth0: { rx_bytes: 1, tx_bytes: 2, rx_packets: 1, tx_packets: 1 } },
}
const summary = {
  Id: id,
  Names: ['/web'],
  Image: 'x',
  ImageID: imageId,
  State: 'running',
  Labels: {},
  NetworkSettings: { Networks: {} },
  Mounts: [],
}
const exec = {
  ID: 'e'.repeat(64),
  Running: false,
  ExitCode: 0,
  Pid: 1,
  OpenStdin: false,
  ContainerID: id,
  ProcessConfig: { tty: false, entrypoint: 'true', arguments: [] },
}
const history = [{ Id: imageId, Created: 1_700_000_000, CreatedBy: 'step', Tags: ['a:1'], Size: 3, Comment: '' }]
const usage = {
  LayersSize: 10,
  Images: [{ Id: imageId, Size: 10, SharedSize: 0, Containers: 1 }],
  Containers: [{ Id: id, SizeRw: 1, State: 'running' }],
  Volumes: [{ Name: 'data', UsageData: { Size: 3, RefCount: 1 } }],
  BuildCache: [{ Size: 3, InUse: false, Shared: false }],
}

interface Call {
  readonly method: string
  readonly path: string | RegExp
  readonly answer: unknown
  readonly stream?: boolean
  act(): Promise<unknown>
}
const calls: Readonly<Record<string, Call>> = {
  'containers.get': { method: 'GET', path: `/containers/${id}/json`, answer: running, act: () => backend.containers.get(id) },
  'containers.list': {
    method: 'GET',
    path: '/containers/json',
    answer: [summary],
    act: () => collect(backend.containers.list({ all: true })),
  },
  'containers.create': {
    method: 'POST',
    path: '/containers/create',
    answer: { Id: id, Warnings: [] },
    act: () => backend.containers.create({ image: 'registry.example/app:1', networkMode: 'none' }),
  },
  'control.top': {
    method: 'GET',
    path: `/containers/${id}/top`,
    answer: { Titles: ['PID', 'PPID', 'UID', 'COMMAND'], Processes: [['1', '0', '0', 'sleep 1']] },
    act: () => backend.control.top(id),
  },
  'control.stats': {
    method: 'GET',
    path: `/containers/${id}/stats`,
    answer: sample,
    stream: true,
    async act() {
      for await (const one of backend.control.stats(id, { intervalMs: 1 })) return one
      return undefined
    },
  },
  'containerImages.changes': {
    method: 'GET',
    path: `/containers/${id}/changes`,
    answer: [{ Path: '/etc', Kind: 0 }],
    act: () => collect(backend.containerImages.changes(id)),
  },
  'execs.get': { method: 'GET', path: /^\/exec\//, answer: exec, act: () => backend.execs.get(exec.ID) },
  'images.get': { method: 'GET', path: /^\/images\/.*\/json$/, answer: image, act: () => backend.images.get(imageId) },
  'images.list': { method: 'GET', path: '/images/json', answer: [{ Id: imageId }], act: () => collect(backend.images.list()) },
  'images.history': { method: 'GET', path: /\/history$/, answer: history, act: () => backend.images.history(imageId) },
  'images.prune': {
    method: 'POST',
    path: '/images/prune',
    answer: { ImagesDeleted: [{ Deleted: imageId }], SpaceReclaimed: 3 },
    act: () => backend.images.prune(),
  },
  'networks.get': { method: 'GET', path: /^\/networks\//, answer: network, act: () => backend.networks.get('net') },
  'networks.list': { method: 'GET', path: '/networks', answer: [network], act: () => collect(backend.networks.list()) },
  'volumes.get': { method: 'GET', path: /^\/volumes\//, answer: volume, act: () => backend.volumes.get('data') },
  'volumes.list': {
    method: 'GET',
    path: '/volumes',
    answer: { Volumes: [volume], Warnings: null },
    act: () => collect(backend.volumes.list()),
  },
  'system.events': {
    method: 'GET',
    path: '/events',
    answer: event,
    stream: true,
    act: () => collect(backend.system.events({ since: new Date(0), follow: false })),
  },
  'system.diskUsage': { method: 'GET', path: '/system/df', answer: usage, act: () => backend.system.diskUsage() },
}

/** What stands in place of something true. */
const lies = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 1.5, 1e308, '', '.', '../..', '/', 'a\0b', 'a\r\nX: y', '9'.repeat(400), [], {}, [[]], [null], {
    '': null,
  }),
  fc.jsonValue({ maxDepth: 2 }),
)
/** Every place in a value, as paths. */
function placesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))]
}
function replaced(value: unknown, [key, ...rest]: readonly string[], lie: unknown): unknown {
  if (key === undefined) return lie
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === key ? replaced(one, rest, lie) : (one as unknown)))
  const object = value as Readonly<Record<string, unknown>>
  return { ...object, [key]: replaced(object[key], rest, lie) }
}
/** A value, or an EngineError: nothing else comes of it. */
async function settles(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isEngineError(error)) throw error
  }
}
function say(value: unknown, stream: boolean = false): string | Buffer {
  const text = JSON.stringify(value)
  if (!stream) return answer(200, text, { 'Content-Type': 'application/json' })
  return Buffer.concat([Buffer.from(chunkedHead), chunk(`${text}\n`), Buffer.from('0\r\n\r\n')])
}

describe('an answer with lies in it', () => {
  it.each(Object.keys(calls))('is a value or an EngineError: %s', deadline, async (name) => {
    const { method, path, answer: truth, stream, act } = calls[name] as Call
    let lie: unknown = truth
    daemon.on(method, path, (wire) => wire.write(say(lie, stream)))
    expect(await act()).toBeDefined()
    const places = placesOf(truth)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), lies, async (place, one) => {
        lie = replaced(truth, place, one)
        await settles(act())
      }),
      { numRuns: 300, seed: 20_261_124 },
    )
  })

  it('is a daemon that is met, or an EngineError', deadline, async () => {
    const version = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux' }
    const info = {
      ID: 'x',
      Name: 'h',
      OSType: 'linux',
      Architecture: 'x86_64',
      NCPU: 1,
      MemTotal: 1,
      DefaultRuntime: 'runc',
      Runtimes: { runc: {} },
      SystemTime: '2026-11-24T15:21:18Z',
    }
    const whole = { version, info, ping: '1.41' }
    let lie: unknown = whole
    const part = (name: 'version' | 'info'): unknown => (lie as Readonly<Record<string, unknown>> | null)?.[name]
    daemon.on('GET', '/version', (wire) => wire.write(say(part('version') ?? null)))
    daemon.on('GET', '/info', (wire) => wire.write(say(part('info') ?? null)))
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...placesOf(whole).filter((place) => place.length > 0)), lies, async (place, one) => {
        lie = replaced(whole, place, one)
        await settles(
          (async () => {
            await using met = await connectHttp({ socketPath: daemon.socketPath })
            await settles(met.system.info())
            await settles(met.system.check())
            await settles(met.system.cursor())
          })(),
        )
      }),
      { numRuns: 300, seed: 20_261_124 },
    )
  })
})

describe('ids that the daemon makes up', () => {
  it.each(['../../images/x', 'a/b', '..', 'a?force=1', 'a#b', 'a%2f..%2fb', 'a\r\nHost: evil'])(
    'lead to no other path: %j',
    deadline,
    async (made) => {
      daemon.on('GET', '/containers/json', says(answer(200, [{ ...summary, Id: made }])))
      daemon.on('POST', '/containers/create', says(answer(201, { Id: made, Warnings: [] })))
      const before = daemon.requests.length
      await settles(collect(backend.containers.list({ all: true })))
      await settles(
        backend.containers.create({ image: 'registry.example/app:1', networkMode: 'none' }).then((one) => backend.containers.remove(one)),
      )
      for (const { method, target, headers } of daemon.requests.slice(before)) {
        const [path = ''] = target.split('?')
        const segments = path.split('/').slice(2) // behind the version
        expect(segments.length, target).toBeLessThanOrEqual(3)
        expect(segments[0], target).toBe('containers')
        expect(segments, target).not.toContain('..')
        if (method === 'DELETE') expect(target.split('?').length).toBeLessThanOrEqual(2)
        expect(headers['host']).toBe('localhost')
      }
    },
  )
})

describe('answers that are too much', () => {
  it('a wait that ends in endless words is given up, and not kept', deadline, async () => {
    let written = 0
    daemon.on('POST', `/containers/${id}/wait`, async (wire) => {
      await wire.write(chunkedHead)
      const words = chunk(Buffer.alloc(64 << 10, ' '))
      for (; written < 4_096 && !wire.socket.destroyed; written += 1) await Promise.race([wire.write(words), wire.closed])
    })
    await expect(backend.containers.wait(id)).rejects.toMatchObject({ code: 'resource_exhausted' })
    expect(written).toBeLessThan(4_096)
  })
  it('a failure whose words never end is told by its status', deadline, async () => {
    daemon.on('GET', `/containers/${id}/json`, async (wire) => {
      await wire.write(head(500, { 'Transfer-Encoding': 'chunked' }))
      const words = chunk(Buffer.alloc(16 << 10, 'x'))
      for (let count = 0; count < 4_096 && !wire.socket.destroyed; count += 1) await Promise.race([wire.write(words), wire.closed])
    })
    await expect(backend.containers.get(id)).rejects.toMatchObject({ code: 'internal' })
  })
  it('a failure whose words never come is told by its status', { timeout: 20_000 }, async () => {
    daemon.on('DELETE', `/containers/${id}`, async (wire) => {
      await wire.write(head(409, { 'Transfer-Encoding': 'chunked' }))
      await wire.closed
    })
    await expect(backend.containers.remove(id)).rejects.toMatchObject({ code: 'failed_precondition' })
  })
  it('an error in a stream of frames that never ends is told by its beginning', deadline, async () => {
    daemon.on('GET', `/containers/${id}/logs`, async (wire) => {
      await wire.write(head(200, { 'Content-Type': 'application/vnd.docker.multiplexed-stream', 'Transfer-Encoding': 'chunked' }))
      // 3 is the daemon's own stream for errors; 4 GiB of it.
      const header = frame('stdout', '')
      header[0] = 3
      header.writeUInt32BE(0xffff_ffff, 4)
      await wire.write(chunk(header))
      const words = Buffer.concat(Array.from({ length: 4_096 }, () => chunk('x')))
      for (let count = 0; count < 1_000 && !wire.socket.destroyed; count += 1) await Promise.race([wire.write(words), wire.closed])
    })
    await expect(collect(backend.streams.logs(id))).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('xxxx') })
  })
  it('millions of tiny pieces take no more memory than what is in them', deadline, async () => {
    const pieces = Buffer.concat(Array.from({ length: 16_384 }, () => chunk(' ')))
    daemon.on('GET', '/events', async (wire) => {
      await wire.write(chunkedHead, chunk('{"Type":"'))
      for (let count = 0; count < 120; count += 1) await wire.write(pieces)
      await wire.write(chunk('"}\n'), '0\r\n\r\n')
    })
    const before = process.memoryUsage().heapUsed
    let most = 0
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().heapUsed - before)
    }, 20)
    await settles(collect(backend.system.events({ since: new Date(0), follow: false })))
    clearInterval(timer)
    // Two million views of one byte are three hundred megabytes of heap.
    expect(most).toBeLessThan(128 << 20)
  })
  it('values in values, as deep as an answer is long, are an EngineError', deadline, async () => {
    const deep = `${'['.repeat(1 << 20)}${']'.repeat(1 << 20)}`
    daemon.on('GET', `/containers/${id}/json`, says(answer(200, deep)))
    await expect(backend.containers.get(id)).rejects.toSatisfy((error) => isEngineError(error))
    daemon.on('GET', `/containers/${id}/json`, says(answer(200, running ?? {})))
    daemon.on('GET', `/containers/${id}/top`, says(answer(200, `{"Titles":[],"Processes":${deep}}`)))
    await expect(backend.control.top(id)).rejects.toSatisfy((error) => isEngineError(error))
  })
  it.each([
    ['of a kind that nobody knows', 'X'.repeat(32 << 10)],
    ['of a path, that is no JSON', Buffer.from('{"name":').toString('base64')],
    ['of a path, that is something else', Buffer.from('[1,2]').toString('base64')],
  ])('a header %s is an EngineError', deadline, async (_, value) => {
    daemon.on('HEAD', `/containers/${id}/archive`, says(head(200, { 'X-Docker-Container-Path-Stat': value, 'Content-Length': '0' })))
    await expect(backend.files.stat(id, '/etc')).rejects.toMatchObject({ code: 'internal' })
  })
})
