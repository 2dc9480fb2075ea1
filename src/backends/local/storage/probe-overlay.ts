// Does overlayfs work on a directory? Asked by a mount, once per boot.
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { once } from '../../../util/once.js'
import { mountPrivately } from '../../host/private-mount.js'
import type { OverlayDefaults } from './snapshot-mounts.js'

export type OverlayAnswer = { readonly works: true; readonly defaults: OverlayDefaults } | { readonly works: false; readonly why: string }
const remembered = once(() => z.object({ bootId: z.string(), why: z.optional(z.string()) }))

export async function probeOverlay(directory: string, options: CallOptions): Promise<OverlayAnswer> {
  // A mount's options are separated by these.
  if (/[,:"\\\s]/.test(directory)) return { works: false, why: 'its path has a character that options of a mount cannot take' }
  const path = join(directory, 'overlayfs.json')
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const known = await readFile(path, 'utf8')
    .then((text) => z.safeParse(remembered(), JSON.parse(text)).data)
    .catch(() => undefined)
  const why = known?.bootId === bootId ? known.why : await tryMount(directory, options)
  if (known?.bootId !== bootId) {
    const temporary = `${path}.${randomUUID()}`
    await writeFile(temporary, JSON.stringify({ bootId, why }), { mode: 0o600 })
    await rename(temporary, path)
  }
  return why === undefined ? { works: true, defaults: { options: await overlayOptions() } } : { works: false, why }
}

/** `undefined`: it works. */
async function tryMount(directory: string, options: CallOptions): Promise<string | undefined> {
  const place = join(directory, `probe-${randomUUID()}`)
  const [lower, upper, work] = ['l', 'u', 'w'].map((name) => join(place, name)) as [string, string, string]
  try {
    for (const path of [lower, upper, work]) await mkdir(path, { recursive: true, mode: 0o700 })
    const mount = { type: 'overlay', source: 'overlay', options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`] }
    await using _tree = await mountPrivately(join(directory, 'mnt'), [mount], options)
    return undefined
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!isEngineError(error)) throw error
    return error.message
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}

/** Off, where the kernel has them on by itself: an upper directory that depends on others cannot be packed or given new parents. */
async function overlayOptions(): Promise<readonly string[]> {
  const parameter = (name: string): Promise<string | undefined> =>
    readFile(`/sys/module/overlay/parameters/${name}`, 'utf8').then(
      (text) => text.trim(),
      () => undefined,
    )
  const [index, metacopy, redirect] = await Promise.all(['index', 'metacopy', 'redirect_dir'].map(parameter))
  return [
    ...(index === undefined ? [] : ['index=off']),
    ...(metacopy === 'Y' ? ['metacopy=off'] : []),
    ...(redirect === 'Y' ? ['redirect_dir=off'] : []),
  ]
}
