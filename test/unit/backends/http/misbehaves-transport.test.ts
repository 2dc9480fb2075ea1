// A daemon that misbehaves, seen by the connection to it: whatever it does, a call settles, and says what happened.
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { HttpFailure } from '../../../../src/backends/http/errors.js'
import { Channel } from '../../../../src/backends/http/transport/channel.js'
import { toEndpoint } from '../../../../src/backends/http/transport/target.js'
import { collect } from '../../../../src/conformance/suite.js'
import {
  answer,
  chunk,
  chunkedHead,
  frame,
  head,
  lastChunk,
  says,
  type ScriptedDaemon,
  startScriptedDaemon,
} from '../../../setup/scripted-daemon.js'
import { openSockets } from '../../../setup/outside.js'

let daemon: ScriptedDaemon
let calls: Channel
beforeEach(async () => {
  daemon = await startScriptedDaemon()
  calls = new Channel({ endpoint: toEndpoint({ socketPath: daemon.socketPath }) })
  calls.adopt({ prefix: '/v1.41', rules: [] })
})
afterEach(async () => {
  await calls.close()
  await daemon.close()
})
const deadline = { timeout: 20_000 }
const text = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => Buffer.concat(await collect(bytes)).toString()
/** The four ways of asking, each read to its end. */
const ways = {
  json: (signal?: AbortSignal) => calls.json('GET', '/thing', { signal }),
  'patient json': (signal?: AbortSignal) => calls.json('POST', '/thing', { signal, patient: true }),
  bytes: async (signal?: AbortSignal) => text((await calls.bytes('GET', '/thing', { signal })).body),
  lines: (signal?: AbortSignal) => collect(calls.lines('GET', '/thing', { signal })),
  hijack: async (signal?: AbortSignal) => text((await calls.hijack('/thing', { signal })).output),
}
function everywhere(script: Parameters<ScriptedDaemon['on']>[2]): void {
  for (const method of ['GET', 'POST']) daemon.on(method, '/thing', script)
}

describe.each(Object.entries(ways))('%s', (way, ask) => {
  it('rejects an empty 500, and says who answered it', deadline, async () => {
    everywhere(says(answer(500)))
    await expect(ask()).rejects.toMatchObject({
      code: 'internal',
      cause: { status: 500, said: '' },
      message: expect.stringContaining('500'),
    })
  })
  it("rejects a 404 with the daemon's message in the message and in the cause", deadline, async () => {
    everywhere(says(answer(404, { message: 'No such thing: thing' })))
    const error = await ask().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'not_found', message: expect.stringContaining('No such thing: thing') })
    expect((error as Error).cause).toBeInstanceOf(HttpFailure)
  })
  it('rejects the HTML 502 of a proxy as unavailable, in one line', deadline, async () => {
    everywhere(says(answer(502, '<html>\n<body>Bad\nGateway</body>\n</html>\n', { 'Content-Type': 'text/html' })))
    const error = (await ask().catch((caught: unknown) => caught)) as Error
    expect(error).toMatchObject({ code: 'unavailable', cause: { status: 502 } })
    expect(error.message).not.toContain('\n')
  })
  it('rejects an error whose body is cut short with the status that came', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(head(500, { 'Content-Length': '1000' }), '{"message":"half')
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'internal', cause: { status: 500 } })
  })
  it('rejects as unavailable when the connection is closed before an answer', deadline, async () => {
    everywhere((wire) => {
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects as unavailable when the connection is closed in the middle of the head', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write('HTTP/1.1 200 OK\r\nContent-Ty')
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects what is not HTTP as the bug of who answers', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write('SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n')
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'internal' })
  })
  it('rejects a head that never ends, after some kilobytes of it', deadline, async () => {
    let written = 0
    everywhere(async (wire) => {
      await wire.write('HTTP/1.1 200 OK\r\n')
      while (!wire.socket.destroyed && written < 64 << 20) {
        await wire.write(`X-${written}: ${'x'.repeat(1_000)}\r\n`)
        written += 1_000
      }
    })
    await expect(ask()).rejects.toMatchObject({ code: 'internal' })
    expect(written).toBeLessThan(16 << 20)
  })
  it.each(['before the head', 'within the head', 'after the head', 'within the body'])(
    'an abort ends a call to a daemon that goes slow %s, with its reason, and the connection with it',
    deadline,
    async (where) => {
      const parts = [
        head(way === 'hijack' ? 101 : 200, way === 'hijack' ? { Connection: 'Upgrade', Upgrade: 'tcp' } : { 'Content-Length': '100' }),
        '{"half": ',
      ]
      let reached = (): void => {}
      const there = new Promise<void>((resolve) => {
        reached = resolve
      })
      let gone: Promise<void> | undefined
      everywhere(async (wire) => {
        gone = wire.closed
        const [first = '', second = ''] = parts
        if (where === 'within the head') await wire.write(first.slice(0, 20))
        if (where === 'after the head' || where === 'within the body') await wire.write(first)
        if (where === 'within the body') await wire.write(second)
        reached()
        await wire.closed
      })
      const reason = new Error('enough')
      const controller = new AbortController()
      const refused = expect(ask(controller.signal)).rejects.toBe(reason)
      await there
      await setImmediate()
      controller.abort(reason)
      await refused
      await gone
    },
  )
  it('leaves no descriptor after a hundred of each failure', { timeout: 20_000 }, async () => {
    await ask().catch(() => {})
    const before = await openSockets()
    const failures: Parameters<ScriptedDaemon['on']>[2][] = [
      (wire) => {
        wire.cut()
      },
      async (wire) => {
        await wire.write(head(200, { 'Content-Length': '100' }), '{')
        wire.cut()
      },
      says(answer(500, { message: 'no' })),
    ]
    for (const script of failures) {
      everywhere(script)
      for (let time = 0; time < 100; time += 1) await ask().catch(() => {})
    }
    await calls.close()
    await vi.waitFor(async () => {
      expect(await openSockets()).toBeLessThanOrEqual(before)
    })
    calls = new Channel({ endpoint: toEndpoint({ socketPath: daemon.socketPath }) })
  })
})

