// Waits at a daemon whose `wait` knows running containers only, as Podman's.
import { expect, it } from 'vitest'
import { waitContainer } from '../../../../src/backends/http/container-wait.js'
import { EngineError } from '../../../../src/errors.js'

const id = 'c'.repeat(64)
const gone = new EngineError('not_found', 'no such container')
const state = (Status: string, ExitCode: number, StartedAt: string, FinishedAt: string) => ({
  ...{ Id: id, Name: '/c', Created: '2026-01-01T00:00:00Z', Image: 'i', Config: {}, HostConfig: {}, NetworkSettings: {} },
  State: { Status, Running: Status === 'running', ExitCode, StartedAt, FinishedAt },
})
const first = '2026-01-01T00:00:01Z'
const end = '2026-01-01T00:00:02Z'

type Context = Parameters<typeof waitContainer>[0]
/** Answers inspects and waits in turn; what is no answer is thrown. */
function context(inspects: readonly unknown[], waits: readonly unknown[]): Context {
  const left = { GET: [...inspects], POST: [...waits] }
  const json = async (method: 'GET' | 'POST'): Promise<unknown> => {
    const answer = left[method].shift() ?? gone
    if (answer instanceof Error) throw answer
    return answer
  }
  const dialect = { containers: { wait: 'plain', tellsRestarts: true, tellsInMemory: true } }
  return { calls: { json }, dialect, signals: { of: () => undefined }, supports: () => false } as unknown as Context
}

it('an end that the daemon forgets while it removes the container is told as it was told before', async () => {
  const inspects = [state('exited', 3, first, end), state('removing', -1, first, end)]
  expect(await waitContainer(context(inspects, []), id, { until: 'removed' })).toMatchObject({ exitCode: 3, lost: false })
})
it('an end of which nobody ever told the code is lost', async () => {
  const inspects = [state('removing', -1, first, end)]
  expect(await waitContainer(context(inspects, []), id, { until: 'removed' })).toMatchObject({ exitCode: 255, lost: true })
})
it('an end that came between two looks is what the wait told', async () => {
  const inspects = [state('running', 0, first, '0001-01-01T00:00:00Z')]
  expect(await waitContainer(context(inspects, [{ StatusCode: 4 }]), id, { until: 'removed' })).toMatchObject({ exitCode: 4, lost: false })
})
