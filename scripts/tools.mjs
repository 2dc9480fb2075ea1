// The commands of this machine that the quickstart and the tests use, and the packages that bring them. Plain data and look-ups: runs before npm.
import { open, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/**
 * `sets`: who needs it. Package names are Debian's; `other` where another distribution calls it differently (undefined: it has none).
 * `folder`: looked for there instead of on PATH.
 * `static`: a dynamic binary of that name does not count, since it runs where no libraries are.
 */
export const tools = [
  { command: 'containerd', package: 'containerd', sets: ['quickstart', 'test'] },
  { command: 'containerd-shim-runc-v2', package: 'containerd', sets: ['quickstart', 'test'] },
  { command: 'ctr', package: 'containerd', other: { apk: 'containerd-ctr' }, sets: ['test'] },
  { command: 'runc', package: 'runc', sets: ['quickstart', 'test'] },
  { command: 'crun', package: 'crun', sets: ['quickstart', 'test'] },
  { command: 'tini', package: 'tini', sets: ['quickstart', 'test'] },
  {
    command: 'busybox',
    package: 'busybox-static',
    static: true,
    other: { dnf: 'busybox', pacman: 'busybox' },
    sets: ['quickstart', 'test'],
  },
  { command: 'mount', package: 'mount', other: { dnf: 'util-linux', pacman: 'util-linux' }, sets: ['quickstart', 'test'] },
  { command: 'flock', package: 'util-linux', other: { apk: 'flock' }, sets: ['quickstart', 'test'] },
  { command: 'unshare', package: 'util-linux', sets: ['quickstart', 'test'] },
  { command: 'nsenter', package: 'util-linux', sets: ['quickstart', 'test'] },
  { command: 'mkfifo', package: 'coreutils', sets: ['quickstart', 'test'] },
  { command: 'sync', package: 'coreutils', sets: ['quickstart', 'test'] },
  {
    command: 'script',
    package: 'bsdutils',
    other: { dnf: 'util-linux-script', pacman: 'util-linux', apk: 'util-linux-misc' },
    sets: ['test'],
  },
  { command: 'stty', package: 'coreutils', sets: ['test'] },
  { command: 'runsc', package: 'runsc', other: { dnf: undefined, pacman: undefined, apk: undefined }, sets: ['test'] },
  { command: 'tar', package: 'tar', sets: ['quickstart', 'test'] },
  { command: 'mkfs.ext4', package: 'e2fsprogs', sets: ['test'] },
  { command: 'zstd', package: 'zstd', sets: ['test'] },
  { command: 'getfattr', package: 'attr', sets: ['test'] },
  { command: 'ip', package: 'iproute2', other: { dnf: 'iproute' }, sets: ['test'] },
  { command: 'nft', package: 'nftables', sets: ['test'] },
  { command: 'docker-registry', package: 'docker-registry', other: { dnf: undefined, pacman: undefined }, sets: ['test'] },
  { command: 'skopeo', package: 'skopeo', sets: ['test'] },
  { command: 'dockerd', package: 'docker.io', other: { dnf: 'moby-engine', pacman: 'docker', apk: 'docker-engine' }, sets: ['test'] },
  { command: 'docker', package: 'docker.io', other: { dnf: 'moby-engine', pacman: 'docker', apk: 'docker-cli' }, sets: ['test'] },
  { command: 'podman', package: 'podman', sets: ['test'] },
  { command: 'umoci', package: 'umoci', other: { dnf: undefined, pacman: undefined }, sets: ['bench'] },
  { command: 'conmon', package: 'conmon', sets: ['test'] },
  { command: 'openssl', package: 'openssl', sets: ['test'] },
  { command: 'sshd', package: 'openssh-server', other: { pacman: 'openssh' }, sets: ['test'] },
  { command: 'ssh', package: 'openssh-client', other: { dnf: 'openssh-clients', pacman: 'openssh' }, sets: ['test'] },
  // Podman's network plugins call it.
  { command: 'iptables', package: 'iptables', sets: ['test'] },
  { command: 'bridge', package: 'containernetworking-plugins', folder: '/usr/lib/cni', sets: ['test'] },
]

/** The install command of each package manager, in the order in which they are looked for. */
export const managers = [
  { name: 'apt', command: 'apt-get', install: ['apt-get', 'install', '-y', '--no-install-recommends'] },
  { name: 'dnf', command: 'dnf', install: ['dnf', 'install', '-y'] },
  { name: 'pacman', command: 'pacman', install: ['pacman', '-S', '--needed'] },
  { name: 'apk', command: 'apk', install: ['apk', 'add'] },
]

// Root's PATH of a cron job, a `su` or an ordinary user often lacks the sbin folders.
const folders = [
  ...new Set([...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/local/sbin', '/usr/sbin', '/sbin']),
]

/** The path of a command, or undefined. */
export async function findCommand(command, among = folders) {
  for (const folder of among) {
    const path = join(folder, command)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile() && (found.mode & 0o111) !== 0) return path
  }
  return undefined
}

/** Those of a set that are not here. */
export async function missingTools(set) {
  const wanted = tools.filter(({ sets }) => sets.includes(set))
  const found = await Promise.all(
    wanted.map(async (tool) => {
      const path = await findCommand(tool.command, tool.folder === undefined ? folders : [tool.folder])
      return path !== undefined && (tool.static !== true || (await isStatic(path)))
    }),
  )
  return wanted.filter((_, index) => !found[index])
}

/** What to install for these tools with that package manager; `unknown` are the commands that it has no package for. */
export function packagesFor(missing, manager) {
  const packages = new Set()
  const unknown = []
  for (const tool of missing) {
    const name = tool.other !== undefined && manager in tool.other ? tool.other[manager] : tool.package
    if (name === undefined) unknown.push(tool.command)
    else packages.add(name)
  }
  return { packages: [...packages].sort(), unknown }
}

/** Whether an ELF file asks for no loader: it has no program header PT_INTERP. */
async function isStatic(path) {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0)
    if (bytesRead < 64 || buffer.readUInt32BE(0) !== 0x7f454c46) return false
    const wide = buffer[4] === 2
    const little = buffer[5] === 1
    const u16 = (at) => (little ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at))
    const u32 = (at) => (little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at))
    const headers = wide ? Number(little ? buffer.readBigUInt64LE(32) : buffer.readBigUInt64BE(32)) : u32(28)
    const size = u16(wide ? 54 : 42)
    const count = u16(wide ? 56 : 44)
    for (let index = 0; index < count && headers + index * size + 4 <= bytesRead; index++)
      if (u32(headers + index * size) === 3) return false
    return true
  } finally {
    await file.close()
  }
}
