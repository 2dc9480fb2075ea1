import { expect, it } from 'vitest'
import { fitOptions } from '../../../../src/backends/host/overlay-options.js'
import { isEngineError } from '../../../../src/errors.js'

const base = '/var/lib/pouch-sdk/daemon/root/io.containerd.snapshotter.v1.overlayfs/snapshots'
function overlay(layers: number, directory = base): { type: string; source: string; options: string[] } {
  const lower = Array.from({ length: layers }, (_, n) => `${directory}/${n + 1}/fs`)
  return {
    type: 'overlay',
    source: 'overlay',
    options: ['index=off', `workdir=${directory}/999/work`, `upperdir=${directory}/999/fs`, `lowerdir=${lower.join(':')}`],
  }
}

it('options that fit stay as they are', () => {
  const mount = overlay(10)
  expect(fitOptions(mount)).toEqual({ ...mount, workingDirectory: '/' })
})

it('options that do not fit become relative to the directory that all layers have in common', () => {
  const { options, workingDirectory } = fitOptions(overlay(120))
  expect(workingDirectory).toBe(`${base}/`)
  expect(options.slice(0, 3)).toEqual(['index=off', 'workdir=999/work', 'upperdir=999/fs'])
  expect(options[3]).toMatch(/^lowerdir=1\/fs:2\/fs:3\/fs:.*:120\/fs$/)
})

it('an escaped colon stays in its path, and a directory with one is not common', () => {
  const { options, workingDirectory } = fitOptions(overlay(170, '/srv/a\\:b/snapshots'))
  expect(workingDirectory).toBe('/srv/')
  expect(options[2]).toBe('upperdir=a\\:b/snapshots/999/fs')
  expect(options[3]).toMatch(/^lowerdir=a\\:b\/snapshots\/1\/fs:a\\:b/)
})

it('what cannot fit is unsupported', () => {
  const unsupported = expect.toSatisfy((error) => isEngineError(error, 'unsupported'))
  expect(() => fitOptions(overlay(1_000))).toThrow(unsupported)
  expect(() => fitOptions({ type: 'tmpfs', source: 'x', options: ['x'.repeat(5_000)] })).toThrow(unsupported)
})
