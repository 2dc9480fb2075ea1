// What an image and the defaults say where a user said nothing.
import type { ContainerSettings, ContainerSpec } from '../../model/container-spec.js'
import type { ImageConfig } from '../../model/image.js'
import { findSignalName } from '../../oci/signals.js'

/**
 * The spec made complete, as it is stored and shown. A user's entry point takes the image's command away, as it was meant for
 * another program; an empty one only takes the image's entry point away. An empty command counts as none. A stop signal that no
 * Linux has is the image's mistake, and SIGTERM. Done twice it is the same.
 */
export function fillIn(spec: ContainerSpec, image: ImageConfig = {}): ContainerSpec {
  const ownEntrypoint = spec.entrypoint !== undefined && spec.entrypoint.length > 0
  const command = spec.command !== undefined && spec.command.length > 0 ? spec.command : ownEntrypoint ? undefined : image.command
  const env = { ...image.env, ...spec.env }
  const labels = { ...image.labels, ...spec.labels }
  const filled: Partial<ContainerSettings> = {
    entrypoint: spec.entrypoint ?? image.entrypoint,
    command,
    env,
    workingDir: spec.workingDir ?? image.workingDir ?? '/',
    user: spec.user ?? image.user,
    stopSignal: spec.stopSignal ?? findSignalName(image.stopSignal ?? '') ?? 'SIGTERM',
    stopGraceMs: spec.stopGraceMs ?? 10_000,
    labels,
  }
  const known = Object.fromEntries(Object.entries(filled).filter(([, value]) => value !== undefined)) as Partial<ContainerSettings>
  return { ...spec, ...known }
}
