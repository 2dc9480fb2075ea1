import { once } from 'node:events'
import { createServer } from 'node:http'
import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { type ChannelOptions, openChannel } from '../../../../src/backends/containerd/channel.js'
import { Content, WriteAction } from '../../../../src/backends/containerd/gen/content_pb.js'
import { Images } from '../../../../src/backends/containerd/gen/images_pb.js'
import { Leases } from '../../../../src/backends/containerd/gen/leases_pb.js'
import { Version } from '../../../../src/backends/containerd/gen/version_pb.js'
import { isEngineError } from '../../../../src/errors.js'
import type { TraceEntry } from '../../../../src/model/trace.js'
import { type FakeDaemon, fakeDaemon } from './fake-daemon.js'

const open = (daemon: FakeDaemon, options: Partial<ChannelOptions> = {}) =>
  openChannel({ address: daemon.address, namespace: 'ns', ...options })
const coded = (code: string) => expect.objectContaining({ name: 'EngineError', code })

describe('openChannel', () => {
  it('says that nothing is there, or that it is no containerd', async () => {
    await using daemon = await fakeDaemon()
    const { address } = daemon
    await expect(open(daemon)).rejects.toMatchObject({ code: 'unavailable', message: `containerd at "${address}": nothing is there` })
    const web = createServer((_, response) => response.end('a page')).listen(address)
    await once(web, 'listening')
    await expect(open(daemon)).rejects.toMatchObject({
      code: 'unavailable',
      message: `containerd at "${address}": what answers there does not speak gRPC`,
    })
    web.close()
  })
  it('waits for a daemon that is starting when asked to', async () => {
    await using daemon = await fakeDaemon()
    const opening = openChannel({ address: daemon.address, namespace: 'ns', waitForReady: true })
    await daemon.start()
    await using channel = await opening
    expect(await channel.ping()).toEqual({ version: 'fake', revision: '1' })
  })
  it('stops waiting at the deadline', async () => {
    await using daemon = await fakeDaemon()
    await expect(openChannel({ address: daemon.address, namespace: 'ns', waitForReady: true, deadlineMs: 60 })).rejects.toEqual(
      coded('unavailable'),
    )
  })
  it('stops waiting when aborted', async () => {
    await using daemon = await fakeDaemon()
    const abort = new AbortController()
    const opening = openChannel({ address: daemon.address, namespace: 'ns', waitForReady: true, signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
  })
})

describe('a channel', () => {
  it('sends its namespace with every call, and a lease with those of a leased view', async () => {
    const seen: unknown[] = []
    await using daemon = await (await fakeDaemon())
      .unary(Leases.method.list, ({ metadata }, answer) => {
        seen.push([metadata.get('containerd-namespace'), metadata.get('containerd-lease')])
        answer(null, {})
      })
      .start()
    await using channel = await open(daemon)
    await channel.unary(Leases.method.list, {})
    await channel.withLease('mine').unary(Leases.method.list, {})
    expect(seen).toEqual([
      [['ns'], []],
      [['ns'], ['mine']],
    ])
  })
  it('maps an error status, names the subject and keeps what the daemon said', async () => {
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.get, (_call, answer) => {
        answer({ code: status.NOT_FOUND, details: 'image "x": not found' })
      })
      .start()
    await using channel = await open(daemon)
    const error = await channel
      .unary(Images.method.get, { name: 'x' }, { subject: { kind: 'image', id: 'x' } })
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'not_found',
      subject: { kind: 'image', id: 'x' },
      message: 'image "x": image "x": not found',
      cause: { code: status.NOT_FOUND },
    })
  })
  it('rejects with unavailable when the daemon does not answer before the deadline', async () => {
    await using daemon = await (await fakeDaemon()).unary(Images.method.get, () => {}).start()
    await using channel = await open(daemon)
    await expect(channel.unary(Images.method.get, {}, { deadlineMs: 30 })).rejects.toEqual(coded('unavailable'))
  })
  it('rejects an aborted call with the reason, and cancels it', async () => {
    let arrived = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let cancelled = (): void => {}
    const cancel = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.get, (call) => {
        call.on('cancelled', cancelled)
        arrived()
      })
      .start()
    await using channel = await open(daemon)
    const abort = new AbortController()
    const calling = channel.unary(Images.method.get, {}, { signal: abort.signal })
    await arrival
    abort.abort('the reason')
    await expect(calling).rejects.toBe('the reason')
    await cancel
    await expect(channel.unary(Images.method.get, {}, { signal: abort.signal })).rejects.toBe('the reason')
  })
  it('tells what an aborted call has made that waits for the answer, and rejects with the reason where it made nothing', async () => {
    let abort = new AbortController()
    let answer: 'made' | 'failed' = 'made'
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.create, (_call, reply) => {
        abort.abort('the reason')
        setTimeout(() => {
          if (answer === 'made') reply(null, { image: { name: 'image' } })
          else reply({ code: status.ALREADY_EXISTS, details: 'there' })
        }, 50)
      })
      .start()
    await using channel = await open(daemon)
    const make = () => channel.unary(Images.method.create, {}, { signal: abort.signal, waitForAnswer: true })
    expect((await make()).image?.name).toBe('image')
    await expect(make()).rejects.toBe('the reason')
    abort = new AbortController()
    answer = 'failed'
    await expect(make()).rejects.toBe('the reason')
  })
  it('rejects what is under way when it is closed, and every call afterwards', async () => {
    let arrived = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.get, () => {
        arrived()
      })
      .start()
    await using channel = await open(daemon)
    const calling = expect(channel.unary(Images.method.get, {}, { deadlineMs: Infinity })).rejects.toEqual(coded('unavailable'))
    await arrival
    await channel.close()
    await channel.close()
    await calling
    await expect(channel.ping()).rejects.toEqual(coded('unavailable'))
  })
  it('rejects what is under way when the daemon goes, and works again when it is back', async () => {
    let arrived = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.get, () => {
        arrived()
      })
      .start()
    await using channel = await open(daemon)
    const calling = expect(channel.unary(Images.method.get, {})).rejects.toEqual(coded('unavailable'))
    await arrival
    daemon.stop()
    await calling
    await expect(channel.ping()).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await daemon.start()
    expect(await channel.ping({ waitForReady: true })).toMatchObject({ version: 'fake' })
  })
  it('waits for beforeStep, which may refuse', async () => {
    const steps: string[] = []
    await using daemon = await (await fakeDaemon()).start()
    await using channel = await open(daemon, {
      beforeStep: async (step) => {
        await Promise.resolve()
        steps.push(step)
        if (steps.length === 3) throw new Error('no further')
      },
    })
    await channel.step('in between')
    await expect(channel.ping()).rejects.toThrow('no further')
    expect(steps).toEqual(['version.version', 'in between', 'version.version'])
  })
  it('traces each call once, and does not mind a tracer that throws', async () => {
    const traced: TraceEntry[] = []
    await using daemon = await (await fakeDaemon())
      .unary(Images.method.get, (_call, answer) => {
        answer({ code: status.UNIMPLEMENTED })
      })
      .start()
    await using channel = await open(daemon, {
      onTrace: (entry) => {
        traced.push(entry)
        throw new Error('a bug')
      },
    })
    await expect(channel.unary(Images.method.get, {})).rejects.toEqual(coded('unsupported'))
    await expect(channel.unary(Version.method.version, {}, { signal: AbortSignal.abort() })).rejects.toThrow()
    expect(traced.map((entry) => (entry.kind === 'call' ? [entry.name, entry.code] : entry))).toEqual([
      ['version.version', undefined],
      ['images.get', 'unsupported'],
    ])
  })
})

