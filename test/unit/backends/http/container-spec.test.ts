// What is asked of a daemon, and what it tells of a container: a spec that goes there comes back.
import { describe, expect, it } from 'vitest'
import { inspectAnswer } from '../../../../src/backends/http/wire/container.js'
import { toContainerInfo } from '../../../../src/backends/http/wire/container-info.js'
import { toContainerSpec } from '../../../../src/backends/http/wire/container-spec.js'
import { toCreateBody } from '../../../../src/backends/http/wire/create-body.js'
import { parse } from '../../../../src/backends/http/wire/parse.js'
import { docker } from '../../../../src/backends/http/dialects/docker.js'
import { refuseUnknownFields } from '../../../../src/backends/http/wire/spec-fields.js'
import type { ContainerSpec } from '../../../../src/model/container-spec.js'

const id = 'ab12'.repeat(16)
/** What Docker makes of a body: it keeps the configuration as it came. */
function inspected(spec: ContainerSpec, state: object = {}): unknown {
  const { HostConfig, NetworkingConfig, ...Config } = toCreateBody(spec, { labels: {}, networksAtCreate: 9, createsSources: true })
  const endpoints = (NetworkingConfig as { EndpointsConfig?: object } | undefined)?.EndpointsConfig ?? {}
  const answer = {
    Id: id,
    Name: `/${spec.name ?? ''}`,
    Created: '2026-11-24T15:00:00.000000001Z',
    Image: 'sha256:1',
    State: { Status: 'created', StartedAt: '0001-01-01T00:00:00Z', FinishedAt: '0001-01-01T00:00:00Z', ExitCode: 0, ...state },
    Config,
    HostConfig,
    NetworkSettings: { Networks: endpoints },
  }
  return JSON.parse(JSON.stringify(answer))
}
const read = (answer: unknown) => parse(inspectAnswer, answer, 'GET')

const whole: ContainerSpec = {
  image: 'registry.example/web:3',
  name: 'web',
  entrypoint: ['/init', '--'],
  command: ['serve', 'a b'],
  env: { A: '1=2', EMPTY: '' },
  workingDir: '/srv',
  user: '1000:1000',
  groups: ['video'],
  tty: true,
  stdin: true,
  init: true,
  stopSignal: 'SIGQUIT',
  stopGraceMs: 1_500,
  labels: { team: 'a' },
  annotations: { note: 'x' },
  hostname: 'own',
  networks: [{ name: 'back', aliases: ['api'], ipv4: '198.18.7.9' }, { name: 'front' }],
  ports: [
    { containerPort: 80, hostIp: '127.0.0.1' },
    { containerPort: 53, hostPort: 5353, protocol: 'udp' },
  ],
  extraHosts: { db: '198.18.7.2', six: 'fd00::1', me: 'host-gateway' },
  dns: ['198.18.7.1'],
  dnsSearch: ['example'],
  mounts: [
    { type: 'volume', source: 'data', target: '/data', subPath: 'in', noCopy: true },
    { type: 'bind', source: '/etc/app', target: '/etc/app', readOnly: true, propagation: 'slave' },
    { type: 'bind', source: '/made:here', target: '/made', createSource: true },
    { type: 'tmpfs', target: '/tmp', sizeBytes: 1 << 20, mode: 0o700 },
  ],
  devices: ['/dev/fuse', { hostPath: '/dev/kvm', path: '/dev/own', access: 'r' }],
  shmBytes: 1 << 20,
  resources: {
    memoryBytes: 512 << 20,
    memorySwapBytes: -1,
    cpus: 1.5,
    cpuShares: 512,
    cpuset: '0',
    pids: 200,
    blockIo: { weight: 100, devices: [{ path: '/dev/sda', weight: 200, readBytesPerSecond: 1_000, writeOpsPerSecond: 5 }] },
    ulimits: { nofile: { soft: 1_024, hard: -1 } },
  },
  cgroupParent: '/ci',
  sysctls: { 'net.core.somaxconn': '1024' },
  security: {
    capAdd: ['NET_ADMIN'],
    capDrop: ['MKNOD'],
    readOnlyRoot: true,
    noNewPrivileges: true,
    seccomp: { profile: '{"defaultAction":"SCMP_ACT_ALLOW"}' },
    apparmor: 'own',
    selinuxLabel: 'u:r:t:s0:c1,c2',
    maskedPaths: ['/proc/keys'],
  },
  pidMode: 'host',
  ipcMode: { container: 'other' },
  restart: { policy: 'on-failure', maxRetries: 5 },
  health: { command: ['wget', '-q', 'localhost'], intervalMs: 1_000, startPeriodMs: 250, retries: 5 },
  runtime: { name: 'crun' },
  log: { driver: 'json-file', options: { maxBytes: 10 << 20, maxFiles: 3, tag: 'x' } },
}

