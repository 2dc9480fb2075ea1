import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hybridCgroup } from '../../../../../src/backends/host/runtimes/cgroup-layout.js'
import { quoted, wrapperScript } from '../../../../../src/backends/host/runtimes/runtime-wrapper.js'

const execute = promisify(execFile)
let root: string
let bin: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  bin = join(root, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'fake-runtime'), '#!/bin/sh\nprintf "%s\\n" "$FAKE" "$@"\n', { mode: 0o755 })
})
afterEach(() => rm(root, { recursive: true }))

describe('wrapperScript', () => {
  it('is none where the binary will do', () => {
    expect(wrapperScript({ binary: '/bin/true', globalArgs: [], env: {} })).toBeUndefined()
  })
  it('hides the cgroup mount for create and run, whatever global options come first, and for no other verb', async () => {
    await writeFile(join(bin, 'unshare'), '#!/bin/sh\necho hidden\n', { mode: 0o755 })
    const script = join(root, 'script')
    await writeFile(
      script,
      wrapperScript({ binary: join(bin, 'fake-runtime'), globalArgs: [], env: {}, hiddenCgroup: '/sys/fs/cgroup/unified' }) ?? '',
      { mode: 0o755 },
    )
    const said = async (...args: string[]): Promise<string> =>
      (await execute(script, args, { env: { PATH: `${bin}:/usr/bin:/bin` } })).stdout.trim()
    expect(await said('--root', 'create', '--log', '/x', '--log-format', 'json', '--debug', 'create', '--bundle', 'b', 'id')).toBe('hidden')
    expect(await said('run', 'id')).toBe('hidden')
    expect(await said('--root', 'create', 'delete', 'run')).toBe('--root\ncreate\ndelete\nrun')
  })
  it('quotes any text as one word', async () => {
    const nasty = '\'"$(reboot)`x` \\ \n*'
    expect((await execute('/bin/sh', ['-c', `printf %s ${quoted(nasty)}`])).stdout).toBe(nasty)
  })
})

describe('hybridCgroup', () => {
  it('is none on a pure layout', async () => {
    expect(await hybridCgroup('25 20 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw')).toBeUndefined()
    expect(await hybridCgroup('25 20 0:22 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory')).toBeUndefined()
  })
})
