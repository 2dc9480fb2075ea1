import { describe, expect, it } from 'vitest'
import { oci, shim } from '../../../src/drivers/runtime.js'

describe('oci', () => {
  it('is data with the features of runc unless told otherwise', () => {
    const runtime = oci('crun', { globalArgs: ['--debug'], env: { A: 'b' }, features: { pause: false } })
    expect(runtime).toMatchObject({ kind: 'oci', path: 'crun', globalArgs: ['--debug'], env: { A: 'b' } })
    expect(runtime.features).toMatchObject({ pause: false, update: true, rootfs: 'mounts', hostPid: true })
  })
  it('refuses a relative path', () => {
    expect(() => oci('./runc')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(() => oci('')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  it('refuses a variable name that a shell would read as something else', () => {
    expect(() => oci('runc', { env: { 'A;reboot': '1' } })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  it('leaves the spec as it is and refuses options that it would have to drop', () => {
    const spec = { ociVersion: '1.0.2' }
    expect(oci('runc').adaptSpec(spec, undefined)).toBe(spec)
    expect(() => oci('runc').adaptSpec(spec, { a: 1 })).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })
})

describe('shim', () => {
  it('carries its encoded options', () => {
    const value = new Uint8Array([1])
    expect(shim('io.containerd.kata.v2', { typeUrl: 'x', value })).toMatchObject({ kind: 'shim', options: { typeUrl: 'x', value } })
    expect(shim('io.containerd.kata.v2')).not.toHaveProperty('options')
  })
  it('refuses a name that containerd could not turn into a binary, and half of the options', () => {
    expect(() => shim('kata')).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    expect(() => shim('io.containerd.kata.v2', { typeUrl: 'x' })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  it('does not promise host pids for a guest', () => {
    expect(shim('io.containerd.kata.v2').features).toMatchObject({ hostPid: false, stats: 'runtime' })
  })
})