describe('a spec', () => {
  it('comes back from the daemon as it was asked for', () => {
    expect(toContainerSpec(read(inspected(whole)))).toEqual(whole)
  })

  it.each<Partial<ContainerSpec>>([
    { networkMode: 'none' },
    { networkMode: 'host' },
    { networkMode: { container: 'other' } },
    { networkMode: { netns: '/run/netns/blue' } },
    { pidMode: { container: 'x' }, ipcMode: 'none' },
    { restart: { policy: 'unless-stopped' } },
    { health: { command: [] } },
    { security: { privileged: true } },
    { security: { seccomp: 'unconfined' } },
    { stopGraceMs: 0 },
    { log: { driver: 'none' } },
  ])('%j comes back', (extra) => {
    expect(toContainerSpec(read(inspected({ image: 'a', name: 'n', ...extra } as ContainerSpec)))).toEqual({
      image: 'a',
      name: 'n',
      ...extra,
    })
  })

  it('an empty entry point clears that of the image', () => {
    expect(toCreateBody({ image: 'a', entrypoint: [] }, { labels: {}, networksAtCreate: 1, createsSources: true })['Entrypoint']).toEqual([
      '',
    ])
  })

  it('a bind source is made by Binds where Mounts cannot, and a colon in it is refused there', () => {
    const old = { labels: {}, networksAtCreate: 1, createsSources: false }
    const bind = { type: 'bind', source: '/a', target: '/b', createSource: true, readOnly: true } as const
    expect(toCreateBody({ image: 'a', mounts: [bind] }, old).HostConfig).toMatchObject({ Binds: ['/a:/b:ro,rprivate'], Mounts: [] })
    expect(() => toCreateBody({ image: 'a', mounts: [{ ...bind, source: '/a:b' }] }, old)).toThrow(/colon/)
  })

  it.each(['not json', '[]', 'null', '"/etc/passwd"'])(
    'a seccomp profile %s is refused: the daemon would take it for a path',
    (profile) => {
      const spec: ContainerSpec = { image: 'a', security: { seccomp: { profile } } }
      expect(() => toCreateBody(spec, { labels: {}, networksAtCreate: 1, createsSources: true })).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      )
    },
  )

  it('what a version of the API would ignore is unsupported and says which version has it', () => {
    const at = (minor: number) => ({ name: 'docker', facts: { api: { major: 1, minor } } })
    const sub: ContainerSpec = { image: 'a', mounts: [{ type: 'volume', source: 'v', target: '/v', subPath: 'x' }] }
    expect(() => refuseUnknownFields(at(44), docker.fields, sub)).toThrow(/"mounts: subPath".*1\.45/)
    expect(() => refuseUnknownFields(at(45), docker.fields, sub)).not.toThrow()
    expect(() => refuseUnknownFields(at(52), docker.fields, { image: 'a', runtime: { name: 'x', options: {} } })).toThrow(
      /runtime\.options/,
    )
  })
})

describe('the state of a container', () => {
  const started = '2026-11-24T15:00:01Z'
  const finished = '2026-11-24T15:00:02.5Z'
  const stateOf = (state: object) => toContainerInfo(read(inspected({ image: 'a' }, state)), () => 'SIGTERM').state
  it.each([
    ['never ran', {}, { status: 'created' }],
    ['a start that failed', { ExitCode: 127, Error: 'no such command' }, { status: 'created' }],
    ['runs', { Status: 'running', Running: true, Pid: 7, StartedAt: started }, { status: 'running', pid: 7 }],
    ['is paused', { Status: 'paused', Running: true, Paused: true, Pid: 7, StartedAt: started }, { status: 'paused', pid: 7 }],
    ['is paused, as pouchd says it', { Status: 'paused', Running: false, Pid: 7, StartedAt: started }, { status: 'paused', pid: 7 }],
    [
      'waits for its next start',
      { Status: 'restarting', Running: true, Restarting: true, ExitCode: 1, StartedAt: started, FinishedAt: finished },
      { status: 'exited', exit: { exitCode: 1, lost: false } },
    ],
    [
      'was stopped, as pouchd says it',
      { Status: 'stopped', ExitCode: 143, StartedAt: started, FinishedAt: finished },
      { status: 'exited', exit: { exitCode: 143, signal: 'SIGTERM', exitedAt: new Date(finished) } },
    ],
    [
      'was out of memory',
      { Status: 'exited', ExitCode: 137, OOMKilled: true, StartedAt: started, FinishedAt: finished },
      { status: 'exited', exit: { exitCode: 137, signal: 'SIGKILL', oomKilled: true } },
    ],
    [
      'ended and nobody saw how',
      { Status: 'exited', ExitCode: -1, StartedAt: started, FinishedAt: finished },
      { status: 'exited', exit: { exitCode: 255, lost: true } },
    ],
  ])('one that %s', (_, state, expected) => {
    expect(stateOf(state)).toMatchObject(expected)
  })
})
