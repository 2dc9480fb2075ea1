import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { TransferProgress } from '../../../../src/model/image.js'
import { chainIds } from '../../../../src/managers/image/unpack.js'
import { cut, type FakeRegistry, json, startFakeRegistry } from '../../../setup/fake-registry.js'
import { buildImage, buildIndex, buildLayer, mediaTypes, sha256 } from '../../../setup/images.js'
import { ImageLab } from '../../../setup/image-context.js'

const base = buildLayer([{ name: 'etc/' }, { name: 'etc/a', body: 'a' }])
const big = buildLayer([{ name: 'b', body: Buffer.from(Array.from({ length: 3 << 20 }, (_, at) => (at * 7919 + (at >> 8)) & 0xff)) }], {
  gzip: false,
})
const image = buildImage({ layers: [base, big], config: { Env: ['A=1'], Cmd: ['sh'] } })
const other = buildImage({ layers: [base], platform: { architecture: 's390x' } })
let registry: FakeRegistry
let lab: ImageLab

beforeEach(async () => {
  registry = await startFakeRegistry()
  lab = new ImageLab()
})
afterEach(async () => {
  await lab.images.close()
  await registry.close()
})
/** Everything that is left after a collection: nothing, when a pull failed. */
async function left(): Promise<unknown> {
  await lab.storage.collect()
  return { blobs: lab.blobs, snapshots: lab.snapshots, names: lab.names, leases: lab.state.leases.size }
}
const nothing = { blobs: [], snapshots: [], names: [], leases: 0 }

