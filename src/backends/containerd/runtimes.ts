// What a container's runtime becomes in containerd: a shim, with the options that make it run the right binary.
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import type { Runtime } from '../../ports/drivers/runtime.js'
import { wrapperScript } from '../host/runtimes/runtime-wrapper.js'
import {
  type RuntimeForm,
  type RuntimePlace,
  Runtimes,
  type RuntimesOptions,
  lookUp,
  refusedLayout,
  writeWrapper,
} from '../host/runtimes/runtimes.js'
import { OptionsSchema } from './gen/runc_options_pb.js'

/** As Containers.Create and Tasks.Create take it. */
export interface WireRuntime {
  readonly shim: string
  readonly options?: { readonly typeUrl: string; readonly value: Uint8Array } | undefined
}
export type ContainerdRuntimes = Runtimes<WireRuntime>

const runcShim = 'io.containerd.runc.v2'

export function openRuntimes(options: RuntimesOptions): Promise<ContainerdRuntimes> {
  return Runtimes.open(options, toWire)
}

async function toWire(name: string, runtime: Runtime, place: RuntimePlace): Promise<RuntimeForm<WireRuntime>> {
  const shimName = runtime.kind === 'oci' ? runcShim : runtime.name
  const shim = await lookUp(shimBinary(shimName), place.path, `shim of runtime "${name}"`)
  if (runtime.kind === 'shim') return { form: { shim: shimName, options: runtime.options }, why: `found "${shim}"` }
  const binary = await lookUp(runtime.path, place.path, `runtime "${name}"`)
  const hiddenCgroup = await refusedLayout(binary, place)
  const script = wrapperScript({ binary, globalArgs: runtime.globalArgs, env: runtime.env, hiddenCgroup })
  const binaryName = script === undefined ? binary : await writeWrapper(place.directory, script)
  const value = toBinary(OptionsSchema, create(OptionsSchema, { binaryName, root: join(place.state, encodeURIComponent(name)) }))
  return {
    form: { shim: shimName, options: { typeUrl: 'containerd.runc.v1.Options', value } },
    why:
      hiddenCgroup === undefined
        ? `found "${binary}"`
        : `found "${binary}", which refuses the hybrid cgroups here: "${hiddenCgroup}" is hidden from it`,
  }
}

/** As containerd makes a file name of it: the last two parts. */
function shimBinary(name: string): string {
  return name.startsWith('/') ? name : `containerd-shim-${name.split('.').slice(-2).join('-')}`
}
