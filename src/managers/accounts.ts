// Users and groups of a container, looked up in the texts of its own /etc/passwd and /etc/group. The texts are a stranger's data.
import { EngineError } from '../errors.js'

export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  /** The primary group first, then those of the group file and those asked for. */
  readonly additionalGids: readonly number[]
  /** An absolute path; `/` for a user without an entry. */
  readonly home: string
}
export interface UserRequest {
  /** `user[:group]`, names or numbers. Empty or absent: whoever has uid 0. */
  readonly user?: string | undefined
  /** Further groups, names or numbers. */
  readonly groups?: readonly string[] | undefined
  /** Absent: the root has no such file. */
  readonly passwd?: string | undefined
  readonly group?: string | undefined
}
export interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}
export interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** Of either file; what comes behind is not read. */
export const MAX_ACCOUNT_BYTES: number = 1 << 20
const MAX_ID = 2 ** 31 - 1
const MAX_GROUPS = 65_536

/**
 * As Docker does: a number is always an id, whether the files know it or not; the first entry that matches wins; a
 * user without an explicit group is in all groups that list it. A name that no entry has is `failed_precondition` (the
 * request is legal, this image just has no such user), a malformed request or an id beyond 2^31-1 `invalid_argument`.
 */
export function resolveUser({ user = '', groups = [], passwd, group }: UserRequest): ResolvedUser {
  const [userPart = '', groupPart = '', ...rest] = user.split(':')
  if (rest.length > 0) throw new EngineError('invalid_argument', `user "${user}" is malformed: user[:group] is expected`)
  const groupEntries = parseGroup(group ?? '')
  const wantedUid = userPart === '' ? 0 : toId(userPart)
  const account = parsePasswd(passwd ?? '').find((entry) => (wantedUid === undefined ? entry.name === userPart : entry.uid === wantedUid))
  if (account === undefined && wantedUid === undefined) {
    throw new EngineError('failed_precondition', `user "${userPart}" is not in the container's /etc/passwd`)
  }
  const gid = groupPart === '' ? (account?.gid ?? 0) : findGroup(groupPart, groupEntries)
  const listed =
    groupPart === '' && account !== undefined
      ? groupEntries.filter((entry) => entry.members.includes(account.name)).map((entry) => entry.gid)
      : []
  const asked = groups.map((name) => findGroup(name, groupEntries))
  return {
    uid: account?.uid ?? wantedUid ?? 0,
    gid,
    additionalGids: [...new Set([gid, ...listed, ...asked])].slice(0, MAX_GROUPS),
    home: account?.home.startsWith('/') === true ? account.home : '/',
  }
}

/** Lines that are no entries are skipped. */
export function parsePasswd(text: string): readonly PasswdEntry[] {
  return records(text).flatMap((fields) => {
    const [name = '', , uidText = '', gidText = '', , home = ''] = fields
    const uid = entryId(uidText)
    const gid = entryId(gidText)
    return name === '' || uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }]
  })
}

/** Lines that are no entries are skipped. */
export function parseGroup(text: string): readonly GroupEntry[] {
  return records(text).flatMap((fields) => {
    const [name = '', , gidText = '', members = ''] = fields
    const gid = entryId(gidText)
    return name === '' || gid === undefined
      ? []
      : [
          {
            name,
            gid,
            members: members
              .split(',')
              .map((member) => member.trim())
              .filter((member) => member !== ''),
          },
        ]
  })
}

function records(text: string): readonly string[][] {
  const whole = text.length <= MAX_ACCOUNT_BYTES ? text : text.slice(0, text.lastIndexOf('\n', MAX_ACCOUNT_BYTES) + 1)
  return whole
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'))
}

function findGroup(name: string, entries: readonly GroupEntry[]): number {
  const id = toId(name)
  if (id !== undefined) return id
  const entry = entries.find((candidate) => candidate.name === name)
  if (entry === undefined) throw new EngineError('failed_precondition', `group "${name}" is not in the container's /etc/group`)
  return entry.gid
}

/** The number that a request gives, or `undefined` for a name. */
function toId(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const id = Number(text)
  if (id < 0 || id > MAX_ID) throw new EngineError('invalid_argument', `user or group id "${text}" is not within 0 and ${MAX_ID}`)
  return id
}

function entryId(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined
}
