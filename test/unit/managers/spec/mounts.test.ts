import { describe, expect, it } from 'vitest'
import { build, host } from './sample.js'

const targets = (...args: Parameters<typeof build>): string[] => build(...args).mounts.map(({ destination }) => destination)
const at = (destination: string, ...args: Parameters<typeof build>): ReturnType<typeof build>['mounts'][number] | undefined =>
  build(...args).mounts.find((mount) => mount.destination === destination)
const refused = (message: string): unknown =>
  expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining(message) as string })

describe('mounts', () => {
  it("are Docker's, and the three files of /etc", () => {
    expect(targets()).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/sys',
      '/sys/fs/cgroup',
      '/dev/mqueue',
      '/dev/shm',
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
    ])
    expect(at('/etc/hosts')).toEqual({ destination: '/etc/hosts', type: 'bind', source: '/c/hosts', options: ['rbind', 'rprivate', 'rw'] })
  })

  it("make /dev/shm as large as asked, share the host's, or none", () => {
    expect(at('/dev/shm')?.options).toContain('size=67108864')
    expect(at('/dev/shm', { shmBytes: 1 << 20 })?.options).toContain('size=1048576')
    expect(at('/dev/shm', { ipcMode: 'host' })).toMatchObject({ type: 'bind', source: '/dev/shm' })
    expect(at('/dev/shm', { ipcMode: 'none' })).toBeUndefined()
  })

  it('bind with the access and propagation asked for', () => {
    const bind = (more: object): readonly string[] | undefined =>
      at('/t', { mounts: [{ type: 'bind', source: '/s', target: '/t', ...more }] })?.options
    expect(bind({})).toEqual(['rbind', 'rw', 'rprivate'])
    expect(bind({ propagation: 'slave' })).toEqual(['rbind', 'rw', 'rslave'])
    expect(bind({ readOnly: true })).toEqual(['rbind', 'ro', 'rro', 'rprivate'])
  })

  it('ask for recursive protection only of directories', () => {
    const mounts = [{ type: 'bind', source: '/s', target: '/t', readOnly: true }] as const
    expect(at('/t', { mounts }, { fileSources: new Set(['/s']) })?.options).toEqual(['rbind', 'ro', 'rprivate'])
  })

  it('ask for recursive protection only of kernels that have it', () => {
    const mounts = [{ type: 'bind', source: '/s', target: '/t', readOnly: true }] as const
    expect(at('/t', { mounts }, { host: { ...host, kernel: '5.10.0' } })?.options).toEqual(['rbind', 'ro', 'rprivate'])
  })

  it('let what propagates pass the root', () => {
    const shared = (propagation: 'slave' | 'shared'): string | undefined =>
      build({ mounts: [{ type: 'bind', source: '/s', target: '/t', propagation }] }).linux.rootfsPropagation
    expect([shared('shared'), shared('slave'), build().linux.rootfsPropagation]).toEqual(['shared', 'rslave', undefined])
  })

  it('give a tmpfs its size and mode', () => {
    expect(at('/t', { mounts: [{ type: 'tmpfs', target: '/t', sizeBytes: 5, mode: 0o700 }] })?.options).toEqual([
      'nosuid',
      'noexec',
      'nodev',
      'mode=700',
      'size=5',
    ])
    expect(at('/t', { mounts: [{ type: 'tmpfs', target: '/t' }] })?.options).toContain('mode=1777')
  })

  it('come parents first', () => {
    const mounts = [
      { type: 'tmpfs', target: '/a/b/c' },
      { type: 'tmpfs', target: '/a' },
      { type: 'tmpfs', target: '/a/b/' },
    ] as const
    expect(targets({ mounts }).filter((target) => target.startsWith('/a'))).toEqual(['/a', '/a/b', '/a/b/c'])
    expect(targets({ mounts: [{ type: 'tmpfs', target: '/etc' }] }).slice(-4)).toEqual([
      '/etc',
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
    ])
  })

  it('of the user win over ours at the same path, and over all below /dev', () => {
    expect(
      build({ mounts: [{ type: 'bind', source: '/mine', target: '/etc/hosts' }] }).mounts.filter(
        ({ destination }) => destination === '/etc/hosts',
      ),
    ).toMatchObject([{ source: '/mine' }])
    expect(targets({ mounts: [{ type: 'bind', source: '/dev', target: '/dev' }] }).filter((target) => target.startsWith('/dev'))).toEqual([
      '/dev',
    ])
  })

  it('of root drivers come over the root', () => {
    const inside = [{ type: 'bind', source: '/lxcfs/meminfo', target: '/proc/meminfo', options: ['bind', 'ro'] }]
    expect(targets({}, { inside })).toContain('/proc/meminfo')
  })

  it("are read-only with a read-only root, but for the user's and what must be written", () => {
    const spec = { security: { readOnlyRoot: true }, mounts: [{ type: 'tmpfs', target: '/tmp' }] } as const
    expect(build(spec).root.readonly).toBe(true)
    expect(at('/etc/hosts', spec)?.options).toContain('ro')
    for (const path of ['/tmp', '/dev', '/dev/shm']) expect(at(path, spec)?.options).not.toContain('ro')
  })

  it('refuse one target twice, however it is written', () => {
    expect(() =>
      build({
        mounts: [
          { type: 'tmpfs', target: '/a' },
          { type: 'tmpfs', target: '/b/../a/' },
        ],
      }),
    ).toThrow(refused('mounts[1].target'))
  })

  it.each(['a', '/', '/..', '', '//'])('refuse the target %j', (target) => {
    expect(() => build({ mounts: [{ type: 'tmpfs', target }] })).toThrow(refused('mounts[0].target'))
  })

  it('refuse a relative source', () => {
    expect(() => build({ mounts: [{ type: 'bind', source: 'a', target: '/a' }] })).toThrow(refused('mounts[0].source'))
  })
})