describe.each(Object.entries(ways).filter(([way]) => way !== 'hijack'))('the body of %s', (way, ask) => {
  const whole = way === 'lines' ? '{"a":1}\n{"b":2}\n' : way === 'bytes' ? 'some bytes' : '{"a":1}'
  it('rejects as unavailable when it is shorter than its length', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(head(200, { 'Content-Length': '1000' }), whole)
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects as unavailable when it ends before its last chunk, though all of it has come', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(chunkedHead, chunk(whole))
      wire.cut()
    })
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects a chunk that is none', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(chunkedHead, chunk(whole), 'not a size\r\n')
      await wire.closed
    })
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^(internal|unavailable)$/) })
  })
  it('is read whole when it comes byte by byte', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(chunkedHead)
      for (const byte of Buffer.from(whole)) await wire.write(chunk(Buffer.of(byte)))
      await wire.write(lastChunk)
    })
    const expected = { bytes: whole, lines: [{ a: 1 }, { b: 2 }] } as Record<string, unknown>
    expect(await ask()).toEqual(expected[way] ?? { a: 1 })
  })
})

describe('json', () => {
  it('rejects a 200 that is no JSON with what it was', deadline, async () => {
    everywhere(says(answer(200, 'you should not see this')))
    await expect(ways.json()).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('you should not see this') })
  })
  it('rejects an answer beyond its limit without reading all of it', deadline, async () => {
    let written = 0
    everywhere(async (wire) => {
      await wire.write(chunkedHead)
      while (!wire.socket.destroyed && written < 256 << 20) {
        await wire.write(chunk(Buffer.alloc(64 << 10, ' ')))
        written += 64 << 10
      }
    })
    await expect(calls.json('GET', '/thing', { maxBytes: 1 << 20 })).rejects.toMatchObject({ code: 'resource_exhausted' })
    expect(written).toBeLessThan(64 << 20)
  })
  it('asks again when the daemon has closed the connection that was kept', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(answer(200, { ok: true }))
      wire.cut()
    })
    for (let time = 0; time < 20; time += 1) expect(await ways.json()).toEqual({ ok: true })
    expect(daemon.requests.length).toBeLessThanOrEqual(40)
  })
  it('does not send a request that changes something a second time', deadline, async () => {
    everywhere((wire) => {
      wire.cut()
    })
    await expect(calls.json('POST', '/thing')).rejects.toMatchObject({ code: 'unavailable' })
    expect(daemon.requests).toHaveLength(1)
  })
  it('reads an answer that comes after informational ones', deadline, async () => {
    everywhere(says('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n', answer(200, { ok: true })))
    expect(await ways.json()).toEqual({ ok: true })
  })
  it('a thousand at once succeed over a limited number of connections', { timeout: 20_000 }, async () => {
    everywhere(says(answer(200, { ok: true })))
    const before = await openSockets()
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => ways.json()))
    expect(answers).toHaveLength(1_000)
    expect(daemon.accepted).toBeLessThanOrEqual(64)
    await calls.close()
    await vi.waitFor(async () => {
      expect(await openSockets()).toBeLessThanOrEqual(before)
    })
  })
})

