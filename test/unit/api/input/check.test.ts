import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { checkInput, checkOptional, type Schema } from '../../../../src/api/input/check.js'
import { execOptions, execSpec, runOptions, spawnOptions } from '../../../../src/api/input/command.js'
import * as options from '../../../../src/api/input/container-options.js'
import { containerChange, containerSpec } from '../../../../src/api/input/container-spec.js'
import { strict, text } from '../../../../src/api/input/fields.js'
import * as images from '../../../../src/api/input/image.js'
import * as networks from '../../../../src/api/input/network.js'
import { daemonChange, eventsOptions } from '../../../../src/api/input/system.js'
import * as volumes from '../../../../src/api/input/volume.js'
import type { ContainerSpec } from '../../../../src/model/container-spec.js'

const message = (schema: Schema<unknown>, value: unknown): string => {
  try {
    checkInput(schema, value, 'container spec')
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_argument' })
    expect((error as Error).message).not.toMatch(/\n/)
    return (error as Error).message.replace(/^container spec:? ?/, '')
  }
  throw new Error(`${JSON.stringify(value)} was taken`)
}
const spec = (more: object): string => message(containerSpec, { image: 'x', ...more })

/** Every field there is, once. */
const full: ContainerSpec = {
  image: 'registry.example/web:3',
  name: 'web',
  id: '0123456789abcdef'.repeat(4),
  pull: 'missing',
  platform: 'linux/amd64',
  lifetime: 'owned',
  entrypoint: ['/e'],
  command: ['c', ''],
  env: { PORT: '80', EMPTY: '' },
  workingDir: '/srv',
  user: '1000:1000',
  groups: ['video'],
  tty: false,
  stdin: true,
  init: true,
  stopSignal: 'SIGRTMIN+3',
  stopGraceMs: 0,
  labels: { team: 'a' },
  annotations: { 'a/b': 'c' },
  hostname: 'web',
  networks: [
    {
      name: 'back',
      aliases: ['web'],
      ipv4: '198.18.7.9',
      ipv6: 'fd00::1',
      mac: '02:00:00:00:00:01',
      bandwidth: { ingressBytesPerSecond: 1, egressBytesPerSecond: 2 },
      sysctls: { 'net.x': '1' },
      priority: -5,
      options: { o: '1' },
    },
  ],
  ports: [{ containerPort: 80, hostPort: 8080, hostIp: '127.0.0.1', protocol: 'udp' }],
  extraHosts: { db: '198.18.7.2', me: 'host-gateway' },
  dns: ['198.18.7.1', '::1'],
  dnsSearch: ['a.example', '.'],
  mounts: [
    { type: 'volume', source: 'data', target: '/data', readOnly: true, subPath: 'a/b', noCopy: true },
    { type: 'bind', source: '/etc/app', target: '/etc/app', readOnly: true, createSource: true, propagation: 'slave' },
    { type: 'tmpfs', target: '/tmp', sizeBytes: 64 << 20, mode: 0o1777 },
  ],
  devices: ['/dev/fuse', { hostPath: '/dev/a', path: '/dev/b', access: 'rw' }],
  shmBytes: 64 << 20,
  diskQuota: { '/': 10 << 20 },
  lxcfs: true,
  resources: {
    memoryBytes: 512 << 20,
    memorySwapBytes: -1,
    memoryReservationBytes: 64 << 20,
    cpus: 1.5,
    cpuShares: 2,
    cpuset: '0-2,4',
    cpusetMems: '0',
    pids: 200,
    ulimits: { nofile: { soft: 1024, hard: -1 } },
    intelRdt: { l3CacheSchema: 'L3:0=f0;1=F' },
    blockIo: {
      weight: 10,
      devices: [
        { path: '/dev/sda', weight: 1000, readBytesPerSecond: 1, writeBytesPerSecond: 1, readOpsPerSecond: 1, writeOpsPerSecond: 1 },
      ],
    },
  },
  cgroupParent: '/ci',
  sysctls: { 'net.core.somaxconn': '1024' },
  security: {
    privileged: false,
    capAdd: ['NET_ADMIN'],
    capDrop: ['MKNOD'],
    readOnlyRoot: true,
    noNewPrivileges: true,
    seccomp: { profile: '{}' },
    apparmor: 'a',
    selinuxLabel: 'l',
    maskedPaths: [],
    readOnlyPaths: ['/proc/sys'],
  },
  pidMode: { container: 'x' },
  ipcMode: 'shareable',
  restart: { policy: 'on-failure', maxRetries: 5 },
  health: { command: ['wget'], intervalMs: 1_000, timeoutMs: 1, startPeriodMs: 0, retries: 5 },
  runtime: { name: 'crun', options: { a: [1, null, { b: true }] } },
  log: { driver: 'json-file', options: { maxBytes: 10 << 20, compress: true, tag: 't' } },
  rich: { mode: 'systemd', initScript: '/x' },
  hooks: {
    createRuntime: [{ path: '/h', args: ['h'], env: { A: '1' }, timeoutMs: 1 }],
    createContainer: [],
    startContainer: [],
    poststart: [],
    poststop: [],
  },
}

