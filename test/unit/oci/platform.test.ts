import { describe, expect, it } from 'vitest'
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  matchesPlatform,
  normalizePlatform,
  parsePlatform,
  platformPreference,
  type PlatformDescriptor,
} from '../../../src/oci/platform.js'

const entry = (platform: string | undefined, annotations?: Record<string, string>): PlatformDescriptor => {
  const [os = '', architecture = '', variant] = platform?.split('/') ?? []
  return {
    mediaType: 'm',
    size: 1,
    digest: `sha256:${Buffer.from(platform ?? 'none')
      .toString('hex')
      .padEnd(64, '0')
      .slice(0, 64)}`,
    ...(platform === undefined ? {} : { platform: { os, architecture, variant } }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}
const chosen = (platforms: readonly string[], wanted: string): string[] =>
  choosePlatform(
    platforms.map((text) => entry(text)),
    parsePlatform(wanted),
  ).map(({ platform }) => (platform ? formatPlatform(platform) : ''))

describe('platforms', () => {
  it.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v3', 'linux/amd64/v3'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['arm64', 'linux/arm64'],
    ['linux/i386', 'linux/386'],
  ])('reads "%s" as "%s"', (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected)
  })

  it.each(['', '/', 'linux/', 'a/b/c/d', 'linux/am d64', 'linux//v1', '../x'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('knows this host, and takes an os alone for its architecture', () => {
    const host = hostPlatform()
    expect(host.os).toBe('linux')
    expect(normalizePlatform(host)).toEqual(host)
    expect(parsePlatform('linux')).toEqual(host)
  })

  it('prefers the exact one, then older variants, then 32 bits', () => {
    expect(
      chosen(['linux/386', 'linux/amd64', 'linux/amd64/v2', 'linux/amd64/v3', 'linux/amd64/v4', 'windows/amd64'], 'linux/amd64/v3'),
    ).toEqual(['linux/amd64/v3', 'linux/amd64/v2', 'linux/amd64', 'linux/386'])
    expect(chosen(['linux/arm/v5', 'linux/arm/v7', 'linux/arm/v6', 'linux/arm64'], 'linux/arm/v6')).toEqual([
      'linux/arm/v6',
      'linux/arm/v5',
    ])
    expect(chosen(['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64')).toEqual(['linux/arm64/v8', 'linux/arm/v7'])
    expect(chosen(['linux/amd64', 's390x/x'], 'linux/s390x')).toEqual([])
  })

  it('never takes an attestation, and takes an entry without a platform last', () => {
    const attestation = entry('unknown/unknown', { 'vnd.docker.reference.type': 'attestation-manifest' })
    const disguised = entry('linux/amd64', { 'vnd.docker.reference.type': 'attestation-manifest' })
    const bare = entry(undefined)
    const right = entry('linux/amd64')
    expect(choosePlatform([attestation, disguised, bare, right], parsePlatform('linux/amd64'))).toEqual([right, bare])
  })

  it('keeps the order of the index among equals', () => {
    const [a, b] = [
      { ...entry('linux/amd64'), size: 1 },
      { ...entry('linux/amd64'), size: 2 },
    ]
    expect(choosePlatform([a, b], parsePlatform('linux/amd64'))).toEqual([a, b])
  })

  it('matches what is among the preferences', () => {
    expect(matchesPlatform(parsePlatform('linux/arm64/v8'), parsePlatform('linux/arm64'))).toBe(true)
    expect(matchesPlatform(parsePlatform('linux/arm64'), parsePlatform('linux/amd64'))).toBe(false)
    expect(platformPreference(parsePlatform('linux/riscv64'))).toHaveLength(1)
  })
})
