// How the daemons differ in images, files, networks and volumes: data that a dialect holds. Measured on dockerd 20.10.24 and podman 4.3.1,
// read and recorded for pouchd 1.3.

import type { Capability } from '../../ports/backend/backend.js'

export interface ResourceDialect {
  readonly capabilities: readonly Capability[]
  /** What an image's name is called to this daemon. pouchd knows the Hub only by short names; `docker.io` is just another host to it. */
  readonly imageNames: 'canonical' | 'familiar'
  /** What Docker Hub is called in the names that the daemon tells, where it is not `docker.io`. */
  readonly hub?: string | undefined
  /** `load` takes OCI layouts as they are. The others are told what is in one by a `manifest.json` that we add. */
  readonly loadsLayouts: boolean
  /** Prunes images with names, too; where not, they are removed one by one. */
  readonly prunesNamed: boolean
  /** What `save` writes. */
  readonly saves: 'docker' | 'oci'
  /** What `save` writes has the whole name of the image, not the tag only. */
  readonly savesWholeNames: boolean
  /** `save` takes several names. */
  readonly savesSeveral: boolean
  /** Giving a name that another image has moves it. */
  readonly tagMoves: boolean
  /** What was given by a tar belongs to whom the tar says. podman 4.3 gives all to root. */
  readonly keepsOwners: boolean
  /** Writes into a read-only root as if it were none. */
  readonly writesReadOnlyRoots: boolean
  /** Makes a directory that is not there when a tar is unpacked into it. */
  readonly makesDirectories: boolean
  /** GET of a link gives what it points at, not the link. */
  readonly readsThroughLinks: boolean
  /** Follows links of a path on its own host, out of the container, and does not tell where they lead: each step is looked at from here. */
  readonly linksLeadOut: boolean
  /** Reads instructions as a Dockerfile's, escapes and all; else only what is between the outermost quotes counts. */
  readonly readsInstructions: boolean
  /** A connection takes a MAC address, whatever the version of the API. */
  readonly connectsMac: boolean
  /** Refuses aliases and addresses on a further network to a container that has one of a user's, and by then has half connected it. */
  readonly connectsPlainlyOnly: boolean
  /** The name of the predefined bridge in a container's own list of networks, where it is another than in the list of networks. */
  readonly defaultBridge?: string | undefined
  /** Networks that are always there. */
  readonly predefined: readonly string[]
  /** DELETE of a network takes its name and no id. */
  readonly removesNetworksByName: boolean
  /** The spelling of addresses that are not handed out. None: they are taken, and handed out all the same. */
  readonly reservedKey: 'AuxiliaryAddresses' | 'AuxAddress' | undefined
}

const docker: ResourceDialect = {
  capabilities: [
    'build',
    'changes',
    'commit',
    'commit_config',
    'disk_usage',
    'export',
    'files',
    'image_history',
    'image_import',
    'image_prune',
    'image_push',
    'image_save',
    'network_connect',
    'networks',
    'platform',
    'volume_usage',
    'volumes',
  ],
  imageNames: 'canonical',
  loadsLayouts: false,
  prunesNamed: true,
  saves: 'docker',
  savesWholeNames: true,
  savesSeveral: true,
  tagMoves: true,
  keepsOwners: true,
  writesReadOnlyRoots: false,
  makesDirectories: false,
  readsThroughLinks: false,
  linksLeadOut: false,
  readsInstructions: true,
  connectsMac: false,
  connectsPlainlyOnly: false,
  predefined: ['bridge', 'host', 'none'],
  removesNetworksByName: false,
  reservedKey: 'AuxiliaryAddresses',
}
const podman: ResourceDialect = {
  ...docker,
  prunesNamed: false,
  keepsOwners: false,
  writesReadOnlyRoots: true,
  makesDirectories: true,
  readsThroughLinks: true,
  readsInstructions: false,
  connectsMac: true,
  reservedKey: undefined,
  defaultBridge: 'podman',
  predefined: ['bridge', 'podman', 'host', 'none'],
}
const pouchd: ResourceDialect = {
  ...docker,
  // Its checkpoints need CRIU, and nothing tells whether that is there: what lacks it says so when it is tried.
  capabilities: [
    'checkpoint',
    'commit',
    'files',
    'image_history',
    'image_push',
    'image_save',
    'network_connect',
    'networks',
    'upgrade',
    'volumes',
  ],
  imageNames: 'familiar',
  hub: 'registry.hub.docker.com',
  // It does, but drops what is named in containerd's way, by `io.containerd.image.name`.
  loadsLayouts: false,
  saves: 'oci',
  savesSeveral: false,
  savesWholeNames: false,
  tagMoves: false,
  linksLeadOut: true,
  connectsPlainlyOnly: true,
  removesNetworksByName: true,
  reservedKey: 'AuxAddress',
}

export const resourceDialects: Readonly<Record<'docker' | 'podman' | 'pouchd', ResourceDialect>> = { docker, podman, pouchd }