describe('checkInput', () => {
  it('takes a spec with every field and gives an equal copy', () => {
    const copy = checkInput(containerSpec, full, 'container spec')
    expect(copy).toEqual(full)
    expect(copy).not.toBe(full)
  })
  it('takes undefined for every optional field', () => {
    const nothing = Object.fromEntries(
      Object.keys(full)
        .filter((key) => key !== 'image')
        .map((key) => [key, undefined]),
    )
    expect(() => checkInput(containerSpec, { image: 'x', ...nothing }, 'container spec')).not.toThrow()
  })

  it.each<[object, string]>([
    [{ resources: { memoryBytes: -1 } }, '"resources.memoryBytes" must be at least 4194304'],
    [{ resources: { memoryBytes: '512m' } }, '"resources.memoryBytes" must be a number'],
    [{ resources: { pids: 1.5 } }, '"resources.pids" must be a whole number'],
    [{ resources: { memoryBytes: Number.NaN } }, '"resources.memoryBytes" must be a number'],
    [{ resources: { memory: 1 } }, '"resources.memory" is not known'],
    [{ imagee: 'x' }, '"imagee" is not known'],
    [
      {
        mounts: [
          { type: 'tmpfs', target: '/a' },
          { type: 'bind', source: 'rel', target: '/a' },
        ],
      },
      '"mounts[1].source" must be an absolute path',
    ],
    [{ mounts: [{ type: 'nfs' }] }, '"mounts[0].type" must be "volume", "bind" or "tmpfs"'],
    [{ mounts: [{ type: 'tmpfs', target: '/a', source: '/b' }] }, '"mounts[0].source" is not known'],
    [{ devices: [{ hostPath: '/a', access: 'x' }] }, '"devices[0].access" must be any of r, w and m'],
    [{ devices: [7] }, '"devices[0]" must be a path or an object with "hostPath"'],
    [{ networkMode: 'bridge' }, '"networkMode" must be "none", "host", { container } or { netns }'],
    [{ networkMode: { container: 5 } }, '"networkMode.container" must be a string'],
    [{ networkMode: 'none', networks: [{ name: 'a' }] }, '"networkMode" excludes "networks"'],
    [{ env: { A: 5 } }, '"env.A" must be a string'],
    [{ env: { 'A=B': 'c' } }, '"env.A=B" has a name that must not be empty or contain "="'],
    [{ ports: [{ containerPort: 70_000 }] }, '"ports[0].containerPort" must be at most 65535'],
    [{ restart: { policy: 'always', maxRetries: 1 } }, '"restart.maxRetries" is not known'],
    [{ stopSignal: 'TERM' }, '"stopSignal" must be a signal such as "SIGTERM"'],
    [{ pull: 'often' }, '"pull" must be "missing" or "always" or "never"'],
    [{ command: 'ls' }, '"command" must be an array'],
    [{ command: ['a\0'] }, '"command[0]" must not contain a NUL character'],
    [{ user: 'a:b:c' }, '"user" must be user[:group]'],
    [{ hostname: 'x'.repeat(64) }, '"hostname" must have at most 63 characters'],
    [{ extraHosts: { a: 'b' } }, '"extraHosts.a" must be an IP address or "host-gateway"'],
    [{ runtime: { name: 'runc', options: () => 1 } }, '"runtime.options" must be plain JSON'],
    [{ id: 'A'.repeat(64) }, '"id" must be 64 hexadecimal digits in lower case'],
    [{ id: 'a'.repeat(63) }, '"id" must be 64 hexadecimal digits in lower case'],
    [{ networkMode: { netns: 'blue' } }, '"networkMode.netns" must be an absolute path'],
    [{ networkMode: { netns: '/n', more: 1 } }, '"networkMode.more" is not known'],
    [{ resources: { intelRdt: {} } }, '"resources.intelRdt.l3CacheSchema" must be a string'],
    [
      { resources: { intelRdt: { l3CacheSchema: '0=f\nMB:0=1' } } },
      '"resources.intelRdt.l3CacheSchema" must be a schema of the kernel such as "L3:0=f0;1=f"',
    ],
    [{ rich: { mode: 'runit' } }, '"rich.mode" must be "dumb-init" or "tini" or "sbin-init" or "systemd"'],
    [{ rich: { initScript: '/x' } }, '"rich.mode" must be "dumb-init" or "tini" or "sbin-init" or "systemd"'],
    [{ lxcfs: 'yes' }, '"lxcfs" must be a boolean'],
    [{ diskQuota: { '.*': 1 } }, '"diskQuota..*" has a name that must be an absolute path'],
    [{ rootfs: '/x' }, 'must have either "image" or "rootfs"'],
  ])('says of %j where and why', (more, expected) => {
    expect(spec(more)).toBe(expected)
  })

  it.each([[null], [undefined], ['busybox'], [[]], [() => 1]])('refuses %j as a spec', (value) => {
    expect(message(containerSpec, value)).toBe('must be an object')
  })
  it('refuses keys of a polluted prototype', () => {
    expect(message(containerSpec, JSON.parse('{"image":"x","__proto__":{"security":{"privileged":true}}}'))).toContain('is not known')
  })
  it('puts all problems into the cause, and no value into the message', () => {
    try {
      checkInput(images.pullOptions, { auth: { username: 'me', password: 5, secret: 'hunter2' }, platform: 7 }, 'pull options')
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).not.toContain('hunter2')
      expect(((error as Error).cause as { issues: unknown[] }).issues.length).toBeGreaterThan(1)
    }
  })
  it('checks what may be left out only when it is there', () => {
    expect(checkOptional(options.stopOptions, undefined, 'stop options')).toBeUndefined()
    expect(checkOptional(options.stopOptions, { graceMs: 5 }, 'stop options')).toEqual({ graceMs: 5 })
  })
})

