// What this machine can and cannot do for containers, asked anew each time: modules, tools and rights come and go.
import { access, readFile } from 'node:fs/promises'
import { release } from 'node:os'
import type { CheckItem } from '../../model/system.js'
import { type CgroupLayout, cgroupLayout, hasAllIds, parseCapabilities, parseMountInfo } from './host-facts.js'
import { findProgram } from './programs.js'

/** The texts that the answers are read from; undefined: there is no such file. */
export interface CheckTexts {
  readonly filesystems: string | undefined
  readonly modules: string | undefined
  readonly builtinModules: string | undefined
  readonly mountInfo: string | undefined
  /** Of the top of a v2 hierarchy. */
  readonly v2Controllers: string | undefined
  readonly status: string | undefined
  readonly idMap: string | undefined
  readonly maxUserNamespaces: string | undefined
  readonly uid: number
}

/** Program, what it is for, and the Debian package that has it. */
const tools: readonly (readonly [string, string, string])[] = [
  ['mount', 'roots are read and mounted by it', 'mount'],
  ['unshare', 'mounts that nobody else sees are made by it', 'util-linux'],
  ['flock', 'locks between processes are taken by it', 'util-linux'],
  ['nsenter', 'commands enter network namespaces by it', 'util-linux'],
  ['mkfifo', 'the stdin of a container is made by it', 'coreutils'],
  ['ip', 'network namespaces are made by it', 'iproute2'],
]

export async function checkHost(): Promise<readonly CheckItem[]> {
  const kernel = release()
  const read = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)
  const [filesystems, modules, builtinModules, mountInfo, v2Controllers, status, idMap, maxUserNamespaces] = await Promise.all([
    read('/proc/filesystems'),
    read(`/lib/modules/${kernel}/modules.dep`),
    read(`/lib/modules/${kernel}/modules.builtin`),
    read('/proc/self/mountinfo'),
    read('/sys/fs/cgroup/cgroup.controllers'),
    read('/proc/self/status'),
    read('/proc/self/uid_map'),
    read('/proc/sys/user/max_user_namespaces'),
  ])
  const texts = {
    filesystems,
    modules,
    builtinModules,
    mountInfo,
    v2Controllers,
    status,
    idMap,
    maxUserNamespaces,
    uid: process.getuid?.() ?? 0,
  }
  return [...answer(texts), await checkSeccomp(), await checkApparmor(), ...(await Promise.all(tools.map(checkTool)))]
}

/** Pure. */
export function answer(texts: CheckTexts): CheckItem[] {
  return [checkOverlay(texts), checkCgroups(texts), checkRights(texts), checkUserNamespaces(texts)]
}

function checkOverlay({ filesystems, modules, builtinModules }: CheckTexts): CheckItem {
  const name = 'overlay'
  if (/^(nodev)?\s*overlay$/m.test(filesystems ?? '')) return { name, answer: 'yes', why: 'listed in /proc/filesystems' }
  const loadable = [modules, builtinModules].some((text) => /\/overlay\.ko(\.\w+)?(:|$)/m.test(text ?? ''))
  if (loadable) return { name, answer: 'limited', why: 'not loaded, but there is a module of this kernel', remedy: 'modprobe overlay' }
  return { name, answer: 'no', why: 'neither in /proc/filesystems nor a module of this kernel', remedy: 'a kernel with CONFIG_OVERLAY_FS' }
}

const wanted = ['cpu', 'cpuset', 'memory', 'pids']
function checkCgroups({ mountInfo, v2Controllers }: CheckTexts): CheckItem {
  const name = 'cgroups'
  const layout: CgroupLayout | undefined = cgroupLayout(parseMountInfo(mountInfo ?? ''))
  if (layout === undefined)
    return { name, answer: 'no', why: 'none are mounted at /sys/fs/cgroup', remedy: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' }
  const controllers = layout.kind === 'v2' ? (v2Controllers ?? '').trim().split(/\s+/) : layout.controllers
  const missing = wanted.filter((one) => !controllers.includes(one))
  if (missing.length > 0)
    return { name, answer: 'limited', why: `${layout.kind}, without ${missing.join(', ')}: limits of these cannot be set` }
  return { name, answer: 'yes', why: `${layout.kind}, with ${controllers.join(', ')}` }
}

/** Runtimes need all of these to make a container as usual. */
const needed = [
  'CAP_SYS_ADMIN',
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_ADMIN',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_SYS_CHROOT',
]
function checkRights({ status, idMap, uid }: CheckTexts): CheckItem {
  const name = 'rights'
  const held = parseCapabilities(status ?? '', 'CapEff')
  const missing = needed.filter((one) => !held.includes(one))
  if (uid !== 0 || missing.includes('CAP_SYS_ADMIN')) {
    return { name, answer: 'no', why: uid === 0 ? 'root, but without CAP_SYS_ADMIN' : `user ${uid} is not root`, remedy: 'run as root' }
  }
  if (!hasAllIds(idMap ?? '')) return { name, answer: 'limited', why: 'root of a user namespace: not all ids are mapped' }
  if (missing.length > 0) return { name, answer: 'limited', why: `root, but without ${missing.join(', ')}` }
  const why = held.includes('CAP_SYS_RESOURCE') ? 'root' : 'root, without CAP_SYS_RESOURCE: limits of processes cannot be raised'
  return { name, answer: held.includes('CAP_SYS_RESOURCE') ? 'yes' : 'limited', why }
}

function checkUserNamespaces({ maxUserNamespaces }: CheckTexts): CheckItem {
  const name = 'user_namespaces'
  if (maxUserNamespaces === undefined)
    return { name, answer: 'no', why: 'no /proc/sys/user/max_user_namespaces', remedy: 'a kernel with CONFIG_USER_NS' }
  const most = Number(maxUserNamespaces)
  if (most === 0) return { name, answer: 'no', why: 'user.max_user_namespaces is 0', remedy: 'sysctl user.max_user_namespaces=10000' }
  return { name, answer: 'yes', why: `user.max_user_namespaces is ${most}` }
}

export async function hasSeccomp(): Promise<boolean> {
  return isThere('/proc/sys/kernel/seccomp/actions_avail')
}
async function checkSeccomp(): Promise<CheckItem> {
  const name = 'seccomp'
  if (await hasSeccomp()) return { name, answer: 'yes', why: '/proc/sys/kernel/seccomp is there' }
  return {
    name,
    answer: 'no',
    why: 'no /proc/sys/kernel/seccomp: containers run without a filter',
    remedy: 'a kernel with CONFIG_SECCOMP_FILTER',
  }
}

export async function hasApparmor(): Promise<boolean> {
  const enabled = await readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => '')
  return enabled.trim() === 'Y' && (await isThere('/sys/kernel/security/apparmor'))
}
async function checkApparmor(): Promise<CheckItem> {
  const name = 'apparmor'
  if (await hasApparmor()) return { name, answer: 'yes', why: 'enabled, and securityfs is mounted' }
  return { name, answer: 'no', why: 'not enabled in this kernel, or securityfs is not mounted: containers run without a profile' }
}

async function checkTool([tool, purpose, debianPackage]: readonly [string, string, string]): Promise<CheckItem> {
  const path = await findProgram(tool)
  if (path !== undefined) return { name: tool, answer: 'yes', why: path }
  return { name: tool, answer: 'no', why: `not on PATH: ${purpose}`, remedy: `apt-get install ${debianPackage}` }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
