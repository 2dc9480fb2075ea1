// What the running kernel was built with, where it tells.
import { readFile } from 'node:fs/promises'
import { release } from 'node:os'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

const places = (): readonly string[] => [`/boot/config-${release()}`, `/lib/modules/${release()}/config`]

/** The text of its configuration; `undefined` when it is nowhere. */
export async function kernelConfig(): Promise<string | undefined> {
  const own = await readFile('/proc/config.gz').catch(() => undefined)
  if (own !== undefined) return (await promisify(gunzip)(own)).toString('latin1')
  for (const place of places()) {
    const text = await readFile(place, 'latin1').catch(() => undefined)
    if (text !== undefined) return text
  }
  return undefined
}

/** Of an amd64 kernel: `undefined` when its configuration is not known. */
export function furtherAbis(config: string | undefined): readonly ('i386' | 'x32')[] | undefined {
  if (config === undefined) return undefined
  const has = (option: string): boolean => new RegExp(`^${option}=y$`, 'm').test(config)
  return [
    ...(has('CONFIG_IA32_EMULATION') ? (['i386'] as const) : []),
    ...(has('CONFIG_X86_X32_ABI') || has('CONFIG_X86_X32') ? (['x32'] as const) : []),
  ]
}
