import { describe, expect, it } from 'vitest'
import { buildExecProcess, buildResources, cgroupPath } from '../../../src/managers/spec.js'
import { UNLIMITED } from '../../../src/oci/runtime-spec.js'
import { build, host, id, input, without } from './spec/sample.js'

const refused = (code: string, message?: string): unknown =>
  expect.objectContaining({ code, ...(message === undefined ? {} : { message: expect.stringContaining(message) as string }) })

describe('buildSpec', () => {
  it('of a plain container is JSON with nothing undefined in it', () => {
    const spec = build()
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec)
    expect(spec).toMatchObject({
      ociVersion: '1.0.2',
      hostname: 'abababababab',
      root: { path: 'rootfs', readonly: false },
      process: {
        terminal: false,
        args: ['true'],
        cwd: '/',
        user: { uid: 0, gid: 0, additionalGids: [0] },
        noNewPrivileges: false,
        oomScoreAdj: 0,
      },
      linux: { cgroupsPath: `/pouch-sdk-${id}` },
    })
  })

  it('is the same for the same input', () => {
    expect(build({ env: { A: '1' } })).toEqual(build({ env: { A: '1' } }))
  })

  describe('process', () => {
    it('runs the command behind the entry point', () => {
      expect(build({ entrypoint: ['/e', '-x'], command: ['a', ''] }).process.args).toEqual(['/e', '-x', 'a', ''])
    })
    it.each([[{ command: [] }], [{ command: [''] }], [{ entrypoint: [], command: [] }], [{ command: ['a\0b'] }]])('refuses %j', (spec) => {
      expect(() => build(spec)).toThrow(refused('invalid_argument', 'command'))
    })
    it("puts the user's variables over the defaults", () => {
      expect(build({ tty: true, env: { PATH: '/p', X: 'a=b' } }).process.env).toEqual([
        'PATH=/p',
        'HOSTNAME=abababababab',
        'TERM=xterm',
        'HOME=/root',
        'X=a=b',
      ])
      expect(build({ env: { HOME: '/h' } }).process.env).toContain('HOME=/h')
      expect(build().process.env.some((line) => line.startsWith('TERM='))).toBe(false)
    })
    it.each([[{ 'A=B': '1' }], [{ '': '1' }], [{ A: 'x\0' }]])('refuses the environment %j', (env) => {
      expect(() => build({ env })).toThrow(refused('invalid_argument', 'env'))
    })
    it.each([
      [undefined, '/'],
      ['/srv/', '/srv'],
      ['app', '/app'],
      ['/a/../../b', '/b'],
    ])('starts in %j as "%s"', (workingDir, cwd) => {
      expect(build({ workingDir }).process.cwd).toBe(cwd)
    })
    it('leaves the OOM score alone where it could not lower it', () => {
      expect(build({}, { host: without('CAP_SYS_RESOURCE') }).process).not.toHaveProperty('oomScoreAdj')
    })
    it('names an AppArmor profile only where the kernel has it', () => {
      expect(build({ security: { apparmor: 'web' } }, { host: { ...host, apparmor: true } }).process.apparmorProfile).toBe('web')
      expect(build({ security: { apparmor: 'unconfined' } }).process).not.toHaveProperty('apparmorProfile')
      expect(() => build({ security: { apparmor: 'web' } })).toThrow(refused('unsupported', 'security.apparmor'))
    })
  })

  describe('ulimits', () => {
    it('go to the runtime by their kernel names, unlimited as such', () => {
      expect(build({ resources: { ulimits: { nofile: { soft: 10, hard: 20 }, core: { soft: 0, hard: -1 } } } }).process.rlimits).toEqual([
        { type: 'RLIMIT_CORE', soft: 0, hard: UNLIMITED },
        { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 },
      ])
    })
    it("above this process's own are failed_precondition naming them, unless it may raise them", () => {
      const spec = { resources: { ulimits: { nofile: { soft: 1, hard: 20_001 } } } }
      expect(() => build(spec, { host: without('CAP_SYS_RESOURCE') })).toThrow(refused('failed_precondition', 'resources.ulimits.nofile'))
      expect(() => build({ resources: { ulimits: { nofile: { soft: -1, hard: -1 } } } }, { host: without('CAP_SYS_RESOURCE') })).toThrow(
        refused('failed_precondition'),
      )
      expect(build(spec).process.rlimits).toHaveLength(1)
    })
    it.each([[{ files: { soft: 1, hard: 1 } }], [{ nofile: { soft: 2, hard: 1 } }], [{ nofile: { soft: -1, hard: 1 } }]])(
      'refuses %j',
      (ulimits) => {
        expect(() => build({ resources: { ulimits } })).toThrow(refused('invalid_argument', 'resources.ulimits.'))
      },
    )
    it('cuts defaults down instead of refusing them', () => {
      const more = { host: without('CAP_SYS_RESOURCE'), defaultRlimits: { nofile: { soft: 1_024, hard: 1 << 20 } } }
      expect(build({}, more).process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 1_024, hard: 20_000 }])
    })
  })

  describe('namespaces', () => {
    const types = (spec: Parameters<typeof build>[0], more?: Parameters<typeof build>[1]): string[] =>
      build(spec, more).linux.namespaces.map(({ type }) => type)
    it("are all its own by default, the cgroup's with cgroup v2 only", () => {
      expect(types({})).toEqual(['mount', 'uts', 'pid', 'ipc', 'network', 'cgroup'])
      expect(types({}, { host: { ...host, cgroups: 'hybrid' } })).not.toContain('cgroup')
    })
    it("are the host's where asked for, but for the host name", () => {
      expect(types({ pidMode: 'host', ipcMode: 'host', networkMode: 'host' }, { netns: { kind: 'host' } })).toEqual([
        'mount',
        'uts',
        'cgroup',
      ])
    })
    it('take a network namespace by its path', () => {
      expect(build({}, { netns: { kind: 'path', path: '/run/netns/x' } }).linux.namespaces).toContainEqual({
        type: 'network',
        path: '/run/netns/x',
      })
    })
  })

  describe('sysctls', () => {
    it("open ping and low ports in a network of its own, and the user's win", () => {
      expect(build().linux.sysctl).toEqual({ 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' })
      expect(build({ sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' } }).linux.sysctl).toMatchObject({
        'net.ipv4.ip_unprivileged_port_start': '80',
      })
      expect(build({ networkMode: 'host' }, { netns: { kind: 'host' } }).linux).not.toHaveProperty('sysctl')
      expect(build({ networkMode: { netns: '/n' } }, { netns: { kind: 'path', path: '/n' } }).linux).not.toHaveProperty('sysctl')
    })
    it.each([['vm.swappiness'], ['kernel.panic'], ['net/../vm/x'], ['net.'], ['net']])('refuses %j', (name) => {
      expect(() => build({ sysctls: { [name]: '1' } })).toThrow(refused('invalid_argument', 'sysctls'))
    })
    it('refuses what would change the host, and only then', () => {
      expect(() => build({ networkMode: 'host', sysctls: { 'net.core.somaxconn': '1' } }, { netns: { kind: 'host' } })).toThrow(
        refused('invalid_argument', 'net.core.somaxconn'),
      )
      expect(() => build({ ipcMode: 'host', sysctls: { 'kernel.shmmax': '1' } })).toThrow(refused('invalid_argument'))
      expect(build({ sysctls: { 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '1' } }).linux.sysctl).toMatchObject({ 'kernel.shmmax': '1' })
    })
  })

  describe('devices', () => {
    const fuse = { path: '/dev/fuse', type: 'c', major: 10, minor: 229, access: 'rw', mode: 0o20660, uid: 0, gid: 5 } as const
    it('are made and allowed, all others are not', () => {
      const { devices, resources } = build({}, { devices: [fuse] }).linux
      expect(devices).toEqual([{ path: '/dev/fuse', type: 'c', major: 10, minor: 229, fileMode: 0o660, uid: 0, gid: 5 }])
      expect(resources.devices?.[0]).toEqual({ allow: false, access: 'rwm' })
      expect(resources.devices?.at(-1)).toEqual({ allow: true, type: 'c', major: 10, minor: 229, access: 'rw' })
    })
    it('say "all" by leaving a number out', () => {
      expect(build().linux.resources.devices?.every((rule) => (rule.major ?? 0) >= 0 && (rule.minor ?? 0) >= 0)).toBe(true)
    })
    it("never replace a container's own terminals", () => {
      expect(
        build(
          {},
          {
            devices: [
              { ...fuse, path: '/dev/console' },
              { ...fuse, path: '/dev/pts/0' },
            ],
          },
        ).linux.devices,
      ).toEqual([])
    })
    it.each([[{ access: 'x' }], [{ access: '' }], [{ path: 'dev/x' }]])('are refused with %j', (change) => {
      expect(() => build({}, { devices: [{ ...fuse, ...change }] })).toThrow(refused('invalid_argument', 'devices'))
    })
  })

  describe('privileged', () => {
    const spec = build({ security: { privileged: true } })
    it('gets what the machine has, and nothing is hidden', () => {
      expect(spec.process.capabilities.bounding).toEqual(host.capabilities)
      expect(spec.linux).toMatchObject({ maskedPaths: [], readonlyPaths: [], resources: { devices: [{ allow: true, access: 'rwm' }] } })
      expect(spec.linux).not.toHaveProperty('seccomp')
      for (const { destination, options } of spec.mounts) if (destination.startsWith('/sys')) expect(options).toContain('rw')
    })
    it('still gets a filter and hidden paths that it asks for', () => {
      const asked = build({ security: { privileged: true, seccomp: 'default', maskedPaths: ['/proc/kcore'] } }).linux
      expect(asked.seccomp).toBeDefined()
      expect(asked.maskedPaths).toEqual(['/proc/kcore'])
    })
  })

  it('hides and protects the usual paths otherwise', () => {
    const { linux } = build()
    expect(linux.maskedPaths).toEqual(expect.arrayContaining(['/proc/kcore', '/proc/keys', '/sys/firmware', '/proc/interrupts']))
    expect(linux.readonlyPaths).toContain('/proc/sys')
  })

  it('filters system calls by default where the kernel can, and refuses a profile where it cannot', () => {
    const old = { host: { ...host, seccomp: false } }
    expect(build().linux.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO')
    expect(build({ security: { seccomp: 'unconfined' } }).linux).not.toHaveProperty('seccomp')
    expect(build({}, old).linux).not.toHaveProperty('seccomp')
    expect(() => build({ security: { seccomp: { profile: '{"defaultAction":"SCMP_ACT_ALLOW"}' } } }, old)).toThrow(
      refused('unsupported', 'security.seccomp'),
    )
  })

  describe('init', () => {
    it('is process 1 before the command', () => {
      const spec = build({ init: true, entrypoint: ['e'], command: ['c'] })
      expect(spec.process.args).toEqual(['/dev/init', '--', 'e', 'c'])
      expect(spec.mounts.at(-1)).toEqual({
        destination: '/dev/init',
        type: 'bind',
        source: '/usr/bin/tini-static',
        options: ['bind', 'ro'],
      })
    })
    it('is refused where it is missing or would not be process 1', () => {
      const { initPath: _initPath, ...bare } = host
      expect(() => build({ init: true }, { host: bare })).toThrow(refused('failed_precondition', 'init'))
      expect(() => build({ init: true, pidMode: 'host' })).toThrow(refused('invalid_argument', 'init'))
    })
  })

  it("hands on hooks, annotations and the cgroup's parent", () => {
    const spec = build({
      annotations: { a: '1' },
      cgroupParent: '/ci/',
      hooks: { poststop: [{ path: '/h', args: ['h'], env: { A: '1' }, timeoutMs: 1_500 }], poststart: [] },
    })
    expect(spec.annotations).toEqual({ a: '1' })
    expect(spec.hooks).toEqual({ poststop: [{ path: '/h', args: ['h'], env: ['A=1'], timeout: 2 }] })
    expect(spec.linux.cgroupsPath).toBe(`/ci/pouch-sdk-${id}`)
  })

  it.each(['ci', '../x', '/a/../b'])('refuses the cgroup parent %j', (parent) => {
    expect(() => cgroupPath(id, parent)).toThrow(refused('invalid_argument', 'cgroupParent'))
  })
})

describe('buildResources', () => {
  it('says what is given and nothing else', () => {
    expect(buildResources({})).toEqual({})
    expect(
      buildResources({ resources: { memoryBytes: 1 << 26, memorySwapBytes: -1, cpus: 1.5, cpuShares: 2, cpuset: '0', pids: 9 } }),
    ).toEqual({
      memory: { limit: 1 << 26, swap: -1 },
      cpu: { quota: 150_000, period: 100_000, shares: 2, cpus: '0' },
      pids: { limit: 9 },
    })
  })
  it('rounds no share of a core to nothing', () => {
    expect(buildResources({ resources: { cpus: 0.001 } })).toMatchObject({ cpu: { quota: 1_000 } })
  })
  it('finds block devices by path', () => {
    const blockIo = { weight: 100, devices: [{ path: '/dev/sda', weight: 50, readBytesPerSecond: 5, writeOpsPerSecond: 6 }] }
    expect(buildResources({ resources: { blockIo } }, new Map([['/dev/sda', { major: 8, minor: 0 }]]))).toEqual({
      blockIO: {
        weight: 100,
        weightDevice: [{ major: 8, minor: 0, weight: 50 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 6 }],
      },
    })
    expect(() => buildResources({ resources: { blockIo } })).toThrow(refused('invalid_argument', '/dev/sda'))
  })
  it.each([[{ memorySwapBytes: 5 }], [{ memoryBytes: 10, memorySwapBytes: 5 }], [{ memoryBytes: 5, memoryReservationBytes: 10 }]])(
    'refuses %j',
    (resources) => {
      expect(() => buildResources({ resources })).toThrow(refused('invalid_argument', 'resources.memory'))
    },
  )
})

describe('buildExecProcess', () => {
  const { id: _id, ...rest } = input({
    env: { A: '1', B: '1' },
    workingDir: '/w',
    security: { capDrop: ['ALL'] },
    tty: true,
    entrypoint: ['/e'],
  })
  const exec = { ...rest, id }
  it("has the container's settings under its own", () => {
    expect(buildExecProcess({ ...exec, exec: { command: ['ls'], env: { B: '2' } } })).toMatchObject({
      terminal: false,
      args: ['ls'],
      cwd: '/w',
      env: expect.arrayContaining(['A=1', 'B=2', 'HOSTNAME=abababababab']) as string[],
      capabilities: { bounding: [] },
    })
    expect(buildExecProcess({ ...exec, exec: { command: ['sh'], tty: true, workingDir: '/x' } })).toMatchObject({
      terminal: true,
      cwd: '/x',
    })
  })
  it('gets everything when privileged, whatever the container dropped', () => {
    expect(buildExecProcess({ ...exec, exec: { command: ['sh'], privileged: true } })).toMatchObject({
      capabilities: { effective: host.capabilities, inheritable: [], ambient: [] },
    })
  })
  it('refuses an empty command', () => {
    expect(() => buildExecProcess({ ...exec, exec: { command: [] } })).toThrow(refused('invalid_argument', 'command'))
  })
})
