import { describe, expect, it } from 'vitest'
import { pouch } from '../../../../../src/backends/http/dialects/pouch.js'
import { toPouchBody, toPouchUpdates } from '../../../../../src/backends/http/dialects/pouch-body.js'
import { refusePouchChange, refusePouchSpec } from '../../../../../src/backends/http/dialects/pouch-refusals.js'
import { HttpFailure, toEngineError } from '../../../../../src/backends/http/errors.js'
import { toCreateBody, toResources } from '../../../../../src/backends/http/wire/create-body.js'
import type { ContainerChange } from '../../../../../src/model/container.js'
import type { ContainerSettings, ContainerSpec } from '../../../../../src/model/container-spec.js'

/** As it goes over the wire: JSON has no `undefined`. */
function body(settings: ContainerSettings): { readonly HostConfig: Readonly<Record<string, unknown>>; readonly [field: string]: unknown } {
  const spec: ContainerSpec = { image: 'x', ...settings }
  const plain = toCreateBody(spec, { labels: {}, networksAtCreate: 9, createsSources: false })
  return JSON.parse(JSON.stringify(toPouchBody(plain, spec))) as ReturnType<typeof body>
}
function updates(change: ContainerChange): unknown {
  return JSON.parse(JSON.stringify(toPouchUpdates(toResources(change.resources ?? {}), change)))
}

describe("pouchd's create", () => {
  it('has its own fields under its own names', () => {
    const made = body({
      rich: { mode: 'sbin-init', initScript: '/opt/prepare --quick' },
      diskQuota: { '/': 10 << 20, '/data': 5 },
      annotations: { 'a.b': 'c' },
      lxcfs: true,
      resources: { intelRdt: { l3CacheSchema: 'L3:0=f' } },
      networkMode: { netns: '/run/netns/blue' },
    })
    expect(made).toMatchObject({
      Rich: true,
      RichMode: 'sbin-init',
      InitScript: '/opt/prepare --quick',
      DiskQuota: { '/': '10485760B', '/data': '5B' },
      SpecAnnotation: { 'a.b': 'c' },
      HostConfig: { EnableLxcfs: true, IntelRdtL3Cbm: 'L3:0=f', NetworkMode: 'netns:/run/netns/blue' },
    })
    expect(made.HostConfig).not.toHaveProperty('Annotations')
  })
  it('says mounts as binds, since those of the other form are ignored', () => {
    const { HostConfig } = body({
      mounts: [
        { type: 'bind', source: '/etc/app', target: '/app', readOnly: true },
        { type: 'bind', source: '/run', target: '/run', createSource: true, propagation: 'shared' },
        { type: 'volume', source: 'data', target: '/data' },
        { type: 'volume', source: 'cache', target: '/cache', readOnly: true, noCopy: true },
      ],
    })
    expect(HostConfig['Binds']).toEqual(['/etc/app:/app:ro,rprivate', '/run:/run:rw,rshared', 'data:/data:rw', 'cache:/cache:ro,nocopy'])
    expect(HostConfig).not.toHaveProperty('Mounts')
  })
  it('says cores as a quota', () => {
    const { HostConfig } = body({ resources: { cpus: 1.5 } })
    expect([HostConfig['CpuQuota'], HostConfig['CpuPeriod']]).toEqual([150_000, 100_000])
    expect(HostConfig).not.toHaveProperty('NanoCpus')
    expect(body({ resources: { cpus: 0.01 } }).HostConfig['CpuQuota']).toBe(1_000)
  })
  it('clears an entry point with an empty list, and leaves it alone without one', () => {
    expect(body({ entrypoint: [] })['Entrypoint']).toEqual([])
    expect(body({ entrypoint: ['/e'] })['Entrypoint']).toEqual(['/e'])
    expect(body({})).not.toHaveProperty('Entrypoint')
  })
  it('names the bridge where nothing is said, for there is no "default"', () => {
    expect(body({}).HostConfig['NetworkMode']).toBe('bridge')
    expect(body({ networkMode: 'none' }).HostConfig['NetworkMode']).toBe('none')
    expect(body({ networks: [{ name: 'back' }] }).HostConfig['NetworkMode']).toBe('back')
  })
})

