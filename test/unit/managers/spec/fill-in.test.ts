import { describe, expect, it } from 'vitest'
import { fillIn } from '../../../../src/managers/spec/fill-in.js'
import { refuseUnsupported } from '../../../../src/managers/spec/unsupported.js'
import type { ContainerSettings } from '../../../../src/model/container-spec.js'
import type { ImageConfig } from '../../../../src/model/image.js'

const image: ImageConfig = {
  entrypoint: ['/image'],
  command: ['default'],
  env: { A: 'i', B: 'i' },
  workingDir: '/w',
  user: 'u',
  labels: { l: 'i', m: 'i' },
  stopSignal: '3',
}
const filled = (spec: ContainerSettings, config?: ImageConfig): ContainerSettings => fillIn({ image: 'x', ...spec }, config)

describe('fillIn', () => {
  it('takes what the image says where the user says nothing', () => {
    expect(filled({}, image)).toEqual({
      image: 'x',
      entrypoint: ['/image'],
      command: ['default'],
      env: { A: 'i', B: 'i' },
      workingDir: '/w',
      user: 'u',
      labels: { l: 'i', m: 'i' },
      stopSignal: 'SIGQUIT',
      stopGraceMs: 10_000,
    })
    expect(filled({})).toEqual({ image: 'x', env: {}, labels: {}, workingDir: '/', stopSignal: 'SIGTERM', stopGraceMs: 10_000 })
  })
  it.each<[string, ContainerSettings, readonly string[] | undefined, readonly string[] | undefined]>([
    ["a command replaces the image's", { command: ['c'] }, ['/image'], ['c']],
    ["an entry point clears the image's command", { entrypoint: ['e'] }, ['e'], undefined],
    ['both replace both', { entrypoint: ['e'], command: ['c'] }, ['e'], ['c']],
    ['an empty entry point clears only itself', { entrypoint: [] }, [], ['default']],
    ['an empty command counts as none', { command: [] }, ['/image'], ['default']],
  ])('%s', (_title, spec, entrypoint, command) => {
    expect(filled(spec, image).entrypoint).toEqual(entrypoint)
    expect(filled({ ...spec }, image).command ?? undefined).toEqual(command)
  })
  it("merges variables and labels, the user's over the image's", () => {
    expect(filled({ env: { A: 'u' }, labels: { l: 'u' } }, image)).toMatchObject({ env: { A: 'u', B: 'i' }, labels: { l: 'u', m: 'i' } })
  })
  it('takes SIGTERM for a stop signal that no Linux has', () => {
    expect(filled({}, { stopSignal: 'SIGFOO' }).stopSignal).toBe('SIGTERM')
    expect(filled({ stopSignal: 'SIGHUP' }, image).stopSignal).toBe('SIGHUP')
  })
  it('done twice is the same', () => {
    for (const spec of [{}, { entrypoint: [] }, { entrypoint: ['e'] }, { command: ['c'] }, { command: [] }]) {
      const once = fillIn({ image: 'x', ...spec }, image)
      expect(fillIn(once, image)).toEqual(once)
    }
  })
})

describe('refuseUnsupported', () => {
  const check = (spec: ContainerSettings, able: readonly string[] = []): void => {
    refuseUnsupported(spec, (capability) => able.includes(capability), 'containerd')
  }
  const cases: readonly (readonly [field: string, capability: string, spec: ContainerSettings])[] = [
    ['networks', 'networks', { networks: [{ name: 'back' }] }],
    ['networkMode', 'networks', { networkMode: { container: 'x' } }],
    ['networkMode', 'netns_path', { networkMode: { netns: '/n' } }],
    ['rootfs', 'rootfs_directory', { rootfs: '/srv' } as ContainerSettings],
    ['id', 'chosen_id', { id: 'a'.repeat(64) }],
    ['platform', 'platform', { platform: 'linux/arm64' }],
    ['annotations', 'annotations', { annotations: { a: 'b' } }],
    ['resources.intelRdt', 'intel_rdt', { resources: { intelRdt: { l3CacheSchema: 'L3:0=f' } } }],
    ['init', 'init', { init: true }],
    ['hooks', 'hooks', { hooks: { poststop: [{ path: '/h' }] } }],
    ['stopSignal', 'stop_signal', { stopSignal: 'SIGQUIT' }],
    ['mounts[0]', 'tmpfs', { mounts: [{ type: 'tmpfs', target: '/t' }] }],
    ['ports', 'networks', { ports: [{ containerPort: 80 }] }],
    [
      'mounts[1]',
      'volumes',
      {
        mounts: [
          { type: 'bind', source: '/b', target: '/b' },
          { type: 'volume', source: 'v', target: '/v' },
        ],
      },
    ],
    ['restart', 'restart_policy', { restart: { policy: 'always' } }],
    ['health', 'health', { health: { command: ['x'] } }],
    ['diskQuota', 'disk_quota', { diskQuota: { '/': 1 } }],
    ['lxcfs', 'lxcfs', { lxcfs: true }],
    ['rich', 'rich', { rich: { mode: 'systemd' } }],
    ['log.options', 'log_rotation', { log: { driver: 'file', options: { maxBytes: 1 } } }],
  ]
  it.each(cases)('names %s and the capability "%s" that is missing', (field, capability, spec) => {
    expect(() => {
      check(spec)
    }).toThrow(
      expect.objectContaining({ code: 'unsupported', message: `${field}: the containerd backend does not support "${capability}"` }),
    )
    expect(() => {
      check(spec, [capability])
    }).not.toThrow()
  })
  it('names bandwidth where networks alone are there', () => {
    expect(() => {
      check({ networks: [{ name: 'a', bandwidth: { ingressBytesPerSecond: 1 } }] }, ['networks'])
    }).toThrow('networks.bandwidth')
  })
  it('names a policy of retries where restarts alone are there', () => {
    const spec: ContainerSettings = { restart: { policy: 'on-failure', maxRetries: 3 } }
    expect(() => {
      check(spec, ['restart_policy'])
    }).toThrow('restart.policy: the containerd backend does not support "restart_on_failure"')
    expect(() => {
      check(spec, ['restart_policy', 'restart_on_failure'])
    }).not.toThrow()
  })
  it.each<[ContainerSettings]>([
    [{}],
    [{ annotations: {}, init: false, hooks: {}, stopSignal: 'SIGTERM', resources: {} }],
    [{ networkMode: 'none' }],
    [{ networkMode: 'host' }],
    [{ restart: { policy: 'no' } }],
    [{ health: { command: [] } }],
    [{ lxcfs: false }],
    [{ log: { driver: 'none' } }],
    [{ networks: [], ports: [], mounts: [] }],
    [{ ipcMode: 'shareable', pidMode: 'host' }],
  ])('lets %j pass', (spec) => {
    expect(() => {
      check(spec)
    }).not.toThrow()
  })
  it("refuses other log drivers and others' namespaces", () => {
    expect(() => {
      check({ log: { driver: 'syslog' } })
    }).toThrow('no log driver "syslog"')
    expect(() => {
      check({ pidMode: { container: 'x' } })
    }).toThrow(expect.objectContaining({ code: 'unsupported', message: expect.stringContaining('pidMode') as string }))
    expect(() => {
      check({ ipcMode: { container: 'x' } })
    }).toThrow('ipcMode')
  })
  it('refuses networks and a network mode together', () => {
    expect(() => {
      check({ networks: [{ name: 'a' }], networkMode: 'none' }, ['networks'])
    }).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})
