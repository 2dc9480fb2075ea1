import { describe, expect, it } from 'vitest'
import type { Exchange, HttpCalls, Method } from '../../../../src/backends/http/calls.js'
import { stopContainer } from '../../../../src/backends/http/container-end.js'
import { pouch } from '../../../../src/backends/http/dialects/pouch.js'
import { SentSignals } from '../../../../src/backends/http/signals.js'
import { EngineError } from '../../../../src/errors.js'

/** A pouchd with one container, which has these statuses one after the other, the last for good; and what it was asked to do. */
function daemon(statuses: readonly string[], { policy = 'no', kill = true } = {}) {
  const left = [...statuses]
  const asked: string[] = []
  const calls = {
    async json(method: Method, path: string, { query }: Exchange = {}): Promise<unknown> {
      if (method !== 'GET') {
        asked.push(`${path.slice('/containers/c/'.length)}${query === undefined ? '' : ` ${JSON.stringify(query)}`}`)
        if (path.endsWith('/kill') && left[0] === 'exited') throw new EngineError('failed_precondition', 'is not running')
        return undefined
      }
      const status = left.length > 1 ? left.shift() : left[0]
      const State = { Status: status, Running: status === 'running', Paused: status === 'paused', StartedAt: '2026-01-01T00:00:00Z' }
      return { Id: 'c', Name: 'web', State, Config: {}, HostConfig: { RestartPolicy: { Name: policy } } }
    },
  } as unknown as HttpCalls
  const facts = { version: kill ? '1.3.1' : '1.3.0', api: { major: 1, minor: 24 }, versionAnswer: {}, info: {} }
  const supports = (capability: string): boolean => capability !== 'kill' || kill
  return { asked, context: { calls, dialect: pouch, facts, name: 'pouchd', signals: new SentSignals(), supports } }
}

describe('a stop on pouchd', () => {
  it('is its own, in whole seconds, where there are no signals, and has one second at least', async () => {
    for (const [graceMs, seconds] of [
      [1_500, 2],
      [0, 1],
    ] as const) {
      const { context, asked } = daemon(['running', 'stopped'], { kill: false })
      await stopContainer(context, 'c', { graceMs })
      expect(asked).toEqual([`stop {"t":${seconds}}`])
    }
  })
  it('is a signal and a wait where there are signals, and a SIGKILL without a grace', async () => {
    const { context, asked } = daemon(['running', 'running', 'exited'])
    await stopContainer(context, 'c', { graceMs: 1_500 })
    expect(asked).toEqual(['kill {"signal":"SIGTERM"}', 'wait'])
    const { context: other, asked: askedNow } = daemon(['running', 'running', 'exited'])
    await stopContainer(other, 'c', { graceMs: 0 })
    expect(askedNow).toEqual(['kill {"signal":"SIGKILL"}', 'wait'])
  })
  it('is its own where a restart policy must rest, after a SIGKILL without a grace, and never says 0, which would be ten seconds', async () => {
    const { context, asked } = daemon(['running', 'stopped'], { policy: 'always' })
    await stopContainer(context, 'c', { graceMs: 0 })
    expect(asked).toEqual(['kill {"signal":"SIGKILL"}', 'stop {"t":1}'])
  })
  it('of a paused container lets it run, for the signal to reach it', async () => {
    const { context, asked } = daemon(['paused', 'running', 'exited'])
    await stopContainer(context, 'c', { graceMs: 0 })
    expect(asked).toEqual(['unpause', 'kill {"signal":"SIGKILL"}', 'wait'])
  })
  it('that came between an end and the start that the restart policy makes of it is said again', async () => {
    const { context, asked } = daemon(['exited', 'exited', 'running', 'running', 'stopped'], { policy: 'always' })
    await stopContainer(context, 'c', { graceMs: 1_000 })
    expect(asked).toEqual(['stop {"t":1}'])
  })
  it('of a container that ended and has no policy asks for nothing', async () => {
    const { context, asked } = daemon(['exited'])
    await stopContainer(context, 'c', { graceMs: 1_000 })
    expect(asked).toEqual([])
  })
})
