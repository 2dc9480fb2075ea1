// Ports of a container that are reached from outside.
import assert from 'node:assert/strict'
import type { ContainerSettings } from '../model/container-spec.js'
import {
  type BackendCase,
  type BackendSubject,
  forever,
  statusOf,
  uniqueName,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { shell } from './tasks/subject.js'

const page = 'mkdir -p /www; echo served >/www/index.html; exec busybox httpd -f -p 80 -h /www'
const published = (hostPort?: number): Partial<ContainerSettings> => ({
  networkMode: undefined,
  ports: [{ containerPort: 80, hostIp: '127.0.0.1', ...(hostPort !== undefined && { hostPort }) }],
})
/** A server that has just been started does not listen at once. */
async function fetched(url: string): Promise<string> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text()
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}
async function portOf({ backend }: BackendSubject, id: string): Promise<number> {
  const { ports } = await backend.containers.get(id)
  assert.deepEqual(
    ports.map(({ containerPort, hostIp, protocol }) => [containerPort, hostIp, protocol]),
    [[80, '127.0.0.1', 'tcp']],
  )
  return ports[0]?.hostPort ?? 0
}

export const portCases: readonly BackendCase[] = [
  {
    title: 'a published port leads to the container, by the free port that was chosen, and is gone with its run',
    needs: 'networks',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell(page), published(), async (id) => {
        assert.deepEqual((await containers.get(id)).ports, [])
        for (let time = 0; time < 2; time += 1) {
          await containers.start(id)
          const port = await portOf(subject, id)
          assert(port > 0)
          if (subject.real) assert.equal(await fetched(`http://127.0.0.1:${port}/`), 'served\n')
          const listed = (await collect(containers.list())).find((one) => one.id === id)
          assert.equal(listed?.ports[0]?.hostPort, port)
          await containers.stop(id, { graceMs: 0 })
          assert.deepEqual((await containers.get(id)).ports, [])
          if (subject.real) await assert.rejects(fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2_000) }))
        }
      })
    },
    async otherwise(subject) {
      const { containers } = subject.backend
      const label = uniqueName('label')
      await assert.rejects(containers.create(subject.spec(forever, { ...published(), labels: { [label]: '' } })), { code: 'unsupported' })
      assert.deepEqual(await collect(containers.list({ all: true, labels: { [label]: '' } })), [])
    },
  },
  {
    title: 'a port that is taken is failed_precondition to start with, and the container starts when it is free',
    needs: 'networks',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, shell(page), published(), async (holder) => {
        const port = await portOf(subject, holder)
        await withContainer(subject, shell(page), published(port), async (id) => {
          await assert.rejects(containers.start(id), { code: 'failed_precondition' })
          assert.equal(await statusOf(subject, id), 'created')
          assert.equal(await statusOf(subject, holder), 'running')
          await containers.stop(holder, { graceMs: 0 })
          await containers.start(id)
          assert.equal(await portOf(subject, id), port)
          if (subject.real) assert.equal(await fetched(`http://127.0.0.1:${port}/`), 'served\n')
        })
      })
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.containers.create(subject.spec(forever, published(18_080))), { code: 'unsupported' })
    },
  },
]