describe('options of the verbs', () => {
  const { signal } = new AbortController()
  const call = (): void => {}
  const stdin = Readable.from(['x'])
  const cases: readonly (readonly [name: string, schema: Schema<unknown>, value: object])[] = [
    ['run', runOptions, { check: true, stdin, onOutput: call, maxOutputBytes: 1, discardOutput: false, signal }],
    [
      'exec',
      execOptions,
      { env: {}, user: 'u', workingDir: '/', tty: true, privileged: true, check: true, stdin: 'text', onOutput: call, signal },
    ],
    ['spawn', spawnOptions, { tty: true, stdin: true, signal }],
    ['exec spec', execSpec, { command: ['sh'], stdin: true }],
    ['list', options.listContainersOptions, { all: true, labels: { a: 'b' }, names: ['web'], status: ['running', 'exited'], signal }],
    ['attach', options.attachOptions, { stdin: true, signal }],
    ['start', options.startOptions, { attach: { stdin: true }, signal }],
    ['stop', options.stopOptions, { graceMs: 0, signal }],
    ['wait', options.waitOptions, { until: 'next-exit', signal }],
    ['remove', options.removeOptions, { force: true, volumes: true, signal }],
    ['stats', options.statsOptions, { intervalMs: 1, signal }],
    ['logs', options.logOptions, { follow: true, since: new Date(0), until: new Date(1), tail: 0, streams: ['stdout'], signal }],
    ['commit', options.commitOptions, { author: 'a', comment: 'c', config: { command: ['x'] }, pause: true, signal }],
    ['upgrade', options.upgradeOptions, { healthyWithinMs: 1, entrypoint: [], command: ['x'], signal }],
    ['checkpoint', options.checkpointOptions, { leaveRunning: true, labels: {}, signal }],
    ['pull', images.pullOptions, { platform: 'linux/amd64', auth: { username: 'u', password: 'p' }, onProgress: call, signal }],
    ['push', images.pushOptions, { auth: { identityToken: 't' }, signal }],
    ['load', images.progressOptions, { onProgress: call, signal }],
    ['import', images.importOptions, { reference: 'a:1', config: {}, platform: 'linux/arm64', signal }],
    ['list images', images.listImagesOptions, { labels: {}, names: ['a*'], dangling: true, signal }],
    ['remove image', images.removeImageOptions, { force: true, signal }],
    ['save', images.saveOptions, { format: 'docker', signal }],
    ['prune images', images.pruneImagesOptions, { all: true, olderThanMs: 1, labels: {}, keepBytes: 0, signal }],
    ['build options', images.buildOptions, { onOutput: call, signal }],
    ['list networks', networks.listNetworksOptions, { names: ['a'], signal }],
    ['connect', networks.connectOptions, { aliases: ['a'], signal }],
    ['disconnect', networks.disconnectOptions, { force: true, signal }],
    ['prune networks', networks.pruneNetworksOptions, { labels: {}, signal }],
    ['list volumes', volumes.listVolumesOptions, { names: ['a'], signal }],
    ['prune volumes', volumes.pruneVolumesOptions, { all: true, signal }],
    [
      'events',
      eventsOptions,
      { types: ['container'], actions: ['start'], subjects: ['a'], labels: {}, since: new Date(), follow: false, signal },
    ],
    [
      'network',
      networks.networkSpec,
      { name: 'back', driver: 'bridge', subnets: ['198.18.7.0/24', 'fd00::/64'], internal: true, labels: {}, options: {} },
    ],
    ['volume', volumes.volumeSpec, { name: 'data', driver: 'directory', labels: {}, options: { size: '1' } }],
    [
      'change',
      containerChange,
      {
        resources: { cpus: 1 },
        restart: { policy: 'no' },
        labels: { a: 'b', c: null },
        env: { A: '', B: null },
        diskQuota: { '/': 1 },
      },
    ],
    ['daemon change', daemonChange, { labels: { a: 'b' } }],
  ]
  it.each(cases)('of %s are taken whole, and refused with one key more', (_name, schema, value) => {
    expect(checkInput(schema, value, 'options')).toEqual(value)
    expect(() => checkInput(schema, { ...value, bogus: 1 }, 'options')).toThrow('options: "bogus" is not known')
  })
  it('pass signals, streams and functions on as they are', () => {
    const taken = checkInput(runOptions, { stdin, signal, onOutput: call }, 'options')
    expect([taken.stdin === stdin, taken.signal === signal, taken.onOutput === call]).toEqual([true, true, true])
  })
  it.each<[Schema<unknown>, object, string]>([
    [runOptions, { signal: 5 }, '"signal" must be an AbortSignal'],
    [runOptions, { stdin: 5 }, '"stdin" must be a text, bytes, or a stream of them'],
    [runOptions, { onOutput: 'log' }, '"onOutput" must be a function'],
    [options.stopOptions, { graceMs: -1 }, '"graceMs" must be at least 0'],
    [options.stopOptions, { timeout: 2 }, '"timeout" is not known'],
    [options.logOptions, { since: 'yesterday' }, '"since" must be a valid Date'],
    [options.logOptions, { tail: 'all' }, '"tail" must be a number'],
    [execSpec, { command: [] }, '"command" must have at least 1 entry'],
    [images.pullOptions, { auth: { username: 'a' } }, '"auth.password" must be a string'],
    [containerChange, { resources: { intelRdt: { l3CacheSchema: 'L3:0=f' } } }, '"resources.intelRdt" is not known'],
    [containerChange, { env: { A: 1 } }, '"env.A" must be a text without a NUL character, or null to take it away'],
    [containerChange, { labels: { '': null } }, '"labels." has a name that must not be empty'],
    [daemonChange, { labels: { a: null } }, '"labels.a" must be a string'],
    [daemonChange, { registryMirrors: [] }, '"registryMirrors" is not known'],
    [networks.networkSpec, { name: 'a', subnets: ['10.0.0.0/33'] }, '"subnets[0]" must be a subnet such as "10.4.0.0/24"'],
    [networks.networkSpec, { name: 'a', subnets: [], ipam: [] }, '"ipam" excludes "subnets"'],
    [volumes.volumeSpec, { name: '../x' }, '"name" must begin with a letter or digit and go on with those, "_", "." or "-"'],
  ])('are refused with the path', (schema, value, expected) => {
    expect(message(schema, value)).toBe(expected)
  })
})

describe('schemas and types', () => {
  interface Two {
    readonly a: string
    readonly b?: string | undefined
  }
  it('cannot drift apart', () => {
    // @ts-expect-error a field is forgotten
    expect(strict<Two>({ a: text() })).toBeDefined()
    // @ts-expect-error a field too many
    expect(strict<Two>({ a: text(), b: text(), c: text() })).toBeDefined()
    // @ts-expect-error a field of another type
    expect(strict<{ readonly a: number }>({ a: text() })).toBeDefined()
  })
})
