import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../src/registry/auth.js'
import { endpointsOf, isLoopback } from '../../../src/registry/options.js'
import { backoffMs, parseRetryAfter } from '../../../src/registry/retry.js'

describe('parseChallenges', () => {
  it('tells several challenges of one header apart', () => {
    expect(parseChallenges(['Basic realm="a, b", Bearer realm="https://x/t",service="s \\"q\\"",scope="repository:a:pull,push"'])).toEqual([
      { scheme: 'basic', parameters: { realm: 'a, b' } },
      { scheme: 'bearer', parameters: { realm: 'https://x/t', service: 's "q"', scope: 'repository:a:pull,push' } },
    ])
  })
  it('reads a header of nonsense to its end', () => {
    expect(parseChallenges([`Bearer ${'a="\\'.repeat(100_000)}`, `${'x='.repeat(100_000)}`])[0]?.scheme).toBe('bearer')
  })
})
describe('parseRetryAfter', () => {
  it('reads seconds and dates and ignores the rest', () => {
    expect(parseRetryAfter('7')).toBe(7_000)
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:09 GMT', 4_000)).toBe(5_000)
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:00:01 GMT', 4_000)).toBe(0)
    expect(parseRetryAfter('soon')).toBeUndefined()
    expect(parseRetryAfter(undefined)).toBeUndefined()
  })
})
it('waits longer before each retry, up to a limit', () => {
  const policy = { retries: 9, baseMs: 100, maxRetryAfterMs: 1 }
  expect(backoffMs(0, policy)).toBeLessThanOrEqual(100)
  expect(backoffMs(3, policy)).toBeGreaterThanOrEqual(400)
  expect(backoffMs(60, policy)).toBeLessThanOrEqual(10_000)
})
it('speaks http to loopback only, unless told', () => {
  expect(['localhost', 'localhost:5000', '127.9.9.9:1', '[::1]:5000'].every(isLoopback)).toBe(true)
  expect(['localhost.example', '127.0.0.1.example:80', '10.0.0.1', 'docker.io'].some(isLoopback)).toBe(false)
  expect(endpointsOf('docker.io', {})).toEqual({ mirrors: [], own: { host: 'docker.io', origin: 'https://registry-1.docker.io' } })
  const { mirrors, own } = endpointsOf('a:1', { hosts: { 'a:1': { plainHttp: true, mirrors: ['b'] } } })
  expect([...mirrors, own].map(({ origin }) => origin)).toEqual(['https://b', 'http://a:1'])
})
