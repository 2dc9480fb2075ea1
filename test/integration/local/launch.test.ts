import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareLaunch } from '../../../src/backends/local/tasks/launch.js'

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