describe("pouchd's update", () => {
  it('changes limits first, then quotas, then what cannot fail', () => {
    expect(
      updates({
        resources: { cpus: 0.5, memoryBytes: 64 << 20 },
        labels: { team: 'b', old: null, note: 'a=b' },
        env: { COLOUR: 'red', SHAPE: null, EMPTY: '' },
      }),
    ).toEqual([
      { Memory: 64 << 20, CpuQuota: 50_000, CpuPeriod: 100_000 },
      { Label: ['team=b', 'old=', 'note=a=b'], Env: ['COLOUR=red', 'SHAPE', 'EMPTY='] },
    ])
    expect(updates({ diskQuota: { '/': 1 << 30 } })).toEqual([{ DiskQuota: { '/': '1073741824B' } }])
  })
  it('asks nothing for nothing', () => {
    expect(updates({})).toEqual([])
  })
  it.each<[ContainerChange, string]>([
    [{ resources: { pids: 5 } }, 'resources.pids: pouchd does not change it'],
    [{ resources: { cpus: 1 }, diskQuota: { '/': 1 } }, 'diskQuota: pouchd does not take it back'],
    [{ labels: { a: '' } }, 'labels: pouchd takes a label away'],
    [{ labels: { 'a=b': 'c' } }, 'labels: pouchd ends the name of a label'],
  ])('refuses %j', (change, message) => {
    expect(() => {
      refusePouchChange(change)
    }).toThrow(expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(message) as string }))
  })
  it.each<[ContainerChange]>([
    [{ labels: { a: null, b: 'c' } }],
    [{ resources: { cpus: 1 }, labels: { a: 'b' } }],
    [{ diskQuota: { '/': 1 } }],
  ])('takes %j', (change) => {
    expect(() => {
      refusePouchChange(change)
    }).not.toThrow()
  })
})

describe('what pouchd would ignore or mistake', () => {
  const refuse =
    (settings: ContainerSettings, info: Readonly<Record<string, unknown>> = { SecurityOptions: [] }) =>
    () => {
      refusePouchSpec({ image: 'x', ...settings }, { info })
    }
  it.each<[ContainerSettings, string]>([
    [{ rich: { mode: 'tini' } }, 'rich.mode'],
    [{ diskQuota: { '/a&/b': 5 } }, 'diskQuota'],
    [{ annotations: { __memory_extra_in_bytes: '1' } }, 'annotations'],
    [{ groups: ['44', 'video'] }, 'groups'],
    [{ security: { seccomp: { profile: '{}' } } }, 'security.seccomp'],
    [{ security: { apparmor: 'web' } }, 'security.apparmor'],
    [{ security: { maskedPaths: [] } }, 'security.maskedPaths'],
    [{ security: { readOnlyPaths: [] } }, 'security.readOnlyPaths'],
    [{ mounts: [{ type: 'bind', source: '/a:b', target: '/c' }] }, 'mounts'],
    [{ mounts: [{ type: 'volume', source: 'data', target: '/c:d' }] }, 'mounts'],
    [{ stopSignal: 'SIGINT', restart: { policy: 'always' } }, 'stopSignal'],
  ])('%j is unsupported and names the field', (settings, field) => {
    expect(refuse(settings)).toThrow(
      expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(new RegExp(`^${field}: `)) as string }),
    )
  })
  it.each<[ContainerSettings]>([
    [{ rich: { mode: 'dumb-init' } }],
    [{ rich: { mode: 'systemd' }, security: { privileged: true } }],
    [{ groups: ['44'], name: 'ab', annotations: { 'a.__b': 'c' } }],
    [{ security: { seccomp: 'unconfined', apparmor: 'unconfined', maskedPaths: ['/proc/kcore'] } }],
    [{ mounts: [{ type: 'bind', source: '/a', target: '/c' }] }],
  ])('%j is taken', (settings) => {
    expect(refuse(settings)).not.toThrow()
  })
  it('a profile goes to a daemon that was built for it', () => {
    expect(
      refuse({ security: { seccomp: { profile: '{}' }, apparmor: 'web' } }, { SecurityOptions: ['name=seccomp', 'name=apparmor'] }),
    ).not.toThrow()
  })
  it('what is wrong on every pouchd is an argument', () => {
    expect(refuse({ rich: { mode: 'systemd' } })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(refuse({ name: 'a' })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    for (const mount of [
      { type: 'bind', source: 'data', target: '/data' },
      { type: 'bind', source: '/data', target: 'data' },
    ] as const)
      expect(refuse({ mounts: [mount] })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

it('a container that goes away while it is looked for is not_found, though the daemon says 500 in words of its store', () => {
  const request = { method: 'GET', path: '/containers/ab/json' } as const
  const failure = new HttpFailure(request, 500, 'failed to get container info with prefix ab: Object not found')
  expect(toEngineError(failure, { request, rules: pouch.errors }).code).toBe('not_found')
})
