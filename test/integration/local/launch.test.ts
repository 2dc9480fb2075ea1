import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PlannedMount, prepareLaunch } from '../../../src/backends/local/tasks/launch.js'
import { chooseLauncher, perlLauncher, shellLauncher } from '../../../src/backends/local/tasks/launcher-programs.js'
import { Launchers } from '../../../src/backends/local/tasks/launchers.js'

const execute = promisify(execFile)

describe('prepareLaunch', () => {
  let directory: string
  let table: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
    table = join(directory, 'mounts')
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('mounts what a table says, whatever is in its names, where nobody else sees it', async () => {
    const names = ['plain', 'a b', 'tab\there', 'line\nbreak', 'back\\slash', '#hash', `quote'"`, 'com,ma', 'no\u00a0break', 'wide\u3000']
    for (const name of names) await mkdir(join(directory, name))
    const mounts = names.map((name) => ({ mount: { type: 'tmpfs', source: '#x y', options: ['size=4k'] }, target: join(directory, name) }))
    const { file, args } = await prepareLaunch({ program: '/bin/cat', args: ['/proc/self/mountinfo'], mounts, table })
    const { stdout } = await execute(file, [...args])
    expect(stdout.split('\n').filter((line) => line.includes(directory))).toHaveLength(names.length)
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(directory)
  })
  it('does not start the program when a mount fails, the last one or not', async () => {
    const good = { mount: { type: 'tmpfs', source: 'one', options: ['size=4k'] }, target: directory }
    const bad = { mount: { type: 'overlay', source: 'overlay', options: ['lowerdir=/no/such/layer'] }, target: tmpdir() }
    for (const mounts of [[bad], [good, bad], [bad, good]]) {
      const { file, args } = await prepareLaunch({ program: '/bin/echo', args: ['started'], mounts, table })
      await expect(execute(file, [...args])).rejects.toMatchObject({ stdout: '', stderr: expect.stringMatching(/^mount: /) })
    }
  })
})

describe.each([
  ['chosen here', chooseLauncher],
  ['shells', () => Promise.resolve(shellLauncher('/usr/bin/unshare'))],
])('launchers that are %s', (_name, choose) => {
  let directory: string
  let launchers: Launchers
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
    launchers = new Launchers(await choose())
  })
  afterEach(async () => {
    await launchers.close()
    await rm(directory, { recursive: true })
  })
  async function run(
    script: string,
    mounts: readonly PlannedMount[],
    hiddenCgroup?: string,
  ): Promise<{ code: number | undefined; text: string }> {
    const paths = ['stdout', 'stderr'].map((stream) => join(directory, stream))
    const [stdout, stderr] = await Promise.all(paths.map((path) => open(path, 'w')))
    try {
      const plan = { program: '/bin/sh', args: ['-c', script], mounts, hiddenCgroup, table: join(directory, 'mounts') }
      const { code } = await launchers.launch({ plan, env: {}, descriptors: ['ignore', stdout?.fd ?? 'ignore', stderr?.fd ?? 'ignore'] })
        .ended
      return { code, text: (await Promise.all(paths.map((path) => readFile(path, 'utf8')))).join('') }
    } finally {
      await Promise.all([stdout?.close(), stderr?.close()])
    }
  }
  const folder = async (path: string, content?: string): Promise<string> => {
    await mkdir(join(directory, path), { recursive: true })
    if (content !== undefined) await writeFile(join(directory, path, 'file'), content)
    return join(directory, path)
  }

  it('mount a root and cover the cgroups, where nobody else sees it', async () => {
    const [lower, upper, work, target, covered] = [
      ...[await folder('lower with "all"', 'of below'), await folder('upper'), await folder('work'), await folder('a target')],
      await folder('covered', 'not to be seen'),
    ] as const
    const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`]
    const mounts = [{ mount: { type: 'overlay', source: 'overlay', options }, target }]
    const { code, text } = await run(`cat '${target}/file'; echo new >'${target}/file'; ls -A '${covered}'; pwd; exit 7`, mounts, covered)
    expect({ code, text }).toEqual({ code: 7, text: 'of below/\n' })
    expect(await readFile(join(upper, 'file'), 'utf8')).toBe('new\n')
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(directory)
  })
  it('bind with and without the right to write', async () => {
    const [source, target] = [await folder('source', 'here'), await folder('target')]
    const bound = (access: string) => [{ mount: { type: 'bind', source, options: [access, 'rbind'] }, target }]
    expect(await run(`cat '${target}/file' && echo more >>'${target}/file'`, bound('rw'))).toEqual({ code: 0, text: 'here' })
    expect(await run(`cat '${target}/file' && echo more >>'${target}/file'`, bound('ro'))).toMatchObject({
      code: 2,
      text: expect.stringMatching(/^heremore\n.*Read-only/s),
    })
  })
  it('take so many layers that their paths do not fit into a page', async () => {
    const long = await folder(`${'l'.repeat(200)}/${'m'.repeat(200)}`)
    const layers: string[] = []
    for (let at = 0; at < 40; at += 1) layers.push(await folder(join(long.slice(directory.length), String(at)), String(at)))
    const target = await folder('target')
    const mounts = [{ mount: { type: 'overlay', source: 'overlay', options: [`lowerdir=${layers.join(':')}`] }, target }]
    expect(await run(`cat '${target}/file'; pwd`, mounts)).toEqual({ code: 0, text: '0/\n' })
  })
  it('do not start the program when a mount fails, and say which', async () => {
    const target = await folder('target')
    const good = { mount: { type: 'tmpfs', source: 'one', options: ['size=4k'] }, target: await folder('good') }
    const bad = { mount: { type: 'overlay', source: 'overlay', options: ['lowerdir=/no/such/layer'] }, target }
    for (const mounts of [[bad], [good, bad], [bad, good]]) {
      const { code, text } = await run('echo started', mounts)
      expect(code).not.toBe(0)
      expect(text).toMatch(new RegExp(`^mount: ${target}: `))
      expect(text).not.toContain('started')
    }
  })
})

it('Perl whose numbers are of another machine mounts nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  const getpid = 39
  const launchers = new Launchers(perlLauncher(undefined, [getpid, getpid]))
  try {
    const mounts = [{ mount: { type: 'tmpfs', source: 'one', options: ['size=4k'] }, target: directory }]
    const plan = { program: '/bin/true', args: [], mounts, table: join(directory, 'mounts') }
    expect(await launchers.launch({ plan, env: {}, descriptors: ['ignore', 'ignore', 'ignore'] }).ended).toMatchObject({ code: 1 })
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(directory)
  } finally {
    await launchers.close()
    await rm(directory, { recursive: true })
  }
})