describe('streams', () => {
  it('a server stream gives the messages and cancels when its reader stops', async () => {
    let cancelled = (): void => {}
    const cancel = new Promise<void>((resolve) => {
      cancelled = resolve
    })
    await using daemon = await (await fakeDaemon())
      .stream(Content.method.read, (call) => {
        call.on('cancelled', cancelled)
        for (const text of ['a', 'b', 'c']) call.write({ data: Buffer.from(text) })
      })
      .start()
    await using channel = await open(daemon)
    let text = ''
    for await (const { data } of channel.serverStream(Content.method.read, { digest: 'x' })) {
      text += Buffer.from(data).toString()
      if (text === 'ab') break
    }
    expect(text).toBe('ab')
    await cancel
  })
  it('a server stream throws what ended it, after the messages before', async () => {
    await using daemon = await (await fakeDaemon())
      .stream(Content.method.read, (call) => {
        call.write({ data: Buffer.from('a') })
        call.emit('error', { code: status.DATA_LOSS, details: 'torn' })
      })
      .start()
    await using channel = await open(daemon)
    const stream = channel.serverStream(Content.method.read, {})
    expect((await stream.next()).done).toBe(false)
    await expect(stream.next()).rejects.toEqual(coded('data_loss'))
  })
  it('a duplex gives each answer once, then the end', async () => {
    await using daemon = await (await fakeDaemon())
      .duplex(Content.method.write, (call) => {
        call.on('data', ({ action, offset }) => {
          call.write({ action, offset: offset + 1n })
        })
        call.on('end', () => {
          call.end()
        })
      })
      .start()
    await using channel = await open(daemon)
    await using stream = await channel.bidi(Content.method.write)
    stream.send({ action: WriteAction.WRITE, offset: 1n })
    stream.send({ action: WriteAction.COMMIT, offset: 2n })
    expect(await stream.receive()).toMatchObject({ action: WriteAction.WRITE, offset: 2n })
    expect(await stream.receive()).toMatchObject({ action: WriteAction.COMMIT, offset: 3n })
    stream.end()
    expect(await stream.receive()).toBeUndefined()
    expect(await stream.receive()).toBeUndefined()
  })
  it('a duplex throws what ended it, to who waits and to who asks later', async () => {
    await using daemon = await (await fakeDaemon())
      .duplex(Content.method.write, (call) => {
        call.on('data', () => {
          call.emit('error', { code: status.UNAVAILABLE, details: 'ref x locked for 1ms: unavailable' })
        })
      })
      .start()
    await using channel = await open(daemon)
    await using stream = await channel.bidi(Content.method.write)
    stream.send({ ref: 'x' })
    await expect(stream.receive()).rejects.toEqual(coded('unavailable'))
    await expect(stream.receive()).rejects.toSatisfy((error) => isEngineError(error, 'unavailable'))
  })
})
