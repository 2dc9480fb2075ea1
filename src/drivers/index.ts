export { oci, shim } from './runtime.js'
export type { OciOptions, ShimOptions } from './runtime.js'
export type { OciRuntime, Runtime, RuntimeFeatures, ShimRuntime } from '../ports/drivers/runtime.js'
