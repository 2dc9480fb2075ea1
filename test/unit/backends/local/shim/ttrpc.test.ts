import { mkdtemp, rm } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decode, encode, stringOf } from '../../../../../src/backends/local/shim/protobuf.js'
import { type Frame, FrameReader, TtrpcClient, encodeFrame } from '../../../../../src/backends/local/shim/ttrpc.js'

const frame = (stream: number, text: string): Frame => ({ stream, type: 2, payload: Buffer.from(text) })

describe('frames', () => {
  it('have a header of ten bytes: length, stream, type, flags', () => {
    expect([...encodeFrame({ stream: 258, type: 1, payload: Uint8Array.from([9, 8]) })]).toEqual([0, 0, 0, 2, 0, 0, 1, 2, 1, 0, 9, 8])
  })
  it('are put together from any pieces', () => {
    const bytes = Buffer.concat([encodeFrame(frame(1, 'one')), encodeFrame(frame(3, '')), encodeFrame(frame(5, 'x'.repeat(5_000)))])
    for (const size of [1, 2, 9, 10, 11, 4_096, bytes.length]) {
      const reader = new FrameReader()
      const seen: Frame[] = []
      for (let at = 0; at < bytes.length; at += size) seen.push(...reader.push(bytes.subarray(at, at + size)))
      expect(seen.map(({ stream, payload }) => [stream, payload.length])).toEqual([
        [1, 3],
        [3, 0],
        [5, 5_000],
      ])
    }
  })
  it('that claim more than the protocol allows are refused before they have come', () => {
    const header = Buffer.alloc(10)
    header.writeUInt32BE((4 << 20) + 1, 0)
    expect(() => new FrameReader().push(header)).toThrow(RangeError)
  })
})

describe('TtrpcClient', () => {
  let directory: string
  let server: Server
  let sockets: Socket[]
  let answer: (socket: Socket, request: Frame) => void
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
    sockets = []
    server = createServer((socket) => {
      sockets.push(socket)
      const reader = new FrameReader()
      socket.on('error', () => {})
      socket.on('data', (bytes: Buffer) => {
        for (const request of reader.push(bytes)) answer(socket, request)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(join(directory, 's'), resolve)
    })
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => {
      server.close(resolve)
    })
    await rm(directory, { recursive: true })
  })
  const respond = (socket: Socket, stream: number, payload: Uint8Array): void => {
    socket.write(encodeFrame({ stream, type: 2, payload: encode([[2, payload]]) }))
  }

  it('matches answers with calls, in whatever order they come', async () => {
    const held: [Socket, Frame][] = []
    answer = (socket, request) => {
      held.push([socket, request])
      if (held.length === 2)
        for (const [to, { stream, payload }] of held.reverse()) respond(to, stream, Buffer.from(stringOf(decode(payload), 2)))
    }
    const client = await TtrpcClient.connect(join(directory, 's'))
    const both = await Promise.all([client.call('S', 'First', new Uint8Array()), client.call('S', 'Second', new Uint8Array())])
    expect(both.map((bytes) => Buffer.from(bytes).toString())).toEqual(['First', 'Second'])
    client.close()
  })
  it('rejects with the status and the words of the other side', async () => {
    answer = (socket, { stream }) => {
      const payload = encode([
        [
          1,
          [
            [1, 5],
            [2, 'no such task'],
          ],
        ],
      ])
      socket.write(encodeFrame({ stream, type: 2, payload }))
    }
    const client = await TtrpcClient.connect(join(directory, 's'))
    await expect(client.call('S', 'M', new Uint8Array())).rejects.toMatchObject({ status: 5, message: 'no such task' })
    client.close()
  })
  it('rejects all that waits when the connection goes, and everything after', async () => {
    answer = (socket) => {
      socket.destroy()
    }
    const client = await TtrpcClient.connect(join(directory, 's'))
    await expect(client.call('S', 'M', new Uint8Array())).rejects.toMatchObject({ code: 'unavailable' })
    await expect(client.call('S', 'M', new Uint8Array())).rejects.toMatchObject({ code: 'unavailable' })
    expect(client.closed).toBe(true)
  })
  it('goes down with an answer that is no message', async () => {
    answer = (socket) => {
      socket.write(Buffer.alloc(10, 0xff))
    }
    const client = await TtrpcClient.connect(join(directory, 's'))
    await expect(client.call('S', 'M', new Uint8Array())).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('an abort rejects with the reason, and a late answer hurts nobody', async () => {
    const requests: [Socket, Frame][] = []
    answer = (socket, request) => {
      requests.push([socket, request])
      if (requests.length === 2) for (const [to, { stream }] of requests) respond(to, stream, Buffer.from('late'))
    }
    const client = await TtrpcClient.connect(join(directory, 's'))
    const abort = new AbortController()
    const first = client.call('S', 'M', new Uint8Array(), { signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect(Buffer.from(await client.call('S', 'M', new Uint8Array())).toString()).toBe('late')
    client.close()
  })
})
