import { describe, expect, it } from 'vitest'
import { cgroupTree, isFrozen, oomKills, sampleV1, sampleV2 } from '../../../../../src/backends/host/tasks/cgroup-files.js'

const time = new Date(0)
const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`

describe('cgroupTree', () => {
  it('takes a hybrid tree for v1, with co-mounted controllers', () => {
    expect(cgroupTree(hybrid)).toMatchObject({
      version: 'v1',
      mounts: { cpu: '/sys/fs/cgroup/cpu,cpuacct', cpuacct: '/sys/fs/cgroup/cpu,cpuacct', memory: '/sys/fs/cgroup/memory' },
    })
    expect(cgroupTree(hybrid).all).toEqual(['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory', '/sys/fs/cgroup/unified'])
  })
  it('finds the one mount of v2', () => {
    expect(cgroupTree('25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate')).toEqual({
      version: 'v2',
      mounts: { '': '/sys/fs/cgroup' },
      all: ['/sys/fs/cgroup'],
    })
  })
})
describe('oomKills', () => {
  it('reads memory.oom_control of v1 and memory.events of v2', () => {
    expect(oomKills('oom_kill_disable 0\nunder_oom 0\noom_kill 2\n')).toBe(2)
    expect(oomKills('low 0\nhigh 0\nmax 113\noom 1\noom_kill 1\noom_group_kill 0\n')).toBe(1)
  })
  it('does not guess where an old kernel does not count', () => {
    expect(oomKills('oom_kill_disable 0\nunder_oom 0\n')).toBeUndefined()
  })
})
describe('isFrozen', () => {
  it('is true from the moment in which a kill is not heard', () => {
    expect(['FROZEN\n', 'FREEZING\n', 'populated 1\nfrozen 1\n'].map(isFrozen)).toEqual([true, true, true])
    expect(['THAWED\n', 'populated 1\nfrozen 0\n', ''].map(isFrozen)).toEqual([false, false, false])
  })
})

describe('samples', () => {
  it('of v1 leave out cache that can be dropped, and a limit that is none', () => {
    expect(
      sampleV1(
        {
          usage: '123456789\n',
          cpuStat: 'nr_periods 0\nnr_throttled 0\nthrottled_time 77\n',
          memory: '9000\n',
          memoryStat: 'cache 5\ntotal_cache 4000\ntotal_inactive_file 3000\n',
          memoryLimit: '9223372036854771712\n',
          pids: '3\n',
          io: '254:0 Read 4096\n254:0 Write 100\n254:16 Read 4\n254:0 Total 4196\nTotal 4200\n',
        },
        time,
      ),
    ).toEqual({
      time,
      cpuNanos: 123456789,
      throttledNanos: 77,
      memoryBytes: 6000,
      cacheBytes: 4000,
      memoryLimitBytes: undefined,
      pids: 3,
      readBytes: 4100,
      writtenBytes: 100,
    })
  })
  it('of v2 are in the same units', () => {
    expect(
      sampleV2(
        {
          cpuStat: 'usage_usec 1500\nuser_usec 1\nthrottled_usec 2\n',
          memory: '9000\n',
          memoryStat: 'anon 1\nfile 4000\ninactive_file 3000\n',
          memoryLimit: '65536\n',
          pids: '3\n',
          io: '254:0 rbytes=4096 wbytes=100 rios=1 wios=1\n254:16 rbytes=4 wbytes=0\n',
        },
        time,
      ),
    ).toEqual({
      time,
      cpuNanos: 1_500_000,
      throttledNanos: 2_000,
      memoryBytes: 6000,
      cacheBytes: 4000,
      memoryLimitBytes: 65536,
      pids: 3,
      readBytes: 4100,
      writtenBytes: 100,
    })
    expect(sampleV2({ memory: '1\n', memoryLimit: 'max\n' }, time)).toMatchObject({ memoryLimitBytes: undefined, readBytes: undefined })
  })
})
