// Private namespaces for daemons, bridges and mounts of tests and benches: all of it vanishes with the last process inside.
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture, show } from './process.mjs'

const marker = 'POUCH_SDK_PRIVATE_NAMESPACES'

/** Whether this process was started by `enter`. */
export const isInside = () => process.env[marker] === '1'

/** Whether namespaces can be made here; where not, says why. */
export async function canEnter() {
  const refused = await whyRefused()
  if (refused !== undefined) process.stderr.write(`${refused}\n`)
  return refused === undefined
}

/** Runs a script inside, with a temporary folder of its own that is removed afterwards. Resolves with its exit code. */
export async function enter(script, args, { env = process.env, prefix } = {}) {
  // Short, since sockets lie below it and their paths end at 108 bytes.
  const temporary = await mkdtemp(join(tmpdir(), 'pt-'))
  try {
    const command = ['unshare', '--net', '--mount', '--propagation', 'private', process.execPath, script, ...args]
    return await show(command, { env: { ...env, [marker]: '1', TMPDIR: temporary }, prefix })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Inside: an empty /run, and loopback. */
export async function furnish() {
  await capture(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'])
  await capture(['ip', 'link', 'set', 'lo', 'up'])
}

/** Inside: the processes that are still in our mounts or network beside us and our ancestors. Zombies are nobody's work. */
export async function leftBehind() {
  const mine = await namespacesOf('self')
  const ours = new Set([process.pid])
  for (let pid = process.ppid; pid > 1; pid = (await statusOf(pid)).parent) ours.add(pid)
  const left = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || ours.has(pid)) continue
    const theirs = await namespacesOf(pid)
    if (theirs.mount !== mine.mount && theirs.network !== mine.network) continue
    const status = await statusOf(pid)
    if (status.state !== 'Z' && status.state !== undefined) left.push({ pid, name: status.name })
  }
  return left
}

async function namespacesOf(pid) {
  const [mount, network] = await Promise.all(['mnt', 'net'].map((kind) => readlink(`/proc/${pid}/ns/${kind}`).catch(() => undefined)))
  return { mount, network }
}

async function statusOf(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')), state, parent: Number(parent ?? 0) }
}

async function whyRefused() {
  if (process.platform !== 'linux') return `this needs Linux, and this is ${process.platform}; "npm run test:unit" runs here`
  if (process.getuid() !== 0) {
    return 'this needs root: it makes private network and mount namespaces, and containers in them.\nRun it with sudo; "npm run test:unit" needs no rights.'
  }
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(await readFile('/proc/self/status', 'utf8'))[1]}`)
  const wanted = { CAP_SYS_ADMIN: 21n, CAP_NET_ADMIN: 12n, CAP_MKNOD: 27n, CAP_CHOWN: 0n, CAP_KILL: 5n, CAP_SYS_CHROOT: 18n }
  const lacking = Object.keys(wanted).filter((name) => (effective & (1n << wanted[name])) === 0n)
  if (lacking.length > 0) {
    return `this process is root without ${lacking.join(', ')}.\nIn a container, start that with: --privileged, or ${lacking.map((name) => `--cap-add ${name.slice(4)}`).join(' ')}`
  }
  try {
    await capture(['unshare', '--net', '--mount', '--propagation', 'private', 'true'])
  } catch (error) {
    return (
      `new network and mount namespaces are refused although CAP_SYS_ADMIN is there: ${String(error.output).trim() || error.message}\n` +
      'A seccomp profile, AppArmor, SELinux or the limits in /proc/sys/user/max_{net,mnt}_namespaces forbid them.\n' +
      'In a container, start that with: --privileged, or --security-opt seccomp=unconfined --security-opt apparmor=unconfined'
    )
  }
  return undefined
}
