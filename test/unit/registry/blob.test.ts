import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sleep } from '../../../src/util/abort.js'
import { RegistryClient, type RegistryClientSettings } from '../../../src/registry/client.js'
import { parseReference } from '../../../src/oci/reference.js'
import type { Descriptor } from '../../../src/model/common.js'
import { cut, type FakeRegistry, startFakeRegistry } from '../../setup/fake-registry.js'
import { buildImage, sha256 } from '../../setup/images.js'

const retry = { retries: 3, baseMs: 1, maxRetryAfterMs: 2_000 }
const image = buildImage({ layers: [[{ name: 'a', body: Buffer.alloc(300_000, 'a') }]], gzip: false })
const layer = image.layers[0]!
let registry: FakeRegistry
let client: RegistryClient

beforeEach(async () => {
  registry = await startFakeRegistry()
  registry.add('team/app', '1', image)
  client = new RegistryClient({ retry })
})
afterEach(async () => {
  await client.close()
  await registry.close()
})
const reference = (text: string = `${registry.host}/team/app:1`): ReturnType<typeof parseReference> => parseReference(text)
async function renew(settings: RegistryClientSettings): Promise<void> {
  await client.close()
  client = new RegistryClient({ retry, ...settings })
}
async function read(blob: Descriptor, options: { offset?: number; signal?: AbortSignal } = {}): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of client.blob(reference(), blob, options)) parts.push(part)
  return Buffer.concat(parts)
}

