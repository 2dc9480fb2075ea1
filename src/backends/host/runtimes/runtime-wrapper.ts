// A script in place of a runtime's binary, where the shim can pass on neither arguments nor environment, or where the
// runtime refuses the machine's cgroup layout. Pure text; containerd, its shims and the engine stay in their namespaces.
import type { Labels } from '../../../model/common.js'

export interface WrapperPlan {
  readonly binary: string
  readonly globalArgs: readonly string[]
  readonly env: Labels
  /** The cgroup v2 mount that `create` and `run` must not see. */
  readonly hiddenCgroup?: string | undefined
}

/** `undefined`: the binary will do. */
export function wrapperScript({ binary, globalArgs, env, hiddenCgroup }: WrapperPlan): string | undefined {
  if (globalArgs.length === 0 && Object.keys(env).length === 0 && hiddenCgroup === undefined) return undefined
  const exported = Object.entries(env)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('')
  const command = [binary, ...globalArgs].map(quoted).join(' ')
  const hide = hiddenCgroup === undefined ? '' : hiding(command, hiddenCgroup)
  return `#!/bin/sh\n# Written by pouch-sdk; named by its contents. Safe to delete while nothing runs.\n${exported}${hide}exec ${command} "$@"\n`
}

// Propagation stays as it is but for the tree of cgroup mounts, so that mounts made later are seen in the container, and
// this one by nobody else. Covered, not unmounted: what the runtime still writes there goes with the namespace, and not
// into the file system that the mount point belongs to.
function hiding(command: string, cgroup: string): string {
  const parent = cgroup.slice(0, cgroup.lastIndexOf('/')) || '/'
  const inner = `mount --make-private ${quoted(parent)} && mount -t tmpfs -o mode=755 none ${quoted(cgroup)} && exec "$@"`
  return `skip=
for argument do
  if [ -n "$skip" ]; then skip=; continue; fi
  case $argument in
    --root|--log|--log-format|--criu|--rootless|--cgroup-manager) skip=1 ;;
    -*) ;;
    create|run) exec unshare --mount --propagation unchanged -- /bin/sh -c ${quoted(inner)} sh ${command} "$@" ;;
    *) break ;;
  esac
done
`
}

/** One word of a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
