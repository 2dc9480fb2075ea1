import { expect, it } from 'vitest'
import { processEntries, toEntry } from '../../../../../src/backends/host/tasks/processes.js'

it('a name with spaces and parentheses moves no field', () => {
  const stat = `42 (a) b (c)) S 7 42 42 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0 1000 1 1 1`
  const status = 'Name:\ta) b (c)\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t42\t5\n'
  expect(toEntry(42, stat, status, 'sh\0-c\0x y\0', 1_000_000)).toEqual({
    pid: 42,
    parentPid: 7,
    uid: 1000,
    containerPid: 5,
    command: ['sh', '-c', 'x y'],
    cpuNanos: 2_000_000_000,
    startedAt: new Date(1_010_000),
  })
  expect(toEntry(42, stat, status, '', undefined).command).toEqual(['[a) b (c)]'])
})
it('those that ended meanwhile are left out', async () => {
  expect((await processEntries([process.pid, 2 ** 22 + 1])).map(({ pid }) => pid)).toEqual([process.pid])
})
