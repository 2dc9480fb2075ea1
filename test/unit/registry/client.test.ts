import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RegistryClient, type RegistryClientSettings } from '../../../src/registry/client.js'
import { parseReference } from '../../../src/oci/reference.js'
import type { Descriptor } from '../../../src/model/common.js'
import { type FakeRegistry, json, startFakeRegistry } from '../../setup/fake-registry.js'
import { buildImage, buildIndex, sha256 } from '../../setup/images.js'

const retry = { retries: 3, baseMs: 1, maxRetryAfterMs: 2_000 }
const image = buildImage({ layers: [[{ name: 'a', body: Buffer.alloc(300_000, 'a') }]], gzip: false })
const layer = image.layers[0]!
const index = buildIndex([image])
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

describe('resolve', () => {
  it('takes the descriptor from HEAD and reads no body', async () => {
    expect(await client.resolve(reference())).toEqual({ descriptor: image.target })
    expect(registry.requests.map(({ method }) => method)).toEqual(['HEAD'])
    expect(String(registry.requests[0]!.headers.accept)).toContain('application/vnd.oci.image.index.v1+json')
  })
  it('hashes the body where the digest header is missing', async () => {
    registry.hiddenHeaders.add('docker-content-digest')
    const { descriptor, bytes } = await client.resolve(reference())
    expect(descriptor).toEqual(image.target)
    expect(Buffer.from(bytes ?? [])).toEqual(image.manifest)
  })
  it.each([405, 400, 501])('asks by GET where HEAD answers %d', async (status) => {
    registry.fault = ({ method }, response) => {
      if (method === 'HEAD') json(response, status, {})
      return method === 'HEAD'
    }
    expect((await client.resolve(reference())).descriptor).toEqual(image.target)
  })
  it('resolves an index', async () => {
    registry.add('team/app', 'all', index)
    expect((await client.resolve(reference(`${registry.host}/team/app:all`))).descriptor).toEqual(index.target)
  })
  it('trusts a digest in the reference more than the header', async () => {
    registry.fault = (_, response) => {
      response.setHeader('docker-content-digest', sha256(Buffer.from('other')))
      json(response, 200, {})
      return true
    }
    registry.hiddenHeaders.add('docker-content-digest')
    await expect(client.resolve(reference(`${registry.host}/team/app@${image.target.digest}`))).rejects.toMatchObject({ code: 'internal' })
    registry.fault = (_, response) => {
      response.writeHead(200, {
        'docker-content-digest': sha256(Buffer.from('other')),
        'content-type': image.target.mediaType,
        'content-length': '10',
      })
      response.end()
      return true
    }
    await expect(client.resolve(reference(`${registry.host}/team/app@${image.target.digest}`))).rejects.toMatchObject({ code: 'data_loss' })
  })
  it('throws data_loss when a body has another digest than its header', async () => {
    registry.fault = ({ method }, response) => {
      if (method === 'HEAD') {
        json(response, 405, {})
        return true
      }
      response.writeHead(200, { 'docker-content-digest': sha256(Buffer.from('other')), 'content-type': image.target.mediaType })
      response.end(image.manifest)
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'data_loss' })
  })
  it('throws not_found naming the reference', async () => {
    await expect(client.resolve(reference(`${registry.host}/team/none:9`))).rejects.toMatchObject({
      code: 'not_found',
      message: `registry "${registry.host}" has no image "${registry.host}/team/none:9"`,
    })
  })
  it('says that a web page is no manifest', async () => {
    registry.fault = ({ method }, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(method === 'HEAD' ? '' : '<html></html>')
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('"text/html"') as string,
    })
  })
  it('refuses a manifest that never ends', async () => {
    registry.fault = ({ method }, response) => {
      if (method === 'HEAD') {
        json(response, 405, {})
        return true
      }
      response.writeHead(200, { 'content-type': image.target.mediaType })
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(256 << 10), () => setImmediate(more)) // Node 24 may call back before it reads anything
      }
      more()
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'resource_exhausted' })
  })
  it('refuses a manifest that says it is huge without reading it', async () => {
    registry.fault = (_, response) => {
      response.writeHead(200, {
        'content-type': image.target.mediaType,
        'content-length': String(1 << 30),
        'docker-content-digest': image.target.digest,
      })
      response.flushHeaders()
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'resource_exhausted' })
    expect(registry.requests).toHaveLength(1)
  })
  it('says what a manifest of schema 1 is', async () => {
    registry.fault = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }).end('{}')
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'unsupported' })
  })
  it('asks mirrors first and the host when they fail', async () => {
    await using mirror = await startFakeRegistry()
    await renew({ options: { hosts: { [registry.host]: { mirrors: [mirror.host] } } } })
    expect((await client.resolve(reference())).descriptor).toEqual(image.target)
    mirror.add('team/app', '1', index)
    expect((await client.resolve(reference())).descriptor).toEqual(index.target)
  })
})

