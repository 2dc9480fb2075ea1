// What pouchd 1.3 understands of a request, by its own description of its API. Anything else it would ignore in silence: here it is refused.
import assert from 'node:assert/strict'
import type { RawRequest } from '../scripted-daemon.js'

const resources =
  'BlkioWeight BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps CpuPeriod CpuQuota CpuShares CpusetCpus CpusetMems Devices Memory MemoryReservation MemorySwap PidsLimit Ulimits CgroupParent IntelRdtL3Cbm'
const config =
  'Image Hostname User Env Entrypoint Cmd WorkingDir Tty OpenStdin StdinOnce Labels StopSignal StopTimeout ExposedPorts HostConfig NetworkingConfig Rich RichMode InitScript DiskQuota SpecAnnotation MacAddress'
const host = `${resources} Binds CapAdd CapDrop Dns DnsSearch EnableLxcfs ExtraHosts GroupAdd IpcMode LogConfig MaskedPaths NetworkMode PidMode PortBindings Privileged ReadonlyPaths ReadonlyRootfs RestartPolicy Runtime SecurityOpt ShmSize Sysctls`
/** `METHOD path`: the names in its query, then those in its body, then those in the body's HostConfig. */
const known: readonly (readonly [call: RegExp, query: string, body?: string, host?: string])[] = [
  [/^GET \/(?:_ping|version|info)$/, ''],
  [/^POST \/daemon\/update$/, '', 'Labels ImageProxy'],
  [/^GET \/events$/, 'since until filters'],
  [/^GET \/containers\/json$/, 'all filters'],
  [/^POST \/containers\/create$/, 'name specificId', config, host],
  [/^GET \/containers\/[^/]+\/json$/, ''],
  [/^POST \/containers\/[^/]+\/(?:start|pause|unpause|wait)$/, ''],
  [/^POST \/containers\/[^/]+\/stop$/, 't'],
  [/^POST \/containers\/[^/]+\/kill$/, 'signal'],
  [/^POST \/containers\/[^/]+\/rename$/, 'name'],
  [/^POST \/containers\/[^/]+\/update$/, '', `${resources} RestartPolicy Env Label DiskQuota SpecAnnotation`],
  // The other streams, `stream` and `detachKeys` are not looked at: both streams come always.
  [/^POST \/containers\/[^/]+\/attach$/, 'stdin stdout stderr stream detachKeys'],
  [/^POST \/containers\/[^/]+\/resize$/, 'h w'],
  [/^GET \/containers\/[^/]+\/logs$/, 'stdout stderr since until timestamps follow tail'],
  // `one-shot` is Docker's: a reading at once is all that there is here.
  [/^GET \/containers\/[^/]+\/stats$/, 'stream one-shot'],
  [/^GET \/containers\/[^/]+\/top$/, 'ps_args'],
  [/^DELETE \/containers\/[^/]+$/, 'force v'],
  [/^POST \/containers\/[^/]+\/exec$/, '', 'Cmd User Privileged Tty AttachStdin AttachStdout AttachStderr Detach DetachKeys Env'],
  [/^POST \/exec\/[^/]+\/start$/, '', 'Detach Tty'],
  [/^GET \/exec\/[^/]+\/json$/, ''],
  [/^POST \/exec\/[^/]+\/resize$/, 'h w'],
  [/^GET \/images\/json$/, ''],
  [/^GET \/images\/.+\/(?:json|history)$/, ''],
  [/^POST \/images\/.+\/tag$/, 'repo tag'],
  // `quiet` and `noprune` are Docker's, and mean what is done here anyway.
  [/^POST \/images\/load$/, 'name quiet'],
  [/^DELETE \/images\/.+$/, 'force noprune'],
]

/** Throws for a path, a name in a query or a field of a body that pouchd does not know. */
export function checkRequest({ method, path, query, body, headers }: RawRequest): void {
  const call = `${method} ${path}`
  const found = known.find(([pattern]) => pattern.test(call))
  assert(found !== undefined, `${call} is not known`)
  const [, queryNames, bodyNames = '', hostNames = ''] = found
  checkNames(`the query of ${call}`, [...query.keys()], queryNames)
  if (headers['content-type'] !== 'application/json') return
  const fields = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>
  checkNames(`the body of ${call}`, Object.keys(fields), bodyNames)
  checkNames(`the HostConfig of ${call}`, Object.keys((fields['HostConfig'] as object | undefined) ?? {}), hostNames)
}
function checkNames(what: string, names: readonly string[], allowed: string): void {
  const unknown = names.filter((name) => !allowed.split(' ').includes(name))
  assert.deepEqual(unknown, [], `${what} has what pouchd does not know`)
}
