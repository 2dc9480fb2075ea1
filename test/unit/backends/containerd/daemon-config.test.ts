import { expect, it } from 'vitest'
import { daemonConfig, daemonPaths, tomlString } from '../../../../src/backends/containerd/daemon-config.js'

it('every path of a daemon of ours is below its root', () => {
  const paths = daemonPaths('/srv/r"oot')
  for (const line of daemonConfig(paths).split('\n')) {
    if (/^\s*(root|state|address|path) = /.test(line)) expect(line).toContain('"/srv/r\\"oot/daemon/')
  }
  expect(daemonConfig(paths)).not.toMatch(/\/(var|run)\//)
})
it('a root that makes a socket path too long is invalid_argument and tells by how much', () => {
  const longest = 107 - '/daemon/containerd.sock.ttrpc'.length
  expect(daemonPaths(`/${'x'.repeat(longest - 1)}`).socket).toHaveLength(107 - '.ttrpc'.length)
  expect(() => daemonPaths(`/${'x'.repeat(longest)}`)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('1 bytes too long') }),
  )
})
it('a string of TOML holds anything', () => {
  expect(tomlString('a"b\\c\nd')).toBe('"a\\"b\\\\c\\u000ad"')
})
