// Which image of an index runs here: `linux/arm64/v8`, and the order of preference.
import { endianness } from 'node:os'
import type { Descriptor } from '../model/common.js'
import { EngineError } from '../errors.js'

export interface Platform {
  readonly os: string
  readonly architecture: string
  /** In its shortest form: arm64 has none for v8, amd64 none for v1. */
  readonly variant?: string | undefined
}
/** An entry of an index. */
export interface PlatformDescriptor extends Descriptor {
  readonly platform?: Platform | undefined
}

const ARCHITECTURES: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  x86_64: { architecture: 'amd64' },
  'x86-64': { architecture: 'amd64' },
  x64: { architecture: 'amd64' },
  i386: { architecture: '386' },
  i686: { architecture: '386' },
  ia32: { architecture: '386' },
  aarch64: { architecture: 'arm64' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v6' },
}
const OSES: Readonly<Record<string, string>> = { macos: 'darwin' }
const KNOWN_OSES: readonly string[] = ['linux', 'windows', 'darwin', 'freebsd']
const PART = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** This machine's. Images run on Linux, whatever this process runs on. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: 'linux', architecture: hostArchitecture(), variant: hostVariant() })
}

/** `os/arch[/variant]`, or one of os and architecture alone; the other is then this host's. Malformed: `invalid_argument`. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const [first = '', second, third] = parts
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new EngineError('invalid_argument', `platform "${text.slice(0, 80)}" is malformed: os/arch[/variant] is expected`)
  }
  if (second !== undefined) return normalizePlatform({ os: first, architecture: second, variant: third })
  const host = hostPlatform()
  const os = OSES[first.toLowerCase()] ?? first.toLowerCase()
  return KNOWN_OSES.includes(os) ? { ...host, os } : normalizePlatform({ os: 'linux', architecture: first })
}

export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined && part !== '').join('/')
}

/** Other names of the same, and variants that say nothing. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase()
  const given = platform.architecture.toLowerCase()
  const known = ARCHITECTURES[given] ?? { architecture: given }
  const variant = platform.variant?.toLowerCase() || known.variant
  return withVariant({ os: OSES[os] ?? os, architecture: known.architecture }, shortVariant(known.architecture, variant))
}

/**
 * What runs on `wanted`, best first: itself, then what its processor runs as well (arm/v7 runs v6 and v5, amd64/v3
 * runs v2 and plain, 64 bits run 32).
 */
export function platformPreference(wanted: Platform): readonly Platform[] {
  const exact = normalizePlatform(wanted)
  const { os, architecture, variant } = exact
  const steps = (highest: string | undefined, lowest: number): Platform[] => {
    const level = Number(highest?.slice(1) ?? Number.NaN)
    return Array.from({ length: Math.max(0, level - lowest) }, (_, index) =>
      normalizePlatform({ os, architecture, variant: `v${level - 1 - index}` }),
    )
  }
  switch (architecture) {
    case 'amd64':
      return [exact, ...steps(variant, 1), { os, architecture: '386' }]
    case 'arm':
      return [exact, ...steps(variant ?? 'v7', 5)]
    case 'arm64':
      return [exact, ...steps(variant, 8), ...['v8', 'v7', 'v6', 'v5'].map((older) => ({ os, architecture: 'arm', variant: older }))]
    default:
      return [exact]
  }
}

/** The entries of an index that run on `wanted`, best first. Attestations are never among them; entries without a platform come last. */
export function choosePlatform<D extends PlatformDescriptor>(manifests: readonly D[], wanted: Platform): readonly D[] {
  const order = platformPreference(wanted).map(formatPlatform)
  const rank = (entry: D): number =>
    entry.platform === undefined ? order.length : order.indexOf(formatPlatform(normalizePlatform(entry.platform)))
  return manifests.filter((entry) => !isAttestation(entry) && rank(entry) >= 0).sort((a, b) => rank(a) - rank(b))
}

export function matchesPlatform(candidate: Platform, wanted: Platform): boolean {
  return platformPreference(wanted).some((platform) => formatPlatform(platform) === formatPlatform(normalizePlatform(candidate)))
}

function isAttestation(entry: PlatformDescriptor): boolean {
  return entry.annotations?.['vnd.docker.reference.type'] !== undefined || entry.platform?.architecture === 'unknown'
}

function shortVariant(architecture: string, variant: string | undefined): string | undefined {
  if (variant === undefined || variant === '') return architecture === 'arm' ? 'v7' : undefined
  const named = /^\d+$/.test(variant) ? `v${variant}` : variant
  if (architecture === 'arm64' && named === 'v8') return undefined
  if (architecture === 'amd64' && named === 'v1') return undefined
  return named
}

function withVariant(platform: Platform, variant: string | undefined): Platform {
  return variant === undefined ? platform : { ...platform, variant }
}

function hostArchitecture(): string {
  if (process.arch === 'ppc64') return endianness() === 'LE' ? 'ppc64le' : 'ppc64'
  if (process.arch === 'mipsel') return 'mipsle'
  return process.arch
}

function hostVariant(): string | undefined {
  if (process.arch !== 'arm') return undefined
  const version = (process.config.variables as { readonly arm_version?: string }).arm_version
  return version === undefined || version === 'default' ? 'v6' : `v${version}`
}
