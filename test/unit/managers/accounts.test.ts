import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_ACCOUNT_BYTES, parseGroup, parsePasswd, resolveUser, type UserRequest } from '../../../src/managers/accounts.js'

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  '# comment',
  '',
  'broken',
  'worse:x:NaN:0::/:',
  'app:x:1000:1001::/home/app:',
  'app:x:2000:2000::/second:',
  '1234:x:77:77::/number:',
  'nohome:x:88:88',
].join('\n')
const group = ['root:x:0:', 'wheel:x:10:root,app', 'audio:x:29: app ', 'app:x:1001:', 'bad:x:-1:app', '99:x:5:', 'video:x:44:'].join('\n')
const resolve = (user: string | undefined, more: Partial<UserRequest> = {}): ReturnType<typeof resolveUser> =>
  resolveUser({ user, passwd, group, ...more })

describe('resolveUser', () => {
  it.each([
    [undefined, { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
    ['', { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }],
    ['app', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 29], home: '/home/app' }],
    ['1000', { uid: 1000, gid: 1001, additionalGids: [1001, 10, 29], home: '/home/app' }],
    ['app:wheel', { uid: 1000, gid: 10, additionalGids: [10], home: '/home/app' }],
    ['app:5', { uid: 1000, gid: 5, additionalGids: [5], home: '/home/app' }],
    ['4711', { uid: 4711, gid: 0, additionalGids: [0], home: '/' }],
    ['4711:99', { uid: 4711, gid: 99, additionalGids: [99], home: '/' }],
    ['4711:video', { uid: 4711, gid: 44, additionalGids: [44], home: '/' }],
    ['1234', { uid: 1234, gid: 0, additionalGids: [0], home: '/' }],
    [':44', { uid: 0, gid: 44, additionalGids: [44], home: '/root' }],
    ['nohome', { uid: 88, gid: 88, additionalGids: [88], home: '/' }],
  ])('reads user %j', (user, expected) => {
    expect(resolve(user)).toEqual(expected)
  })

  it('adds the groups that are asked for, once', () => {
    expect(resolve('app', { groups: ['video', '29', '500'] }).additionalGids).toEqual([1001, 10, 29, 44, 500])
  })

  it.each([['ghost'], ['app:ghost'], ['worse']])('has no entry for %j: failed_precondition', (user) => {
    expect(() => resolve(user)).toThrow(expect.objectContaining({ code: 'failed_precondition' }))
  })

  it('has no entry for a further group: failed_precondition', () => {
    expect(() => resolve('app', { groups: ['ghost'] })).toThrow('group "ghost"')
  })

  it.each(['a:b:c', '-1', '2147483648', '1:4294967295'])('refuses %j as invalid_argument', (user) => {
    expect(() => resolve(user)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })

  it('works without any files for numbers, and for nobody in particular', () => {
    expect(resolveUser({ user: '7:8' })).toEqual({ uid: 7, gid: 8, additionalGids: [8], home: '/' })
    expect(resolveUser({})).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: '/' })
    expect(() => resolveUser({ user: 'root' })).toThrow('user "root"')
  })

  it('reads no entry beyond the limit, and none that the limit cuts', () => {
    const long = `${'#'.repeat(MAX_ACCOUNT_BYTES - 5)}\nlate:x:1:1::/:\n`
    expect(parsePasswd(long)).toEqual([])
    expect(parsePasswd('late:x:1:1::/:\n')).toHaveLength(1)
  })

  it('any texts give ids within range or an error with a code', () => {
    const lines = fc.string({ unit: fc.constantFrom('a', '0', '9', ':', '\n', ',', '#', ' ', '-', '+') })
    fc.assert(
      fc.property(lines, lines, lines, (user, passwdText, groupText) => {
        for (const entry of parsePasswd(passwdText)) expect(entry.uid).toBeLessThanOrEqual(2 ** 31 - 1)
        for (const entry of parseGroup(groupText)) expect(entry.gid).toBeGreaterThanOrEqual(0)
        try {
          const { uid, gid, home } = resolveUser({ user, passwd: passwdText, group: groupText })
          expect(Number.isInteger(uid) && Number.isInteger(gid) && home.startsWith('/')).toBe(true)
        } catch (error) {
          expect(['invalid_argument', 'failed_precondition']).toContain((error as { code?: string }).code)
        }
      }),
    )
  })
})
