// A mount as mount(2) takes it. Pure.
import type { Mount } from '../../../model/common.js'
import { fitOptions } from '../../host/overlay-options.js'

export interface MountCall {
  readonly type: string
  readonly source: string
  readonly flags: number
  /** For the file system itself. */
  readonly data: string
  readonly target: string
  /** Relative paths in `data` are meant from here. */
  readonly place: string
}

// <linux/mount.h>
const readOnly = 0x1
const bind = 0x1000
const recursive = 0x4000
/** Those of mount(8) that are not the file system's, nor simply a flag that is set here. */
const otherWords =
  /^(?:r?(?:shared|slave|private|unbindable)|(?:no)?(?:suid|dev|exec|atime|diratime|relatime|strictatime|lazytime|sync|async|dirsync|mand|iversion|silent|loud|auto|user|users|owner|group|fail|symfollow)|defaults|loop|move|remount|x-.*|X-.*)$/

/** `undefined`: it takes more than one call, or what only mount(8) knows. */
export function mountCall(mount: Mount, target: string): MountCall | undefined {
  const { type, source, options, workingDirectory } = fitOptions(mount)
  const words = new Set(options)
  const isRecursive = type === 'rbind' || words.has('rbind')
  const isBind = isRecursive || type === 'bind' || words.has('bind')
  const isReadOnly = words.has('ro')
  const own = options.filter((word) => !['ro', 'rw', 'bind', 'rbind'].includes(word))
  // The kernel makes a bind mount read-only by a second call.
  if (own.some((word) => otherWords.test(word)) || (isBind && isReadOnly) || (words.has('ro') && words.has('rw'))) return undefined
  if (type === '' || [type, source, target, ...own].some((text) => text.includes('\0')) || (isBind && own.length > 0)) return undefined
  const flags = (isReadOnly ? readOnly : 0) | (isBind ? bind : 0) | (isRecursive ? recursive : 0)
  return { type: isBind ? 'none' : type, source, flags, data: own.join(','), target, place: workingDirectory }
}
