import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fromBinary } from '@bufbuild/protobuf'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OptionsSchema } from '../../../../../src/backends/containerd/gen/runc_options_pb.js'
import { type ContainerdRuntimes, openRuntimes } from '../../../../../src/backends/containerd/runtimes.js'
import { oci, shim } from '../../../../../src/drivers/runtime.js'

const execute = promisify(execFile)
let root: string
let bin: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  bin = join(root, 'bin')
  await mkdir(bin)
  for (const name of ['fake-runtime', 'containerd-shim-runc-v2', 'containerd-shim-kata-v2']) {
    await writeFile(join(bin, name), '#!/bin/sh\nprintf "%s\\n" "$FAKE" "$@"\n', { mode: 0o755 })
  }
})
afterEach(() => rm(root, { recursive: true }))
const open = (runtimes: Parameters<typeof openRuntimes>[0]['runtimes']): Promise<ContainerdRuntimes> =>
  openRuntimes({ directory: join(root, 'runtimes'), path: bin, runtimes })
const optionsOf = (runtimes: ContainerdRuntimes, name: string): { readonly binaryName: string; readonly root: string } =>
  fromBinary(OptionsSchema, runtimes.resolve({ name }).form.options?.value ?? new Uint8Array())

describe('Runtimes', () => {
  it('an unknown name is invalid_argument and tells those there are', async () => {
    const runtimes = await open({ fake: oci('fake-runtime') })
    expect(() => runtimes.resolve({ name: 'runv' })).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: 'no runtime "runv": there are "fake"' }),
    )
  })
  it('a runtime that is a word is invalid_argument and tells what makes one', async () => {
    const words = { crun: 'crun' } as unknown as Parameters<typeof openRuntimes>[0]['runtimes']
    await expect(open(words)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringContaining('oci()') })
  })
  it('a missing binary is failed_precondition naming the package, when it is asked for', async () => {
    const runtimes = await open({ gone: oci('no-such-runtime'), fake: oci('fake-runtime') })
    expect(() => runtimes.check({ name: 'gone' })).toThrow(
      expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('install the package "no-such-runtime"') }),
    )
    expect(runtimes.checks().map(({ name, answer }) => `${name} ${answer}`)).toEqual(['runtime gone no', 'runtime fake yes'])
    runtimes.check({ name: 'fake' })
  })
  it('options that a runtime does not take are refused before anything is made', async () => {
    const runtimes = await open({ fake: oci('fake-runtime') })
    expect(() => runtimes.check({ name: 'fake', options: { a: 1 } })).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
  it('an OCI runtime is run by the runc shim, with its state below the root', async () => {
    const runtimes = await open({ fake: oci('fake-runtime') })
    expect(runtimes.resolve({ name: 'fake' }).form.shim).toBe('io.containerd.runc.v2')
    expect(optionsOf(runtimes, 'fake')).toMatchObject({
      binaryName: join(bin, 'fake-runtime'),
      root: expect.stringContaining(join(root, 'runtimes/state/')),
    })
  })
  it('a shim is looked up as containerd does, and keeps its own options', async () => {
    const value = new Uint8Array([8, 1])
    const runtimes = await open({ kata: shim('io.containerd.kata.v2', { typeUrl: 't', value }), other: shim('io.containerd.other.v9') })
    expect(runtimes.resolve({ name: 'kata' }).form).toEqual({ shim: 'io.containerd.kata.v2', options: { typeUrl: 't', value } })
    expect(() => runtimes.resolve({ name: 'other' })).toThrow(
      expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('containerd-shim-other-v9') }),
    )
  })
  it('arguments and environment that the shim cannot pass on are in a wrapper, made once, for its owner', async () => {
    const runtime = { fake: oci('fake-runtime', { globalArgs: ['--x', "it's $HOME"], env: { FAKE: 'a "b" `c`\n\'d\'' } }) }
    const { binaryName } = optionsOf((await Promise.all([open(runtime), open(runtime), open(runtime)]))[0] as ContainerdRuntimes, 'fake')
    expect(((await stat(binaryName)).mode & 0o777).toString(8)).toBe('700')
    expect((await execute(binaryName, ['create', 'a b', '*'])).stdout).toBe("a \"b\" `c`\n'd'\n--x\nit's $HOME\ncreate\na b\n*\n")
    expect((await readdir(join(root, 'runtimes'))).filter((name) => name !== 'state')).toHaveLength(1)
  })
})
