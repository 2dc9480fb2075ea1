// Time limits, by a clock that the test moves. In a file of its own: undici's timers must never have seen the real one.
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { Channel } from '../../../../src/backends/http/transport/channel.js'
import { toEndpoint } from '../../../../src/backends/http/transport/target.js'
import { collect } from '../../../../src/conformance/suite.js'
import { chunk, chunkedHead, head, lastChunk, type ScriptedDaemon, startScriptedDaemon } from '../../../setup/scripted-daemon.js'

let daemon: ScriptedDaemon
let calls: Channel
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  daemon = await startScriptedDaemon()
  calls = new Channel({ endpoint: toEndpoint({ socketPath: daemon.socketPath }) })
})
afterAll(async () => {
  vi.useRealTimers()
  await calls.close()
  await daemon.close()
})

it('a daemon that says nothing for minutes is given up, but not in a wait, a stream or an upload', { timeout: 10_000 }, async () => {
  let release = (): void => {}
  const later = new Promise<void>((resolve) => {
    release = resolve
  })
  const asked: Promise<void>[] = []
  const on = (method: string, path: string, before: readonly (string | Uint8Array)[], after: readonly (string | Uint8Array)[]): void => {
    asked.push(
      new Promise((resolve) => {
        daemon.on(method, path, async (wire) => {
          await wire.write(...before)
          resolve()
          await later
          await wire.write(...after)
        })
      }),
    )
  }
  on('GET', '/silent', [], [])
  on('GET', '/half', [head(200, { 'Content-Length': '11' }), '{"ok"'], [])
  on('POST', '/wait', [head(200, { 'Content-Length': '11' })], ['{"ok":true}'])
  on('POST', '/stop', [], [head(204)])
  on('GET', '/events', [chunkedHead, chunk('{"a":1}')], [chunk('{"b":2}'), lastChunk])
  const hurried = ['/silent', '/half'].map((path) =>
    expect(calls.json('GET', path)).rejects.toMatchObject({ code: 'unavailable', retryable: true }),
  )
  const waiting = calls.json('POST', '/wait', { patient: true })
  const stopping = calls.json('POST', '/stop', { patient: true })
  const events = collect(calls.lines('GET', '/events'))
  await Promise.all(asked)

  await vi.advanceTimersByTimeAsync(320_000)
  await Promise.all(hurried)
  await vi.advanceTimersByTimeAsync(24 * 3_600_000)
  release()
  expect(await waiting).toEqual({ ok: true })
  expect(await stopping).toBeUndefined()
  expect(await events).toEqual([{ a: 1 }, { b: 2 }])
})
