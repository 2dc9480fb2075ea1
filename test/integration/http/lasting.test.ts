// What only shows beside a dockerd that is real: owners that are killed, a daemon that restarts, descriptors that are given back.
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../src/backends/http/connect.js'
import { Engine } from '../../../src/index.js'
import type { EngineEvent } from '../../../src/model/event.js'
import type { TraceEntry } from '../../../src/model/trace.js'
import { bundleProgram, type Programs } from '../../setup/child-program.js'
import { startTestDockerd, type TestDockerd } from '../../setup/dockerd.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { halt } from '../../setup/outside.js'

const image = 'registry.example/suite/busybox:1'
let daemon: TestDockerd
let programs: Programs
beforeAll(async () => {
  daemon = await startTestDockerd({ bridge: false })
  programs = await bundleProgram('owned')
  await using backend = await connectHttp({ socketPath: daemon.socketPath })
  const built = await busyboxImage()
  await backend.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
})
afterAll(async () => {
  await programs?.close()
  await daemon?.close()
})
const connect = (onTrace?: (entry: TraceEntry) => void) => connectHttp({ socketPath: daemon.socketPath, onTrace })
const here = async (): Promise<readonly string[]> =>
  (await daemon.docker('ps', '--all', '--quiet', '--no-trunc')).split('\n').filter((id) => id !== '')

describe('owned containers', () => {
  it('of a program that was killed are removed by the next connect, those of one that lives are not', async () => {
    const killed = programs.start([daemon.socketPath, image])
    const living = programs.start([daemon.socketPath, image])
    const [lost, kept] = [await killed.next<string>(), await living.next<string>()]
    await killed.kill()
    expect([...(await here())].sort()).toEqual([lost, kept].sort())
    const repaired: string[] = []
    {
      await using backend = await connect((entry) => {
        if (entry.kind === 'repair') repaired.push(entry.name)
      })
      expect(await here()).toEqual([kept])
      expect(await backend.system.repair()).toEqual({ repaired: [], failed: [] })
    }
    expect(repaired).toEqual([expect.stringContaining(lost)])
    await living.kill()
    await (await connect()).close()
    expect(await here()).toEqual([])
  })
})

describe('a daemon that restarts', () => {
  it('is found again by who follows events: a gap, then what comes, and nothing twice', async () => {
    await using backend = await connect()
    const create = () => backend.containers.create({ image, command: ['true'], networkMode: 'none' })
    const since = await backend.system.cursor()
    const first = await create()
    const seen: EngineEvent[] = []
    let told = (): void => {}
    const enough = (count: number) =>
      new Promise<void>((resolve) => {
        told = () => {
          if (seen.length >= count) resolve()
        }
        told()
      })
    const over = new AbortController()
    const following = (async () => {
      for await (const event of backend.system.events({ since, actions: ['create', 'gap'], signal: over.signal })) {
        seen.push(event)
        told()
      }
    })()
    following.catch(() => {})
    await enough(1)
    await daemon.restart()
    await enough(2)
    const second = await create()
    await enough(3)
    expect(seen.map(({ type, action, subject }) => [type, action, subject.id])).toEqual([
      ['container', 'create', first],
      ['gap', 'gap', expect.any(String)],
      ['container', 'create', second],
    ])
    over.abort(new Error('enough'))
    await expect(following).rejects.toThrow('enough')
    for (const id of [first, second]) await backend.containers.remove(id)
  })
})

describe('a daemon that stops answering', () => {
  it('in the middle of a run keeps nobody who aborts it for long, and the container is gone once it answers', async () => {
    await using engine = new Engine(await connect())
    const abort = new AbortController()
    let abortedAt = 0
    const onOutput = async (): Promise<void> => {
      await halt(daemon.pid)
      abortedAt = performance.now()
      abort.abort('enough')
    }
    const command = ['sh', '-c', 'echo run; sleep 100000']
    try {
      const running = engine.containers.run({ image, command, networkMode: 'none' }, { signal: abort.signal, onOutput })
      await expect(running).rejects.toBe('enough')
    } finally {
      process.kill(daemon.pid, 'SIGCONT')
    }
    expect(performance.now() - abortedAt).toBeLessThan(20_000)
    await engine.close()
    // It may still be at the removal that it was asked for first.
    await expect.poll(here, { timeout: 20_000 }).toEqual([])
  })
})

describe('a busy daemon', () => {
  const name = (number: number): string => `registry.example/busy:${number}`
  /** One event each. */
  const tags = async (count: number): Promise<void> => {
    await using backend = await connect()
    for (let number = 0; number < count; number += 1) await backend.images.tag(image, name(number % 10))
    for (let number = 0; number < Math.min(count, 10); number += 1) await backend.images.remove(name(number))
  }

  it('is heard whole by a reader of its events who does something else meanwhile', async () => {
    await using backend = await connect()
    const since = await backend.system.cursor()
    await tags(1)
    const events = backend.system.events({ since, actions: ['tag'] })[Symbol.asyncIterator]()
    const seen: EngineEvent[] = [(await events.next()).value as EngineEvent]
    await tags(400)
    while (seen.length < 401) seen.push((await events.next()).value as EngineEvent)
    await events.return?.()
    expect(seen.filter(({ type }) => type === 'gap')).toEqual([])
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(401)
  })

  it('tells by a gap that it has forgotten what somebody asks for, and not who asks for what it keeps', async () => {
    await using backend = await connect()
    const before = await backend.system.cursor()
    await tags(300)
    const told = async (since: string): Promise<readonly EngineEvent[]> => {
      const events: EngineEvent[] = []
      for await (const one of backend.system.events({ since, follow: false })) events.push(one)
      return events
    }
    const [first, ...kept] = await told(before)
    expect(first?.type).toBe('gap')
    expect(kept.length).toBe(256)
    expect(kept.some(({ type }) => type === 'gap')).toBe(false)
    expect(await told(kept[0]?.cursor ?? '')).toEqual(kept.slice(1))
  })
})

describe('descriptors', () => {
  it('are given back when the backend is closed, in the middle of waits, logs, attachments, execs and events', async () => {
    const before = (await readdir('/proc/self/fd')).length
    const backend = await connect()
    const id = await backend.containers.create({ image, command: ['sleep', '100000'], networkMode: 'none', stdin: true })
    await backend.containers.start(id, { attach: { stdin: true } })
    const exec = await backend.execs.create(id, { command: ['sleep', '100000'] })
    await backend.execs.start(exec, { attach: { stdin: false } })
    const endless = [
      backend.containers.wait(id),
      backend.execs.wait(exec),
      (async () => {
        for await (const _ of backend.streams.logs(id, { follow: true }));
      })(),
      (async () => {
        for await (const _ of backend.system.events());
      })(),
    ]
    const settled = Promise.allSettled(endless)
    await Promise.all(Array.from({ length: 1_000 }, () => backend.containers.get(id)))
    expect((await readdir('/proc/self/fd')).length).toBeLessThanOrEqual(before + 64 + 10)
    await backend.close()
    for (const outcome of await settled) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    await expect.poll(async () => (await readdir('/proc/self/fd')).length, { timeout: 20_000 }).toBeLessThanOrEqual(before)
    await daemon.docker('rm', '--force', id)
  })
})
