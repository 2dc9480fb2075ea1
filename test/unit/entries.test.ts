// What plain JavaScript may get wrong where an engine is opened.
import { describe, expect, it } from 'vitest'
import { connectContainerd, startContainerd } from '../../src/backends/containerd/connect.js'
import { connectHttp } from '../../src/backends/http/connect.js'
import { openLocal } from '../../src/backends/local/open.js'

describe.each([
  ['openLocal', openLocal],
  ['connectHttp', connectHttp],
  ['connectContainerd', connectContainerd],
  ['startContainerd', startContainerd],
] as const)('%s', (name, open) => {
  const call = open as (options?: unknown) => Promise<unknown>
  it('names an option that is not known, before anything is touched', async () => {
    const message = `${name}: "rooot" is not known`
    await expect(call({ rooot: '/no/where' })).rejects.toMatchObject({ code: 'invalid_argument', message })
  })
  it('is told when there are no options', async () => {
    for (const nothing of [undefined, null, '/var/lib/ci']) await expect(call(nothing)).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

it('a daemon that is not there is told by its address', async () => {
  const message = expect.stringContaining('/no/such.sock')
  await expect(connectHttp({ socketPath: '/no/such.sock' })).rejects.toMatchObject({ code: 'unavailable', message })
})
