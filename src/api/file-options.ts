// What `container.files` takes.
import type { CallOptions } from '../model/common.js'

export interface ReadFileOptions extends CallOptions {
  /** A larger file is `resource_exhausted`. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}
export interface WriteFileOptions extends CallOptions {
  /** Permission bits. Default 0o644. */
  readonly mode?: number | undefined
  /** `uid[:gid]`. Default root. */
  readonly owner?: string | undefined
}
