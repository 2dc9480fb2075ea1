// This machine as a host: acts in this process's own namespaces.
import { open, readFile, realpath } from 'node:fs/promises'
import { machine, release } from 'node:os'
import { join } from 'node:path'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions, Mount } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { CheckItem } from '../../model/system.js'
import type { CommandOptions, Host, HostFacts, MountedTree } from '../../ports/engine/host.js'
import { raceAbort } from '../../util/abort.js'
import { fsError } from '../../util/fs-error.js'
import { checkHost, hasApparmor, hasSeccomp } from './host-checks.js'
import { cgroupLayout, filesystemOf, hasAllIds, isStaticProgram, parseCapabilities, parseHardLimits, parseMountInfo } from './host-facts.js'
import { furtherAbis, kernelConfig } from './kernel-config.js'
import { NamedNetns } from './netns.js'
import { mountPrivately } from './private-mount.js'
import { findProgram, runProgram } from './programs.js'

export interface LinuxHostOptions {
  /** The engine's root: a directory that is there. Private trees are put together in `mnt` below it, which is always empty. */
  readonly root: string
  readonly onTrace?: Trace | undefined
}
/** In the order of preference. A dynamic one would look for its libraries in the container. */
const inits = ['tini-static', 'docker-init', 'catatonit', 'tini']
const headerBytes = 4_096

export class LinuxHost implements Host {
  readonly #options: LinuxHostOptions
  readonly #netns: NamedNetns
  #facts: Promise<HostFacts> | undefined
  constructor(options: LinuxHostOptions) {
    this.#options = options
    this.#netns = new NamedNetns(options.root, (file, args, commandOptions) => this.run(file, args, commandOptions))
  }

  async facts({ signal }: CallOptions = {}): Promise<HostFacts> {
    signal?.throwIfAborted()
    this.#facts ??= readFacts(this.#options.root).catch((error: unknown) => {
      this.#facts = undefined
      throw fsError(error, 'facts of this machine')
    })
    return raceAbort(this.#facts, signal)
  }
  checks({ signal }: CallOptions = {}): Promise<readonly CheckItem[]> {
    return raceAbort(checkHost(), signal)
  }
  path(inside: string): string {
    return inside
  }
  run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Uint8Array> {
    return this.#traced(`run.${file}`, () => runProgram(file, args, options))
  }
  mountPrivately(mounts: readonly Mount[], options: CallOptions = {}): Promise<MountedTree> {
    return this.#traced('mountPrivately', async () => {
      try {
        return await mountPrivately(join(this.#options.root, 'mnt'), mounts, options)
      } catch (error) {
        options.signal?.throwIfAborted()
        throw fsError(error, 'mounting privately')
      }
    })
  }
  async createNetns(name: string, options: CallOptions = {}): Promise<string> {
    options.signal?.throwIfAborted()
    return await this.#netns.create(name, options)
  }
  async removeNetns(name: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await this.#netns.remove(name, options)
  }
  listNetns(options: CallOptions = {}): AsyncIterable<string> {
    return this.#netns.list(options)
  }

  async #traced<T>(name: string, work: () => Promise<T>): Promise<T> {
    const from = performance.now()
    try {
      const result = await work()
      this.#trace(name, from, undefined)
      return result
    } catch (error) {
      this.#trace(name, from, isEngineError(error) ? error.code : 'aborted')
      throw error
    }
  }
  #trace(name: string, from: number, code: string | undefined): void {
    try {
      this.#options.onTrace?.({ kind: 'call', name: `host.${name}`, durationMs: performance.now() - from, code })
    } catch {
      // a tracer's own bug
    }
  }
}

async function readFacts(root: string): Promise<HostFacts> {
  const [mountInfo, status, limits, bootId, uidMap, gidMap, place, seccomp, apparmor, initPath, config] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readFile('/proc/self/uid_map', 'utf8'),
    readFile('/proc/self/gid_map', 'utf8'),
    realpath(root),
    hasSeccomp(),
    hasApparmor(),
    findInit(),
    machine() === 'x86_64' ? kernelConfig() : undefined,
  ])
  const mounts = parseMountInfo(mountInfo)
  const layout = cgroupLayout(mounts)
  if (layout === undefined) throw new EngineError('failed_precondition', 'no cgroups are mounted at "/sys/fs/cgroup"')
  return {
    kernel: release(),
    architecture: machine(),
    cgroups: layout.kind,
    bootId: bootId.trim(),
    privileged: process.getuid?.() === 0 && hasAllIds(uidMap) && hasAllIds(gidMap),
    rootFilesystem: filesystemOf(mounts, place) ?? 'unknown',
    capabilities: parseCapabilities(status, 'CapBnd'),
    hardLimits: parseHardLimits(limits),
    seccomp,
    furtherAbis: furtherAbis(config),
    apparmor,
    initPath,
  }
}

async function findInit(): Promise<string | undefined> {
  for (const name of inits) {
    const path = await findProgram(name)
    if (path !== undefined && (await isStaticFile(path))) return path
  }
  return undefined
}
async function isStaticFile(path: string): Promise<boolean> {
  try {
    await using file = await open(path, 'r')
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0)
    return isStaticProgram(buffer.subarray(0, bytesRead))
  } catch {
    return false
  }
}
