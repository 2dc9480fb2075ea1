import { expect, it } from 'vitest'
import { podman } from '../../../../../src/backends/http/dialects/podman.js'
import type { DaemonFacts } from '../../../../../src/backends/http/dialect.js'

const capabilities = (info: Readonly<Record<string, unknown>>) => {
  const facts: DaemonFacts = { version: '4.3.1', api: { major: 1, minor: 41 }, versionAnswer: {}, info }
  return podman.capabilities(facts)
}

it('Podman runs health checks where systemd makes its cgroups, and nowhere else', () => {
  expect(capabilities({ CgroupDriver: 'systemd' })).toContain('health')
  for (const info of [{ CgroupDriver: 'cgroupfs' }, { CgroupDriver: null }, {}]) expect(capabilities(info)).not.toContain('health')
})
