// Figures of a running container, at intervals.
import { isEngineError } from '../../errors.js'
import type { StatsSample } from '../../model/resources.js'
import type { StatsOptions } from '../../ports/backend/containers.js'
import { linkedSignal, sleep } from '../../util/abort.js'
import { type ContainerContext, containerSubject, doesNotRun, inspect } from './container-context.js'
import { untilItStops } from './container-wait.js'
import { requireCapability } from './context.js'
import { path } from './path.js'
import { isRunning } from './wire/container-info.js'
import { parse } from './wire/parse.js'
import { isEmpty, type StatsAnswer, statsAnswer, toSample } from './wire/stats.js'

type StatsContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'name' | 'supports'>

export async function* containerStats(
  context: StatsContext,
  id: string,
  options: StatsOptions = {},
): AsyncGenerator<StatsSample, void, undefined> {
  requireCapability(context, 'stats')
  const { State } = await inspect(context, id, { signal: options.signal })
  if (!isRunning(State) && State.Paused !== true && State.Status !== 'paused') throw doesNotRun(id)
  const readings = context.dialect.containers.oneShotStats(context.facts.api) ? asked(context, id, options) : streamed(context, id, options)
  let before: StatsAnswer | undefined
  for await (const now of readings) {
    if (before !== undefined) yield toSample(before, now)
    before = now
  }
}

async function* asked({ calls }: StatsContext, id: string, { intervalMs = 1_000, signal }: StatsOptions): AsyncGenerator<StatsAnswer> {
  for (;;) {
    let reading: StatsAnswer
    try {
      const query = { stream: false, 'one-shot': true }
      const answer = await calls.json('GET', path`/containers/${id}/stats`, { query, subject: containerSubject(id), signal })
      reading = parse(statsAnswer, answer, 'GET /containers/{id}/stats')
    } catch (error) {
      if (isEngineError(error, 'not_found') || isEngineError(error, 'failed_precondition')) return
      throw error
    }
    if (isEmpty(reading)) return
    yield reading
    await sleep(intervalMs, signal)
  }
}

/** The daemon's own second between readings; a longer interval leaves some out. Some streams outlive the container: its end is waited for. */
async function* streamed(context: StatsContext, id: string, { intervalMs = 1_000, signal }: StatsOptions): AsyncGenerator<StatsAnswer> {
  using stopping = linkedSignal(signal)
  let stopped = false
  const end = (): void => {
    stopped = true
    stopping.abort(new Error('it has ended'))
  }
  untilItStops(context, id, { signal: stopping.signal }).then(end, () => {})
  const slackMs = 50
  let last = Number.NEGATIVE_INFINITY
  try {
    const lines = context.calls.lines('GET', path`/containers/${id}/stats`, {
      query: { stream: true },
      subject: containerSubject(id),
      signal: stopping.signal,
    })
    for await (const line of lines) {
      const reading = parse(statsAnswer, line, 'GET /containers/{id}/stats')
      if (isEmpty(reading)) return
      if (performance.now() - last < intervalMs - slackMs) continue
      last = performance.now()
      yield reading
    }
  } catch (error) {
    if (!stopped) throw error
  } finally {
    stopping.abort(new Error('nobody reads any more'))
  }
}