describe('authentication', () => {
  it('gets an anonymous token once for a repository', async () => {
    registry.auth = 'bearer'
    const { descriptor } = await client.resolve(reference())
    await Promise.all([client.manifest(reference(), descriptor), read(layer.descriptor)])
    const tokens = registry.requests.filter(({ kind }) => kind === 'token')
    expect(tokens.map(({ url }) => url)).toEqual(['/token?service=fake%2C+really&scope=repository%3Aany%3Apull'])
    expect(tokens[0]!.headers.authorization).toBeUndefined()
  })
  it('gets one token for several calls at once', async () => {
    registry.auth = 'bearer'
    await Promise.all([client.resolve(reference()), client.resolve(reference()), client.resolve(reference())])
    expect(registry.requests.filter(({ kind }) => kind === 'token')).toHaveLength(1)
  })
  it('gets a new token when the old one ends in the middle of a pull', async () => {
    registry.auth = 'bearer'
    const { descriptor } = await client.resolve(reference())
    let ended = true
    registry.fault = ({ kind }, response) => {
      if (kind !== 'manifest' || !ended) return false
      ended = false
      json(response, 401, {}, { 'www-authenticate': `Bearer realm="${registry.url}/token"` })
      return true
    }
    await client.manifest(reference(), descriptor)
    expect(registry.requests.filter(({ kind }) => kind === 'token')).toHaveLength(2)
  })
  it('throws unauthenticated when the token is not enough', async () => {
    registry.fault = ({ kind }, response) => {
      if (kind === 'token') return false
      json(response, 401, {}, { 'www-authenticate': `Bearer realm="${registry.url}/token",error="insufficient_scope"` })
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({
      code: 'unauthenticated',
      message: expect.not.stringContaining('token') as string,
    })
    expect(registry.requests.filter(({ kind }) => kind === 'token')).toHaveLength(1)
  })
  it('throws unauthenticated for a registry that wants a password', async () => {
    registry.auth = 'basic'
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'unauthenticated' })
  })
  it('throws permission_denied for 403', async () => {
    registry.fault = (_, response) => {
      json(response, 403, {})
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'permission_denied' })
  })
  it('asks no plain address outside for the token of a registry', async () => {
    registry.fault = (_, response) => {
      json(response, 401, {}, { 'www-authenticate': 'Bearer realm="file:///etc/passwd"' })
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'unauthenticated' })
  })
  it('shows the token in no message', async () => {
    registry.auth = 'bearer'
    await client.resolve(reference())
    registry.fault = (_, response) => {
      json(response, 500, { errors: [{ message: 'Bearer anonymous-token' }] })
      return true
    }
    const error = await client.resolve(reference()).catch((caught: unknown) => caught)
    expect(String(error) + JSON.stringify(error)).not.toContain('anonymous-token')
  })
})

describe('retries', () => {
  it('waits as long as 429 asks for', async () => {
    registry.fault = ({ before }, response) => {
      if (before === 0) json(response, 429, {}, { 'retry-after': '1' })
      return before === 0
    }
    const waits: number[] = []
    await renew({
      retry: {
        ...retry,
        sleep: async (ms) => {
          waits.push(ms)
        },
      },
    })
    await client.resolve(reference())
    expect(waits).toEqual([1_000])
  })
  it('takes a date in Retry-After', async () => {
    registry.fault = ({ before }, response) => {
      if (before === 0) json(response, 429, {}, { 'retry-after': new Date().toUTCString() })
      return before === 0
    }
    await client.resolve(reference())
    expect(registry.requests).toHaveLength(2)
  })
  it('does not wait for an hour', async () => {
    registry.fault = (_, response) => {
      json(response, 429, {}, { 'retry-after': '3600' })
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'resource_exhausted', retryable: true })
    expect(registry.requests).toHaveLength(1)
  })
  it('tries again after 503', async () => {
    registry.fault = ({ before }, response) => {
      if (before < 2) json(response, 503, {})
      return before < 2
    }
    await client.resolve(reference())
    expect(registry.requests).toHaveLength(3)
  })
  it('gives up as unavailable when 5xx goes on', async () => {
    registry.fault = (_, response) => {
      json(response, 502, {})
      return true
    }
    await expect(client.resolve(reference())).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    expect(registry.requests).toHaveLength(4)
  })
  it('names the host of a refused connection', async () => {
    const { host } = registry
    await registry.close()
    await expect(client.resolve(parseReference(`${host}/a:1`))).rejects.toMatchObject({
      code: 'unavailable',
      message: `registry "${host}" cannot be reached: connection refused`,
    })
  })
  it('does not wait for a silent server for ever', async () => {
    await renew({ retry: { ...retry, retries: 0 }, timeouts: { connectMs: 1_000, headersMs: 100, bodyMs: 100 } })
    registry.fault = () => true
    await expect(client.resolve(reference())).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('no answer in time') as string,
    })
  })
})

describe('manifest', () => {
  it('throws data_loss for other bytes', async () => {
    registry.replace(image.target.digest, Buffer.from('{"other":1}'))
    await expect(client.manifest(reference(), image.target)).rejects.toMatchObject({ code: 'data_loss' })
  })
  it('throws resource_exhausted for one that is said to be huge without asking for it', async () => {
    await expect(client.manifest(reference(), { ...image.target, size: 1 << 30 })).rejects.toMatchObject({ code: 'resource_exhausted' })
    expect(registry.requests).toHaveLength(0)
  })
})

it('closes twice', async () => {
  await client.resolve(reference())
  await client.close()
  await client.close()
})