describe('lines', () => {
  it('rejects a line that is no JSON with the line, after those before it', deadline, async () => {
    everywhere(says(chunkedHead, chunk('{"a":1}\nError: out of paper\n{"b":2}\n'), lastChunk))
    const seen: unknown[] = []
    await expect(
      (async () => {
        for await (const value of calls.lines('GET', '/thing')) seen.push(value)
      })(),
    ).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('out of paper') })
    expect(seen).toEqual([{ a: 1 }])
  })
  it('rejects a stream that ends in the middle of an object', deadline, async () => {
    everywhere(says(chunkedHead, chunk('{"a":1}{"b":'), lastChunk))
    await expect(ways.lines()).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('rejects an object without end', deadline, async () => {
    everywhere(async (wire) => {
      await wire.write(chunkedHead, chunk('{"a":"'))
      while (!wire.socket.destroyed) await wire.write(chunk('x'.repeat(64 << 10)))
    })
    await expect(collect(calls.lines('GET', '/thing', { maxBytes: 1 << 20 }))).rejects.toMatchObject({ code: 'resource_exhausted' })
  })
  it('takes objects back to back, blank lines, and characters split anywhere', deadline, async () => {
    const bytes = Buffer.from('\r\n{"a":"ä€𝄞"}{"b":"}{"}\n\n{"c":"\\""}')
    everywhere(async (wire) => {
      await wire.write(chunkedHead)
      for (const byte of bytes) await wire.write(chunk(Buffer.of(byte)))
      await wire.write(lastChunk)
    })
    expect(await ways.lines()).toEqual([{ a: 'ä€𝄞' }, { b: '}{' }, { c: '"' }])
  })
  it('frees the connection when the reader leaves', deadline, async () => {
    let gone: Promise<void> | undefined
    everywhere(async (wire) => {
      gone = wire.closed
      await wire.write(chunkedHead)
      while (!wire.socket.destroyed) await wire.write(chunk('{"a":1}\n'))
    })
    for await (const value of calls.lines('GET', '/thing')) {
      expect(value).toEqual({ a: 1 })
      break
    }
    await gone
  })
})

describe('hijack', () => {
  const heads = {
    101: head(101, { 'Content-Type': 'application/vnd.docker.raw-stream', Connection: 'Upgrade', Upgrade: 'tcp' }),
    200: head(200, { 'Content-Type': 'application/vnd.docker.raw-stream' }),
  } as const
  describe.each([101, 200] as const)('answered by %i', (status) => {
    it('keeps the bytes that come with the head, and those after it', deadline, async () => {
      everywhere(async (wire) => {
        await wire.write(Buffer.concat([Buffer.from(heads[status]), frame('stdout', 'first')]))
        await setImmediate()
        await wire.write('second')
        wire.socket.end()
      })
      expect(await ways.hijack()).toBe(`${frame('stdout', 'first').toString()}second`)
    })
    it('half-closes: the daemon reads an end of file and goes on to say what it has to say', deadline, async () => {
      everywhere(async (wire) => {
        await wire.write(heads[status])
        const said = await text(wire.input())
        await wire.write(`heard ${said}`)
        wire.socket.end()
      })
      const taken = await calls.hijack('/thing')
      await taken.write(Buffer.from('all of '))
      await taken.write(Buffer.from('it'))
      await taken.end()
      await expect(taken.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'failed_precondition' })
      expect(await text(taken.output)).toBe('heard all of it')
      await taken.close()
    })
    it('a write to a daemon that is gone rejects as unavailable', deadline, async () => {
      everywhere(async (wire) => {
        await wire.write(heads[status])
        wire.cut()
      })
      const taken = await calls.hijack('/thing')
      await text(taken.output).catch(() => '')
      await expect(taken.write(Buffer.from('anybody?'))).rejects.toMatchObject({ code: 'unavailable' })
    })
    it('holds the daemon up while nobody reads', deadline, async () => {
      let written = 0
      everywhere(async (wire) => {
        await wire.write(heads[status])
        const block = Buffer.alloc(1 << 20)
        while (!wire.socket.destroyed && written < 256) {
          await wire.write(block)
          written += 1
        }
      })
      const taken = await calls.hijack('/thing')
      await delay(200)
      expect(written).toBeLessThan(16)
      await taken.close()
    })
    it('is over when the channel closes', deadline, async () => {
      everywhere(async (wire) => {
        await wire.write(heads[status], 'hello')
        await wire.closed
      })
      const taken = await calls.hijack('/thing')
      const reading = text(taken.output).catch((error: { code: string }) => error.code)
      await calls.close()
      expect(['hello', 'unavailable']).toContain(await reading)
    })
  })
  it('sends no body, and asks for the upgrade', deadline, async () => {
    everywhere(says(heads[101]))
    const taken = await calls.hijack('/thing', { query: { stdin: true, stream: true } })
    await taken.close()
    const request = daemon.requests.at(-1)
    expect([request?.body.length, request?.headers['upgrade'], request?.headers['connection']]).toEqual([0, 'tcp', 'Upgrade'])
    expect(Object.fromEntries(request?.query ?? [])).toEqual({ stdin: '1', stream: '1' })
  })
})
