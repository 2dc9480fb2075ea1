// Events of pouchd, as they were recorded.
import { expect, it } from 'vitest'
import { collect } from '../../../../../src/conformance/suite.js'
import { pouchdSystem, withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const events = await recordings('pouchd-1.3.0-events')
const since = new Date(1_795_194_440_000)

it('events are read with their keys in lower case, and told in our words', () =>
  withPouchd('1.3.0', async ({ backend: { system }, expect: asks }) => {
    asks('GET /info', pouchdSystem('info'))
    asks('GET /events', events('history'), { query: { since: /^1795194439\.99999\d{4}$/, until: /^\d{10}\.\d{9}$/ } })
    const told = await collect(system.events({ since, follow: false, subjects: ['e7'] }))
    expect(told.map(({ type, action, attributes }) => [type, action, attributes['exitCode']])).toEqual([
      ['container', 'create', undefined],
      ['container', 'start', undefined],
      ['container', 'exit', '7'],
      ['container', 'remove', undefined],
    ])
  }))

it('an end that is told after the removal comes after it here, too', () =>
  withPouchd('1.3.0', async ({ backend: { system }, expect: asks }) => {
    asks('GET /info', pouchdSystem('info'))
    asks('GET /events', events('history'), { query: { since: /^\d+\.\d{9}$/, until: /^\d+\.\d{9}$/ } })
    const told = await collect(system.events({ since, follow: false, subjects: ['rp'] }))
    expect(told.slice(-3).map(({ action }) => action)).toEqual(['start', 'remove', 'exit'])
  }))

it('an error that comes in place of the history rejects, though the status is 200', () =>
  withPouchd('1.3.0', async ({ backend: { system }, expect: asks }) => {
    asks('GET /info', pouchdSystem('info'))
    asks('GET /events', events('error in a 200'), { query: { since: /^\d+\.\d{9}$/, until: /^\d+\.\d{9}$/ } })
    await expect(collect(system.events({ since, follow: false }))).rejects.toMatchObject({ code: 'internal' })
  }))
