import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launchScript, mountTable, prepareLaunch, sharesMounts } from '../../../../../src/backends/local/tasks/launch.js'
import { requireRights } from '../../../../../src/backends/local/tasks/rights.js'
import { terminalCommand } from '../../../../../src/backends/local/tasks/terminal.js'

describe('prepareLaunch', () => {
  let directory: string
  let table: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
    table = join(directory, 'mounts')
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('is the program itself where nothing is to be mounted or hidden', async () => {
    expect(await prepareLaunch({ program: '/bin/x', args: ['a'], mounts: [], table })).toEqual({ file: '/bin/x', args: ['a'] })
  })
  it('brings all that varies as words of its own, and mounts as a table', async () => {
    const mount = { type: 'bind', source: "/a 'b'", options: ['rbind', 'ro'] }
    const plan = { program: '/bin/x', args: ['$(reboot)'], mounts: [{ mount, target: '/t' }], hiddenCgroup: '/cg', table }
    const { file, args } = await prepareLaunch(plan)
    expect(file).toMatch(/\/unshare$/)
    expect(args.slice(0, 4)).toEqual(['--mount', '--propagation', 'slave', '--'])
    expect(args.slice(args.indexOf(launchScript) + 1)).toEqual(['sh', table, '/', '/', '/bin/x', '$(reboot)'])
    expect(await readFile(table, 'utf8')).toBe(`/a\\040'b' /t none rbind,ro 0 0\npouch-sdk /cg tmpfs mode=0755,size=4k 0 0\n`)
  })
  it('gives a program that mounts by itself a namespace, and its place to stand', async () => {
    const { args } = await prepareLaunch({ program: '/bin/x', args: [], mounts: [], table, directory: '/d', mountsItself: true })
    expect(args.slice(-5)).toEqual(['sh', '', '/', '/d', '/bin/x'])
  })
})

describe('mountTable', () => {
  it('one mount may have so many layers that they are told from their own directory', () => {
    const planned = (place: string) => {
      const layers = ['x', 'y', 'z'].map((letter) => `${place}/${letter.repeat(200)}/${letter.repeat(1_000)}`)
      return { mount: { type: 'overlay', source: 'overlay', options: [`lowerdir=${layers.join(':')}`] }, target: '/t' }
    }
    const long = `/${'a'.repeat(600)}`
    expect(mountTable({ mounts: [planned(long)], hiddenCgroup: undefined }).place).toBe(`${long}/`)
    expect(() => mountTable({ mounts: [planned(long), planned(`${long}b`)], hiddenCgroup: undefined })).toThrow(/only one mount/)
  })
})

describe('sharesMounts', () => {
  it('is asked by options of mounts and by the propagation of the root', () => {
    const mount = (...options: string[]) => ({ mounts: [{ destination: '/x', options }] })
    expect([mount('rbind', 'rshared'), mount('shared'), { linux: { rootfsPropagation: 'shared' } }].map(sharesMounts)).toEqual([
      true,
      true,
      true,
    ])
    expect([mount('rbind', 'rslave'), mount(), {}, { linux: { rootfsPropagation: 'private' } }].map(sharesMounts)).toEqual([
      ...[false, false, false, false],
    ])
  })
})

describe('terminalCommand', () => {
  it('puts no word into a text for a shell', () => {
    const { args, env } = terminalCommand('/usr/bin/script', { file: '/bin/crun', args: ['exec', '"; reboot', 'id'] })
    expect(args).toContain('exec "$POUCH_SDK_WORD_0" "$POUCH_SDK_WORD_1" "$POUCH_SDK_WORD_2" "$POUCH_SDK_WORD_3"')
    expect(env).toMatchObject({ POUCH_SDK_WORD_0: '/bin/crun', POUCH_SDK_WORD_2: '"; reboot' })
  })
})

describe('requireRights', () => {
  it('asks for the right to mount, not for a user', () => {
    requireRights('CapEff:\t0000000000200000\n')
    expect(() => {
      requireRights('CapEff:\t0000000000000000\n')
    }).toThrow(expect.objectContaining({ code: 'permission_denied', message: expect.stringContaining('CAP_SYS_ADMIN') }))
  })
})
