// Debian's gVisor, with what it needs here.
import { oci } from '../../src/drivers/runtime.js'
import type { OciRuntime } from '../../src/ports/drivers/runtime.js'

export const gvisor: OciRuntime = oci('runsc', { globalArgs: ['--network=none', '--ignore-cgroups'] })
