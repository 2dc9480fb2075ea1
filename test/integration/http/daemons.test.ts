// The daemons that tests start: they work as their own clients see them, and whatever runs on them, closing leaves nothing.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Closeable } from '../../../src/model/common.js'
import { links } from '../../setup/daemon.js'
import { startTestDockerd } from '../../setup/dockerd.js'
import { busyboxImage, dockerArchive, plainLayers } from '../../setup/images.js'
import { cgroupsBelow, mountsBelow, processesNaming } from '../../setup/outside.js'
import { startTestPodman } from '../../setup/podman.js'

type Client = (...args: readonly string[]) => Promise<string>
const kinds = {
  async dockerd() {
    const daemon = await startTestDockerd()
    return { daemon, client: daemon.docker satisfies Client }
  },
  async podman() {
    const daemon = await startTestPodman()
    return { daemon, client: daemon.podman satisfies Client }
  },
}
const opened: Closeable[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

for (const [name, start] of Object.entries(kinds)) {
  describe(name, () => {
    it('runs containers with a network, also after a restart, and leaves nothing when it is closed', async () => {
      const before = await links()
      const { daemon, client } = await start()
      opened.push(daemon)
      const { directory } = daemon
      expect((await stat(daemon.socketPath)).mode & 0o777).toBe(0o600)
      const files = await mkdtemp(join(tmpdir(), 'archive-'))
      const image = await busyboxImage()
      const archive = join(files, 'busybox.tar')
      await writeFile(archive, dockerArchive([{ image, plainLayers: plainLayers(image), tags: ['registry.example/busybox:1'] }]))
      await client('load', '--input', archive)
      await rm(files, { recursive: true })
      expect(await client('run', '--rm', '--network=none', 'registry.example/busybox:1', 'echo', 'hello')).toBe('hello')

      await daemon.restart()
      const page = 'mkdir /www; echo served >/www/index.html; exec busybox httpd -f -p 80 -h /www'
      await client('run', '--detach', '--name=web', '--publish=127.0.0.1::80', 'registry.example/busybox:1', 'sh', '-c', page)
      const [address] = (await client('port', 'web', '80')).split('\n')
      const answer = await fetchSoon(`http://${address ?? ''}/`)
      expect(answer).toBe('served\n')
      const { pid } = daemon

      await daemon.close()
      expect(await processesNaming(directory)).toEqual([])
      expect(() => process.kill(pid, 0)).toThrow('ESRCH')
      expect(await mountsBelow(directory)).toEqual([])
      expect(await links()).toEqual(before)
      expect((await cgroupsBelow('')).filter((path) => path.includes(directory.split('/').at(-1) ?? directory))).toEqual([])
      await expect(stat(directory)).rejects.toThrow('ENOENT')
    })
  })
}

/** A server in a container that has just been started does not listen at once. */
async function fetchSoon(url: string): Promise<string> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}