describe('pull', () => {
  it('stores, unpacks and names an image so that a collection keeps all of it', async () => {
    const ref = registry.add('team/app', '1', image)
    const info = await lab.images.pull(ref)
    expect(info).toMatchObject({
      id: image.configDescriptor.digest,
      names: [ref],
      target: image.target,
      layers: [base.diffId, big.diffId],
      config: { env: { A: '1' }, command: ['sh'] },
      usedBy: [],
    })
    expect(info.sizeBytes).toBeGreaterThan(3 << 20)
    await lab.storage.collect()
    expect(lab.blobs.sort()).toEqual([...image.blobs.keys()].sort())
    expect(lab.snapshots.sort()).toEqual([...chainIds([base.diffId, big.diffId])].sort())
    expect(lab.state.blobs.get(base.descriptor.digest)?.sources).toEqual([`${registry.host}/team/app`])
    expect(lab.events).toEqual([`pull ${ref}`])
    expect(lab.state.leases.size).toBe(0)
  })
  it('takes from an index what runs here, and keeps the index', async () => {
    const attestation = {
      ...buildImage({ layers: [base] }).target,
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    }
    const index = buildIndex([other, image], 'oci', [attestation])
    const info = await lab.images.pull(registry.add('app', '1', index))
    expect(info).toMatchObject({ id: image.configDescriptor.digest, target: index.target })
    expect(lab.blobs).not.toContain(other.target.digest)
  })
  it('names the platforms there are when none fits', async () => {
    await expect(lab.images.pull(registry.add('app', '1', buildIndex([other])))).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('only for linux/s390x') as string,
    })
    expect(await left()).toEqual(nothing)
  })
  it('takes another platform when it is asked for', async () => {
    const info = await lab.images.pull(registry.add('app', '1', buildIndex([other, image])), { platform: 'linux/s390x' })
    expect(info).toMatchObject({ id: other.configDescriptor.digest, platform: 'linux/s390x' })
  })
  it('takes a single image whatever it is for, but not against a platform asked for', async () => {
    const ref = registry.add('app', '1', other)
    await expect(lab.images.pull(ref, { platform: 'linux/amd64' })).rejects.toMatchObject({ code: 'not_found' })
    expect(await left()).toEqual(nothing)
    expect((await lab.images.pull(ref)).platform).toBe('linux/s390x')
  })
  it('gives the name of a pull by digest the digest', async () => {
    registry.add('team/app', '1', image)
    const { names } = await lab.images.pull(`${registry.host}/team/app:1@${image.target.digest}`)
    expect(names).toEqual([`${registry.host}/team/app@${image.target.digest}`])
  })
  it('fetches no blob that is here', async () => {
    const ref = registry.add('app', '1', image)
    await lab.images.pull(ref)
    registry.requests.length = 0
    await lab.images.pull(ref)
    expect(registry.requests.map(({ method, kind }) => `${method} ${kind}`)).toEqual(['HEAD manifest'])
  })
  it('goes on with a part that an earlier pull left', async () => {
    const ref = registry.add('app', '1', image)
    const abort = new AbortController()
    const stopped = lab.images.pull(ref, {
      signal: abort.signal,
      onProgress: ({ layer, doneBytes, phase }) => {
        if (phase === 'download' && layer === big.descriptor.digest && doneBytes > 1 << 20) abort.abort(new Error('stop'))
      },
    })
    await expect(stopped).rejects.toThrow('stop')
    const held = await lab.storage.content.resumePoint(big.descriptor)
    expect(held).toBeGreaterThan(1 << 20)
    await lab.images.pull(ref)
    expect(registry.blobRequests(big.descriptor.digest).map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${held}-`])
  })
  it('begins again when the part that an earlier pull left was wrong', async () => {
    const ref = registry.add('app', '1', image)
    lab.state.parts.set(big.descriptor.digest, Buffer.alloc(2 << 20, 'x'))
    await lab.images.pull(ref)
    expect(registry.blobRequests(big.descriptor.digest).map(({ headers }) => headers.range)).toEqual([`bytes=${2 << 20}-`, undefined])
  })
  it('goes on by itself when a connection breaks', async () => {
    const ref = registry.add('app', '1', image)
    registry.fault = ({ reference, before }, response) => {
      if (reference !== big.descriptor.digest || before > 0) return false
      cut(response, big.bytes, 1 << 20)
      return true
    }
    await lab.images.pull(ref)
    expect(registry.blobRequests(big.descriptor.digest)).toHaveLength(2)
  })
  it.each([
    ['a wrong digest', (): Buffer => Buffer.from(base.bytes).fill(1, 20, 30)],
    ['fewer bytes than the manifest says', (): Buffer => base.bytes.subarray(0, 50)],
    ['more bytes than the manifest says', (): Buffer => Buffer.concat([base.bytes, Buffer.alloc(9)])],
  ])('throws data_loss for a layer with %s and keeps nothing', async (_, bytes) => {
    const ref = registry.add('app', '1', image)
    registry.replace(base.descriptor.digest, bytes())
    registry.hiddenHeaders.add('content-length')
    await expect(lab.images.pull(ref)).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
    expect(await lab.storage.content.resumePoint(base.descriptor)).toBe(0)
  })
  it('throws data_loss for a layer with another diff id and keeps nothing', async () => {
    const ref = registry.add('app', '1', buildImage({ layers: [base], diffIds: [sha256(Buffer.from('no'))] }))
    await expect(lab.images.pull(ref)).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
    expect(lab.failedUndos).toEqual([])
  })
  it('throws data_loss when config and manifest count other layers', async () => {
    const ref = registry.add('app', '1', buildImage({ layers: [base], diffIds: [] }))
    await expect(lab.images.pull(ref)).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
  })
  it('leaves the old image under the name when it fails', async () => {
    const ref = registry.add('app', '1', other)
    await lab.images.pull(ref)
    registry.add('app', '1', image)
    registry.fault = ({ reference }, response) => {
      if (reference === big.descriptor.digest) json(response, 404, {})
      return reference === big.descriptor.digest
    }
    await expect(lab.images.pull(ref)).rejects.toMatchObject({ code: 'not_found' })
    expect((await lab.images.get(ref)).id).toBe(other.configDescriptor.digest)
  })
  it('keeps an image in use without a name when its name moves, and no other', async () => {
    const ref = registry.add('app', '1', other)
    await lab.images.pull(ref)
    lab.users.set(other.configDescriptor.digest, ['c1'])
    registry.add('app', '1', image)
    await lab.images.pull(ref)
    expect(await lab.images.get(other.configDescriptor.digest)).toMatchObject({ names: [], usedBy: ['c1'] })
    lab.users.clear()
    registry.add('app', '1', other)
    await lab.images.pull(ref)
    expect(lab.names).toEqual([ref])
  })
  it('refuses what is no container image', async () => {
    const chart = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.oci.manifest,
        config: { ...image.configDescriptor, mediaType: 'application/vnd.cncf.helm.config.v1+json' },
        layers: [],
      }),
    )
    const blobs = new Map([...image.blobs, [sha256(chart), chart] as const])
    const ref = registry.add('app', '1', {
      target: { mediaType: mediaTypes.oci.manifest, digest: sha256(chart), size: chart.length },
      manifest: chart,
      blobs,
    })
    await expect(lab.images.pull(ref)).rejects.toMatchObject({ code: 'unsupported' })
  })
  it('fetches a foreign layer from where it is said to be, and from nowhere else than by http', async () => {
    await using elsewhere = await startFakeRegistry()
    elsewhere.add('x', '1', image)
    const foreign = (url: string): string => {
      const layers = [{ ...base.descriptor, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', urls: [url] }]
      const config = buildImage({ layers: [base] })
      const manifest = Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.docker.manifest, config: config.configDescriptor, layers }),
      )
      const blobs = new Map([
        [config.configDescriptor.digest, config.config],
        [sha256(manifest), manifest],
      ])
      return registry.add('foreign', '1', {
        target: { mediaType: mediaTypes.docker.manifest, digest: sha256(manifest), size: manifest.length },
        manifest,
        blobs,
      })
    }
    await expect(lab.images.pull(foreign('file:///etc/passwd'))).rejects.toMatchObject({ code: 'not_found' })
    await lab.images.pull(foreign(`${elsewhere.url}/v2/x/blobs/${base.descriptor.digest}`))
    expect(elsewhere.requests).toHaveLength(1)
  })
  it('tells the progress of each layer and survives a listener that throws', async () => {
    const seen: TransferProgress[] = []
    await lab.images.pull(registry.add('app', '1', image), {
      onProgress: (progress) => {
        seen.push(progress)
        throw new Error('mine')
      },
    })
    const phases = (layer: string | undefined): string[] => [
      ...new Set(seen.filter((one) => one.layer === layer).map(({ phase }) => phase)),
    ]
    expect(phases(undefined)).toEqual(['resolve', 'done'])
    expect(phases(big.descriptor.digest)).toEqual(['download', 'verify', 'unpack', 'done'])
    const downloads = seen
      .filter(({ layer, phase }) => layer === big.descriptor.digest && phase === 'download')
      .map(({ doneBytes }) => doneBytes)
    expect(downloads).toEqual([...downloads].sort((a, b) => a - b))
    expect(downloads.at(-1)).toBe(big.descriptor.size)
  })
  it('refuses malformed names and platforms, and credentials, before it asks anybody', async () => {
    await expect(lab.images.pull('busybox:not a tag')).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(lab.images.pull(`${registry.host}/a`, { platform: 'a/b/c/d' })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(lab.images.pull(`${registry.host}/a`, { auth: { username: 'me', password: 'secret' } })).rejects.toMatchObject({
      code: 'unsupported',
    })
    expect(registry.requests).toEqual([])
  })
  it('pulls an image without layers, and one that has the same layer twice', async () => {
    expect((await lab.images.pull(registry.add('empty', '1', buildImage({ layers: [] })))).sizeBytes).toBe(0)
    const twice = buildImage({ layers: [base, base] })
    expect((await lab.images.pull(registry.add('twice', '1', twice))).layers).toEqual([base.diffId, base.diffId])
    expect(registry.blobRequests(base.descriptor.digest)).toHaveLength(1)
  })
})

describe('several pulls of one image at once', () => {
  it('all succeed in one process and fetch each blob once', async () => {
    const ref = registry.add('app', '1', image)
    const infos = await Promise.all(Array.from({ length: 5 }, () => lab.images.pull(ref)))
    expect(new Set(infos.map(({ id }) => id)).size).toBe(1)
    expect(registry.blobRequests(big.descriptor.digest)).toHaveLength(1)
  })
  it('all succeed in several processes', async () => {
    const ref = registry.add('app', '1', image)
    const managers = Array.from({ length: 4 }, () => lab.manager())
    const infos = await Promise.all(managers.map((manager) => manager.pull(ref)))
    expect(infos.map(({ id }) => id)).toEqual(managers.map(() => image.configDescriptor.digest))
    await Promise.all(managers.map((manager) => manager.close()))
    await lab.storage.collect()
    expect(lab.snapshots).toHaveLength(2)
  })
  it('the others succeed when one is aborted', async () => {
    const ref = registry.add('app', '1', image)
    const abort = new AbortController()
    const aborted = lab.images.pull(ref, {
      signal: abort.signal,
      onProgress: ({ phase }) => {
        if (phase === 'unpack') abort.abort(new Error('stop'))
      },
    })
    const others = Promise.all([lab.images.pull(ref), lab.manager().pull(ref)])
    await expect(aborted).rejects.toThrow('stop')
    await expect(others).resolves.toHaveLength(2)
  })
})

describe('an abort', () => {
  it('at any request to the registry leaves nothing but parts', async () => {
    const ref = registry.add('app', '1', buildIndex([image]))
    await lab.images.pull(ref)
    const requests = registry.requests.length
    for (let at = 0; at < requests; at++) {
      lab = new ImageLab()
      registry.requests.length = 0
      const abort = new AbortController()
      registry.fault = () => {
        if (registry.requests.length === at + 1) abort.abort(new Error('stop'))
        return registry.requests.length === at + 1
      }
      await expect(lab.images.pull(ref, { signal: abort.signal })).rejects.toThrow('stop')
      expect(await left()).toEqual(nothing)
      await lab.images.close()
    }
  })
  it('before it begins asks nobody', async () => {
    await expect(lab.images.pull(`${registry.host}/a`, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
    expect(registry.requests).toEqual([])
  })
})
