import { describe, expect, it } from 'vitest'
import type { Method } from '../../../../../src/backends/http/calls.js'
import { pouch } from '../../../../../src/backends/http/dialects/pouch.js'
import { HttpFailure, toEngineError } from '../../../../../src/backends/http/errors.js'
import { resourceDialects } from '../../../../../src/backends/http/resource-dialect.js'
import { parsePathStat } from '../../../../../src/backends/http/wire/file.js'
import { imageAnswer, toHistory, toImageInfo } from '../../../../../src/backends/http/wire/image.js'
import { networkAnswer, toNetworkInfo } from '../../../../../src/backends/http/wire/network.js'
import { parse } from '../../../../../src/backends/http/wire/parse.js'
import { toVolumeInfo, volumeAnswer } from '../../../../../src/backends/http/wire/volume.js'
import type { Digest } from '../../../../../src/model/common.js'

const id = `sha256:${'a'.repeat(64)}`
const image = (answer: object) => toImageInfo(parse(imageAnswer, { Id: id, ...answer }, 'test'), [])

describe('an image', () => {
  it('may be all nulls', () => {
    expect(image({ RepoTags: null, RepoDigests: null, Config: null, RootFS: null, Size: null, Created: null })).toEqual({
      id,
      names: [],
      target: undefined,
      platform: 'linux/unknown',
      createdAt: undefined,
      sizeBytes: 0,
      layers: [],
      config: {},
      usedBy: [],
    })
  })
  it('has whole names, and a digest for one only where its repository has no tag', () => {
    const digest = `sha256:${'b'.repeat(64)}`
    const { names } = image({
      RepoTags: ['busybox:1', '<none>:<none>', 'registry.example:5000/a/b:2'],
      RepoDigests: [`busybox@${digest}`, `registry.example:5000/other@${digest}`, '<none>@<none>'],
    })
    expect(names).toEqual(['docker.io/library/busybox:1', 'registry.example:5000/a/b:2', `registry.example:5000/other@${digest}`])
  })
  it('has the id that it has elsewhere where Podman leaves the algorithm out', () => {
    expect(toImageInfo(parse(imageAnswer, { Id: 'a'.repeat(64) }, 'test'), []).id).toBe(id)
  })
  it('has the name that Docker Hub has elsewhere, whatever pouchd calls that', () => {
    const answer = parse(imageAnswer, { Id: id, RepoTags: ['registry.hub.docker.com/library/busybox:1'] }, 'test')
    expect(toImageInfo(answer, [], resourceDialects.pouchd.hub).names).toEqual(['docker.io/library/busybox:1'])
  })
  it('is created when pouchd says so, too', () => {
    expect(image({ CreatedAt: '2020-01-02T03:04:05Z' }).createdAt).toEqual(new Date('2020-01-02T03:04:05Z'))
    expect(image({ Created: '0001-01-01T00:00:00Z' }).createdAt).toBeUndefined()
  })
  it('of another shape is internal, and what it said is not in the message', () => {
    expect(() => image({ RepoTags: 'secret' })).toThrow(
      expect.objectContaining({ code: 'internal', message: expect.not.stringContaining('secret') }),
    )
  })
})

describe('history', () => {
  const layers = ['1', '2'].map((digit): Digest => `sha256:${digit.repeat(64)}`)
  it('names the layers of the steps that made one, newest first', () => {
    const steps = [
      { CreatedBy: 'c', Size: 5 },
      { CreatedBy: 'b', Size: 0 },
      { CreatedBy: 'a', Size: 7 },
    ]
    expect(toHistory(steps, layers).map(({ createdBy, layer }) => [createdBy, layer])).toEqual([
      ['c', layers[1]],
      ['b', undefined],
      ['a', layers[0]],
    ])
  })
  it('names none where it cannot be told which', () => {
    expect(toHistory([{ CreatedBy: 'a', Size: 7 }], layers).map(({ layer }) => layer)).toEqual([undefined])
  })
  it('goes by what pouchd says of empty layers, and reads its nanoseconds', () => {
    const steps = [
      { CreatedBy: 'b', Size: 0, EmptyLayer: false, Created: 1_577_934_245_000_000_000 },
      { CreatedBy: 'a', Size: 7, EmptyLayer: false, Created: 1_577_934_245 },
    ]
    expect(toHistory(steps, layers).map(({ createdAt, layer }) => [createdAt?.toISOString(), layer])).toEqual([
      ['2020-01-02T03:04:05.000Z', layers[1]],
      ['2020-01-02T03:04:05.000Z', layers[0]],
    ])
  })
})

