import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { connectHttp } from '../../../../../src/backends/http/connect.js'
import { podman } from '../../../../../src/backends/http/dialects/podman.js'
import type { DaemonFacts } from '../../../../../src/backends/http/dialect.js'
import { answer, frame, head, says, startScriptedDaemon } from '../../../../setup/scripted-daemon.js'

const facts = (info: DaemonFacts['info']): DaemonFacts => ({ version: '4.3.1', api: { major: 1, minor: 41 }, versionAnswer: {}, info })
const capabilities = (info: DaemonFacts['info']) => podman.capabilities(facts(info))

it('Podman runs health checks where systemd makes its cgroups, and nowhere else', () => {
  expect(capabilities({ CgroupDriver: 'systemd' })).toContain('health')
  for (const info of [{ CgroupDriver: 'cgroupfs' }, { CgroupDriver: null }, {}]) expect(capabilities(info)).not.toContain('health')
  const [check] = podman.checks?.(facts({ CgroupDriver: 'cgroupfs' })) ?? []
  expect(check).toMatchObject({ name: 'health', answer: 'no', why: expect.stringContaining('cgroupfs') })
})

it('the words of Podman about streams that it has lost are none of the process, and what they end is cut', async () => {
  const fixture = new URL('../../../../fixtures/docker-20.10.24-inspect.json', import.meta.url)
  const { answers } = JSON.parse(await readFile(fixture, 'utf8')) as { readonly answers: { readonly running: { readonly Id: string } } }
  const { Id: id } = answers.running
  await using daemon = await startScriptedDaemon()
  daemon.on('GET', '/_ping', says(answer(200, 'OK', { 'Api-Version': '1.41', 'Libpod-Api-Version': '4.3.1' })))
  daemon.on('GET', `/containers/${id}/json`, says(answer(200, answers.running)))
  const lost = 'Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n'
  const upgrade = head(101, { 'Content-Type': 'application/vnd.docker.raw-stream', Connection: 'Upgrade', Upgrade: 'tcp' })
  daemon.on('POST', `/containers/${id}/attach`, async (wire) => {
    await wire.write(upgrade, frame('stdout', 'out\n'), frame('stderr', 'Error: of its own\n'), frame('stderr', lost))
    wire.socket.end()
  })
  await using backend = await connectHttp({ socketPath: daemon.socketPath })
  expect(backend.name).toBe('podman')
  await using attachment = await backend.streams.attach(id)
  const said: string[] = []
  const reading = async (): Promise<void> => {
    for await (const { stream, bytes } of attachment.output) said.push(`${stream} ${Buffer.from(bytes).toString()}`)
  }
  await expect(reading()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('connection reset by peer') })
  expect(said).toEqual(['stdout out\n', 'stderr Error: of its own\n'])
})
