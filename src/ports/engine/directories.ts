import type { CallOptions } from '../../model/common.js'

/** A directory of the host for each container: files that are bound into it, and what drivers keep. Survives a restart. */
export interface ContainerDirectories {
  /** Its absolute path, whether it is there or not. No I/O. */
  path(containerId: string): string
  /**
   * Resolves with the absolute path. Makes what is missing above it. A file that is there is written anew in place (same
   * inode), since a running container may have it bound.
   */
  write(containerId: string, name: string, text: string, options?: CallOptions): Promise<string>
  /** With all below it. Absent is success. */
  remove(containerId: string, options?: CallOptions): Promise<void>
  /** Ids of containers that have one, for repair. */
  list(options?: CallOptions): AsyncIterable<string>
}