describe('the stat of a path', () => {
  const header = (stat: object): string => Buffer.from(JSON.stringify(stat)).toString('base64')
  it.each([
    ['file', 0o644, 0o644],
    ['directory', 2 ** 31 + 2 ** 20 + 0o777, 0o1777],
    ['symlink', 2 ** 27 + 0o777, 0o777],
    ['file', 2 ** 23 + 2 ** 22 + 0o755, 0o6755],
    ['device', 2 ** 26 + 2 ** 21 + 0o660, 0o660],
    ['fifo', 2 ** 25 + 0o600, 0o600],
    ['socket', 2 ** 24 + 0o700, 0o700],
  ])("of a %s is told from Go's mode %i", (type, mode, permissions) => {
    const stat = parsePathStat(header({ name: 'x', size: 3, mode, mtime: '2020-01-02T03:04:05Z', linkTarget: '' }), '/a/b')
    expect([stat.type, stat.mode, stat.name, stat.sizeBytes]).toEqual([type, permissions, 'b', 3])
  })
  it('is read as pouchd writes it', () => {
    expect(parsePathStat(header({ name: 'x', size: '12', mode: 420, mtime: '2020-01-02T03:04:05Z', path: '/x' }), '/x').sizeBytes).toBe(12)
  })
  it('is internal when it is missing or no JSON', () => {
    for (const bad of [undefined, 'no base64 of JSON', header([])])
      expect(() => parsePathStat(bad, '/x')).toThrow(expect.objectContaining({ code: 'internal' }))
  })
})

describe('a network', () => {
  const network = parse(networkAnswer, { Id: 'n1', Name: 'bridge', Labels: null, Options: null, IPAM: { Config: null } }, 'test')
  const use = (networks: object, running = true) => ({
    id: 'c'.repeat(64),
    names: [],
    running,
    imageId: '',
    networks: networks as never,
    volumes: [],
  })
  const endpoints = (one: ReturnType<typeof use>, dialect = resourceDialects.docker) => toNetworkInfo(network, [one], dialect).endpoints
  it('has the containers that name it, running or not, without the alias that the daemon makes', () => {
    const endpoint = { EndpointID: 'e', IPAddress: '198.18.0.2', IPPrefixLen: 24, Gateway: '198.18.0.1', Aliases: ['api', 'c'.repeat(12)] }
    expect(endpoints(use({ bridge: endpoint }))).toMatchObject([
      { network: 'bridge', addresses: ['198.18.0.2/24'], gateways: ['198.18.0.1'], aliases: ['api'] },
    ])
    expect(endpoints(use({ bridge: {} }, false))).toHaveLength(1)
    expect(endpoints(use({ other: endpoint }))).toEqual([])
    expect(endpoints(use({ renamed: { ...endpoint, NetworkID: 'n1' } }))).toHaveLength(1)
  })
  it('does not count what Docker keeps of a connection that failed', () => {
    expect(endpoints(use({ bridge: { EndpointID: '', IPAddress: '' } }))).toEqual([])
  })
  it('goes by another name in the containers of Podman', () => {
    expect(endpoints(use({ podman: { IPAddress: '10.88.0.2', IPPrefixLen: 16 } }), resourceDialects.podman)).toHaveLength(1)
  })
})

it('a volume may be all nulls', () => {
  expect(toVolumeInfo(parse(volumeAnswer, { Name: 'v', Labels: null, Options: null, CreatedAt: null }, 'test'), [])).toEqual({
    name: 'v',
    driver: '',
    labels: {},
    options: {},
    createdAt: new Date(0),
    usedBy: [],
  })
})

describe('what pouchd says', () => {
  const said = (method: Method, path: string, status: number, message: string) =>
    toEngineError(new HttpFailure({ method, path }, status, message), { request: { method, path }, rules: pouch.errors }).code
  it.each([
    [
      'POST',
      '/images/create',
      404,
      'failed to do request: Head "https://a/v2/x": dial tcp: connect: connection refused: not found',
      'unavailable',
    ],
    ['POST', '/images/create', 404, 'registry.example/missing:v1 not found: not found', 'not_found'],
    ['POST', '/networks/create', 409, 'network n1: already existed', 'already_exists'],
    [
      'POST',
      '/networks/create',
      500,
      'failed to create network: could not find plugin x in v1 plugin registry: plugin not found',
      'unsupported',
    ],
    ['DELETE', '/networks/n1', 500, 'network n1 id 65cf has active endpoints', 'failed_precondition'],
    ['GET', '/containers/c/archive', 500, 'lstat /a: no such file or directory', 'not_found'],
  ] as const)('of %s %s with %i, "%s", is %s', (method, path, status, message, code) => {
    expect(said(method, path, status, message)).toBe(code)
  })
})
