import { describe, expect, it } from 'vitest'
import type { Exchange, HttpCalls, Method } from '../../../../src/backends/http/calls.js'
import { pouch } from '../../../../src/backends/http/dialects/pouch.js'
import { Owner } from '../../../../src/backends/http/owner.js'
import { SentSignals } from '../../../../src/backends/http/signals.js'
import { HttpSystem } from '../../../../src/backends/http/system.js'
import { KeyedMutex } from '../../../../src/util/keyed-mutex.js'

/** A daemon whose info is `info`, and what it was asked to do. */
function daemon(info: object, able = true): { readonly system: HttpSystem; readonly asked: unknown[] } {
  const asked: unknown[] = []
  const calls = {
    async json(method: Method, path: string, { body }: Exchange = {}): Promise<unknown> {
      if (method === 'GET') return info
      asked.push([path, body])
      return undefined
    },
  } as unknown as HttpCalls
  const facts = { version: '1.3.1', api: { major: 1, minor: 24 }, versionAnswer: {}, info: {} }
  const system = new HttpSystem({
    calls,
    dialect: pouch,
    facts,
    name: 'pouchd',
    supports: () => able,
    trace: () => {},
    signals: new SentSignals(),
    verbs: new KeyedMutex(),
    owner: new Owner(),
  })
  return { system, asked }
}

describe('updateDaemon', () => {
  it('sends labels in lines, and the proxy that the daemon has, which it would forget otherwise', async () => {
    const { system, asked } = daemon({ HttpProxy: 'http://127.0.0.1:65001' })
    await system.updateDaemon({ labels: { rack: '7', note: 'a=b' } })
    expect(asked).toEqual([['/daemon/update', { Labels: ['rack=7', 'note=a=b'], ImageProxy: 'http://127.0.0.1:65001' }]])
  })
  it('asks nothing for nothing', async () => {
    const { system, asked } = daemon({})
    await system.updateDaemon({})
    await system.updateDaemon({ labels: {} })
    expect(asked).toEqual([])
  })
  it('is unsupported where the daemon cannot, and nothing was asked', async () => {
    const { system, asked } = daemon({}, false)
    await expect(system.updateDaemon({ labels: { a: 'b' } })).rejects.toMatchObject({ code: 'unsupported' })
    expect(asked).toEqual([])
  })
  it('shows in the labels of info', async () => {
    const { system } = daemon({ Labels: ['rack=7', 'note=a=b', 'bare'] })
    expect((await system.info()).labels).toEqual({ rack: '7', note: 'a=b', bare: '' })
  })
})