describe('blob', () => {
  it('asks nothing before the first step', async () => {
    client.blob(reference(), layer.descriptor)
    expect(registry.requests).toHaveLength(0)
    expect(sha256(await read(layer.descriptor))).toBe(sha256(layer.bytes))
  })
  it('begins at an offset', async () => {
    expect(sha256(await read(layer.descriptor, { offset: 1000 }))).toBe(sha256(layer.bytes.subarray(1000)))
    expect(registry.requests[0]!.headers.range).toBe('bytes=1000-')
  })
  it('goes on where the connection broke', async () => {
    registry.fault = ({ before }, response) => {
      if (before === 0) cut(response, layer.bytes, 100_000)
      return before === 0
    }
    expect(sha256(await read(layer.descriptor))).toBe(sha256(layer.bytes))
    expect(registry.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=100000-'])
  })
  it('skips what it has when the server ignores ranges', async () => {
    registry.fault = ({ before }, response) => {
      if (before === 0) cut(response, layer.bytes, 100_000)
      else response.writeHead(200, { 'content-length': String(layer.bytes.length) }).end(layer.bytes)
      return true
    }
    expect(sha256(await read(layer.descriptor))).toBe(sha256(layer.bytes))
    expect(registry.requests).toHaveLength(2)
  })
  it('gives up when the connection breaks at the same place again and again', async () => {
    registry.fault = (_, response) => {
      cut(response, layer.bytes, 0)
      return true
    }
    await expect(read(layer.descriptor)).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    expect(registry.requests).toHaveLength(4)
  })
  it('throws internal when another range comes than was asked for', async () => {
    registry.fault = (_, response) => {
      response.writeHead(206, { 'content-range': 'bytes 5-9/300000' }).end('other')
      return true
    }
    await expect(read(layer.descriptor, { offset: 100 })).rejects.toMatchObject({ code: 'internal' })
  })
  it.each([-1, 1])('throws data_loss before the first byte when the length differs by %d', async (by) => {
    await expect(read({ ...layer.descriptor, size: layer.descriptor.size + by })).rejects.toMatchObject({ code: 'data_loss' })
  })
  it('throws data_loss when there is nothing at the offset', async () => {
    registry.fault = ({ headers }, response) => {
      if (headers.range !== undefined) response.writeHead(416).end()
      return headers.range !== undefined
    }
    await expect(read(layer.descriptor, { offset: 100 })).rejects.toMatchObject({ code: 'data_loss' })
  })
  it('ends early with a server that says when it ends', async () => {
    registry.fault = (_, response) => {
      response.writeHead(200)
      response.end(layer.bytes.subarray(0, 100))
      return true
    }
    expect(await read(layer.descriptor)).toHaveLength(100)
  })
  it('stops soon after the last byte that it expects', async () => {
    registry.fault = (_, response) => {
      response.writeHead(200)
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(64 << 10), () => setImmediate(more)) // Node 24 may call back before it reads anything
      }
      more()
      return true
    }
    const bytes = await read(layer.descriptor)
    expect(bytes.length).toBeGreaterThan(layer.descriptor.size)
    expect(bytes.length).toBeLessThan(layer.descriptor.size + (1 << 20))
  })
  it('says that a web page is no blob', async () => {
    registry.fault = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html></html>')
      return true
    }
    await expect(read(layer.descriptor)).rejects.toMatchObject({ code: 'internal' })
  })
  it('takes no token to another host, but the range', async () => {
    await using other = await startFakeRegistry()
    other.add('x', '1', image)
    registry.auth = 'bearer'
    registry.fault = ({ kind, headers }, response) => {
      if (kind !== 'blob' || headers.authorization === undefined) return false
      response.writeHead(307, { location: `${other.url}/v2/x/blobs/${layer.descriptor.digest}?signature=secret` }).end()
      return true
    }
    expect(sha256(await read(layer.descriptor, { offset: 7 }))).toBe(sha256(layer.bytes.subarray(7)))
    expect(registry.requests.at(-1)!.headers.authorization).toBe('Bearer anonymous-token')
    expect(other.requests).toHaveLength(1)
    expect(other.requests[0]!.headers).toMatchObject({ range: 'bytes=7-' })
    expect(other.requests[0]!.headers).not.toHaveProperty('authorization')
  })
  it('shows no signature of a redirect in a message', async () => {
    await using other = await startFakeRegistry()
    registry.fault = ({ kind }, response) => {
      if (kind === 'blob') response.writeHead(302, { location: `${other.url}/gone?signature=secret` }).end()
      return kind === 'blob'
    }
    const error = await read(layer.descriptor).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'not_found' })
    expect(String(error)).not.toContain('secret')
  })
  it('follows five redirects and no more', async () => {
    registry.fault = ({ url }, response) => {
      response.writeHead(302, { location: url }).end()
      return true
    }
    await expect(read(layer.descriptor)).rejects.toMatchObject({ code: 'internal' })
    expect(registry.requests).toHaveLength(6)
  })
  it('rejects with the reason of an abort in the middle of a slow body', async () => {
    const abort = new AbortController()
    registry.fault = (_, response) => {
      response.writeHead(200, { 'content-length': String(layer.bytes.length) })
      response.write(layer.bytes.subarray(0, 10))
      return true
    }
    const reading = (async (): Promise<void> => {
      for await (const part of client.blob(reference(), layer.descriptor, { signal: abort.signal }))
        if (part.length > 0) abort.abort(new Error('enough'))
    })()
    await expect(reading).rejects.toThrow('enough')
  })
  it('waits for a slow reader for longer than for a server', async () => {
    await renew({ retry: { ...retry, retries: 0 }, timeouts: { connectMs: 5_000, headersMs: 5_000, bodyMs: 1_000 } })
    // So many that the server cannot have sent all before the reader comes back.
    const large = Buffer.alloc(16 << 20, 'x')
    const blob = { ...layer.descriptor, digest: sha256(large), size: large.length }
    registry.fault = (_, response) => {
      response.writeHead(200, { 'content-length': String(large.length) }).end(large)
      return true
    }
    let bytes = 0
    for await (const part of client.blob(reference(), blob)) {
      if (bytes === 0) await sleep(2_500)
      bytes += part.length
    }
    expect(bytes).toBe(large.length)
  })
  it('goes on when a body falls silent', async () => {
    await renew({ timeouts: { connectMs: 1_000, headersMs: 1_000, bodyMs: 100 } })
    registry.fault = ({ before }, response) => {
      if (before === 0) {
        response.writeHead(200, { 'content-length': String(layer.bytes.length) })
        response.write(layer.bytes.subarray(0, 10))
      }
      return before === 0
    }
    expect(sha256(await read(layer.descriptor))).toBe(sha256(layer.bytes))
  })
})

describe('foreignBlob', () => {
  it('sends no token and reads what is there', async () => {
    const parts: Uint8Array[] = []
    for await (const part of client.foreignBlob(`${registry.url}/v2/team/app/blobs/${layer.descriptor.digest}`, layer.descriptor))
      parts.push(part)
    expect(sha256(Buffer.concat(parts))).toBe(layer.descriptor.digest)
  })
  it('throws unsupported for what is not http', () => {
    expect(() => client.foreignBlob('file:///etc/passwd', layer.descriptor)).toThrow(
      expect.objectContaining({ code: 'unsupported' }) as Error,
    )
  })
})
