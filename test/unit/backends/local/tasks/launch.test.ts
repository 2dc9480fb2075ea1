import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launchCommand, launchScript, sharesMounts } from '../../../../../src/backends/local/tasks/launch.js'
import { requireRights } from '../../../../../src/backends/local/tasks/rights.js'
import { terminalCommand } from '../../../../../src/backends/local/tasks/terminal.js'

const execute = promisify(execFile)

describe('launchCommand', () => {
  it('is the program itself where nothing is to be mounted or hidden', () => {
    expect(launchCommand('/usr/bin/unshare', { program: '/bin/x', args: ['a'], mounts: [] })).toEqual({ file: '/bin/x', args: ['a'] })
  })
  it('brings all that varies as words of its own', () => {
    const mount = { type: 'bind', source: "/a 'b'", options: ['rbind', 'ro'] }
    const { file, args } = launchCommand('/usr/bin/unshare', {
      program: '/bin/x',
      args: ['$(reboot)'],
      mounts: [{ mount, target: '/t' }],
      hiddenCgroup: '/cg',
    })
    expect(file).toBe('/usr/bin/unshare')
    expect(args.slice(0, 4)).toEqual(['--mount', '--propagation', 'slave', '--'])
    expect(args.slice(args.indexOf(launchScript) + 1)).toEqual([
      ...['sh', '/cg', '/', '1', '/', 'none', 'rbind,ro', "/a 'b'", '/t', '/bin/x', '$(reboot)'],
    ])
  })
  it('gives a program that mounts by itself a namespace, and its place to stand', () => {
    const { args } = launchCommand('unshare', { program: '/bin/x', args: [], mounts: [], directory: '/d', mountsItself: true })
    expect(args.slice(-5)).toEqual(['sh', '', '/d', '0', '/bin/x'])
  })
})

describe('launchScript', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
    await writeFile(join(directory, 'mount'), '#!/bin/sh\necho "mount $PWD: $*"\n[ "$5" != bad ]\n', { mode: 0o755 })
  })
  afterEach(() => rm(directory, { recursive: true }))
  const run = (...words: string[]): Promise<string> =>
    execute('/bin/sh', ['-c', launchScript, 'sh', ...words], { env: { PATH: `${directory}:/usr/bin:/bin` } }).then(({ stdout }) => stdout)

  it('mounts in order, each from its directory, hides last, and becomes the program', async () => {
    const said = await run('/cg', '/usr', '2', '/', 'overlay', 'o1', 's1', '/t', '/etc', 'none', 'bind', 's 2', '/t/x', 'pwd')
    expect(said.split('\n')).toEqual([
      'mount /: -n -i -t overlay -o o1 -- s1 /t',
      'mount /etc: -n -i -t none -o bind -- s 2 /t/x',
      'mount /usr: -n -i -t tmpfs -o mode=0755,size=4k none /cg',
      '/usr',
      '',
    ])
  })
  it('does not start the program when a mount fails', async () => {
    await writeFile(join(directory, 'mount'), '#!/bin/sh\necho "no such layer" >&2\nexit 32\n', { mode: 0o755 })
    await expect(run('', '/', '1', '/', 'overlay', 'o', 's', '/t', 'echo', 'started')).rejects.toMatchObject({
      code: 32,
      stdout: '',
      stderr: 'no such layer\n',
    })
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
