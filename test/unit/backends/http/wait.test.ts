// Waits at daemons, those whose `wait` knows running containers only, as Podman's, and those that are told which end is meant.
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
/** Answers inspects and waits in turn, with what a function makes when it is asked; what is no answer is thrown. */
function context(
  inspects: readonly unknown[],
  waits: readonly unknown[],
  events?: readonly object[],
  wait: 'plain' | 'conditions' = 'plain',
): Context {
  const left = { GET: [...inspects], POST: [...waits] }
  const json = async (method: 'GET' | 'POST', path: string): Promise<unknown> => {
    if (!path.startsWith('/containers/')) return {}
    const next = left[method].shift() ?? gone
    const answer: unknown = typeof next === 'function' ? next() : next
    if (answer instanceof Error) throw answer
    return answer
  }
  async function* lines(): AsyncGenerator<object> {
    yield* events ?? []
  }
  const bytes = async () => ({
    body: (async function* () {
      yield Buffer.from(JSON.stringify(await json('POST', '/containers/')))
    })(),
  })
  const dialect = { containers: { wait, tellsRestarts: true, tellsInMemory: true, historyLagMs: 0 } }
  const supports = (capability: string): boolean => capability === 'event_history' && events !== undefined
  return { calls: { json, lines, bytes }, dialect, signals: { of: () => undefined }, supports } as unknown as Context
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
const never = '0001-01-01T00:00:00Z'
const counted = (RestartCount: number, ...[status, code, started, ended]: Parameters<typeof state>) => ({
  ...state(status, code, started, ended),
  RestartCount,
})
const event = (Action: string, at: number, exitCode?: number) => ({
  ...{ Type: 'container', Action, time: Math.floor(at), timeNano: at * 1e9 },
  Actor: { ID: id, Attributes: exitCode === undefined ? {} : { exitCode: String(exitCode) } },
})
const twoRuns = [
  event('start', 1_767_225_601),
  event('die', 1_767_225_602, 11),
  event('start', 1_767_225_603),
  event('die', 1_767_225_604, 12),
]
const firstOfTwo = { exitCode: 11, exitedAt: new Date(end), lost: false }

it.each([
  ['is running again', counted(1, 'running', 0, '2026-01-01T00:00:03Z', never)],
  ['has ended again', counted(1, 'exited', 12, '2026-01-01T00:00:03Z', '2026-01-01T00:00:04Z')],
])('of runs that came and went between two looks the first end is told by the history: %s', async (_what, second) => {
  const created = counted(0, 'created', 0, never, never)
  expect(await waitContainer(context([created, second], [], twoRuns), id, { until: 'next-exit' })).toMatchObject(firstOfTwo)
})
it('an end while the first look was under way is told by the history', async () => {
  const running = () => counted(1, 'running', 0, new Date().toISOString(), new Date().toISOString())
  const soon = Date.now() / 1000 + 1
  const events = [event('die', soon, 11), event('start', soon), event('die', soon + 1, 12)]
  expect(await waitContainer(context([running], [], events), id, { until: 'next-exit' })).toMatchObject({ exitCode: 11, lost: false })
})
it('an end before the call is not the next one, also by a clock that goes ahead', async () => {
  const before = new Date(Date.now() + 3_600_000).toISOString()
  const after = new Date(Date.now() + 3_700_000).toISOString()
  const inspects = [state('exited', 3, first, before), state('exited', 4, before, after)]
  expect(await waitContainer(context(inspects, []), id, { until: 'next-exit' })).toMatchObject({ exitCode: 4, lost: false })
})
it.each([
  ['runs again', counted(1, 'running', 0, '2026-01-01T00:00:03Z', end), { exitCode: 11, exitedAt: new Date(end) }],
  ['has ended', counted(0, 'exited', 11, first, end), { exitCode: 11, exitedAt: new Date(end) }],
  ['has ended again', counted(1, 'exited', 12, '2026-01-01T00:00:03Z', '2026-01-01T00:00:04Z'), { exitCode: 11 }],
  ['runs for the third time', counted(2, 'running', 0, '2026-01-01T00:00:05Z', '2026-01-01T00:00:04Z'), { exitCode: 11 }],
])(
  'the next exit is that of the run that was waited for, also where it is looked at late: the container %s',
  async (_what, later, exit) => {
    const running = counted(0, 'running', 0, first, never)
    const waited = await waitContainer(context([running, later], [{ StatusCode: 11 }]), id, { until: 'next-exit' })
    expect(waited).toMatchObject({ ...exit, lost: false })
    if (!('exitedAt' in exit)) expect(waited.exitedAt).not.toEqual(new Date('2026-01-01T00:00:04Z'))
  },
)
it('the next exit is the one that the wait told, also where the container has ended again since', async () => {
  const inspects = [state('running', 0, first, '0001-01-01T00:00:00Z'), state('exited', 12, '2026-01-01T00:00:03Z', '2026-01-01T00:00:04Z')]
  const daemon = context(inspects, [{ StatusCode: 11 }], undefined, 'conditions')
  expect(await waitContainer(daemon, id, { until: 'next-exit' })).toMatchObject({ exitCode: 11, lost: false })
})
it('the next exit is told with what the daemon knows of it', async () => {
  const inspects = [state('running', 0, first, '0001-01-01T00:00:00Z'), state('exited', 11, first, end)]
  const daemon = context(inspects, [{ StatusCode: 11 }], undefined, 'conditions')
  expect(await waitContainer(daemon, id, { until: 'next-exit' })).toMatchObject({ exitCode: 11, exitedAt: new Date(end) })
})
it('the next exit of one that had not been started is the one that the wait told', async () => {
  const inspects = [state('created', 0, never, never), state('exited', 12, '2026-01-01T00:00:03Z', '2026-01-01T00:00:04Z')]
  const daemon = context(inspects, [{ StatusCode: 11 }], undefined, 'conditions')
  expect(await waitContainer(daemon, id, { until: 'next-exit' })).toMatchObject({ exitCode: 11, lost: false })
})
it('an end before the container could be looked at, which has gone since, is what the history tells', async () => {
  const soon = Math.ceil(Date.now() / 1_000) + 1
  const daemon = context([], [{ StatusCode: 11 }], [event('die', soon, 11), event('destroy', soon + 1)], 'conditions')
  expect(await waitContainer(daemon, id)).toMatchObject({ exitCode: 11, exitedAt: new Date(soon * 1_000), lost: false })
})
it('one that has gone and never ran is not there', async () => {
  const daemon = context([], [{ StatusCode: 0 }], [event('destroy', Date.now() / 1_000 + 1)], 'conditions')
  await expect(waitContainer(daemon, id)).rejects.toMatchObject({ code: 'not_found' })
})
