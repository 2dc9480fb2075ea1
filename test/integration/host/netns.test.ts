// Network namespaces by iproute2. Only in a mount namespace of the tests' own, as the runner makes it.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LinuxHost } from '../../../src/backends/host/linux-host.js'
import { collect } from '../../../src/conformance/suite.js'

let root: string
let host: LinuxHost
beforeEach(async () => {
  if (process.env['POUCH_SDK_PRIVATE_NAMESPACES'] !== '1') throw new Error('run by "npm test": this makes network namespaces')
  root = await mkdtemp(join(tmpdir(), 'netns-'))
  host = new LinuxHost({ root })
})
afterEach(async () => {
  for await (const name of host.listNetns()) await host.removeNetns(name)
  await rm(root, { recursive: true })
})

it('commands run in the namespace, whose loopback is up', async () => {
  const netnsPath = await host.createNetns('a')
  const links = String(await host.run('ip', ['-brief', 'link'], { netnsPath }))
  expect(links).toMatch(/^lo\s+UNKNOWN/)
  expect(links.trim().split('\n')).toHaveLength(1)
  await expect(host.run('ip', ['link'], { netnsPath: `${netnsPath}-absent` })).rejects.toMatchObject({ code: 'internal' })
})

it('an engine lists those of its own root only', async () => {
  const other = new LinuxHost({ root: await mkdtemp(join(tmpdir(), 'netns-')) })
  await other.createNetns('a')
  expect(await collect(host.listNetns())).toEqual([])
  await host.removeNetns('a')
  expect(await collect(other.listNetns())).toEqual(['a'])
  await other.removeNetns('a')
})

it('a name of which only the file was made is made anew, and removed', async () => {
  await host.removeNetns(await host.createNetns('a').then(() => 'a'))
  await host.createNetns('b')
  const [b] = (await readdir('/run/netns')).filter((name) => name.endsWith('-b'))
  await mkdir('/run/netns', { recursive: true })
  for (const name of ['half', 'rest']) await writeFile(`/run/netns/${(b as string).slice(0, -1)}${name}`, '')
  expect((await collect(host.listNetns())).sort()).toEqual(['b', 'half', 'rest'])
  const netnsPath = await host.createNetns('half')
  await host.run('true', [], { netnsPath })
  await host.removeNetns('rest')
  expect((await collect(host.listNetns())).sort()).toEqual(['b', 'half'])
})
