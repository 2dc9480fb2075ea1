import { expect, it } from 'vitest'
import { mountCall } from '../../../../../src/backends/local/tasks/mount-call.js'

const call = (type: string, ...options: string[]) => mountCall({ type, source: 's', options }, '/t')

it('an overlay is one call with its options as they are', () => {
  const options = ['index=off', 'userxattr', 'volatile', 'upperdir=/a\\,b', 'lowerdir=/c\\:d:/e']
  expect(call('overlay', ...options)).toEqual({ type: 'overlay', source: 's', flags: 0, data: options.join(','), target: '/t', place: '/' })
  expect(call('overlay', 'ro', 'lowerdir=/a:/b')).toMatchObject({ flags: 1, data: 'lowerdir=/a:/b' })
  expect(call('tmpfs')).toMatchObject({ type: 'tmpfs', flags: 0, data: '' })
})
it('a bind mount that may be written is one call', () => {
  expect(call('bind', 'rw', 'rbind')).toMatchObject({ type: 'none', flags: 0x5000, data: '' })
  expect(call('bind')).toMatchObject({ type: 'none', flags: 0x1000 })
  expect(call('none', 'bind')).toMatchObject({ type: 'none', flags: 0x1000 })
})
it('what takes more, or is for mount(8) to know or to refuse, is none', () => {
  const others = [
    call('bind', 'ro', 'rbind'),
    call('bind', 'index=off'),
    call('', 'rw'),
    call('overlay', 'ro', 'rw'),
    call('overlay', 'lowerdir=\0'),
  ]
  for (const word of ['nosuid', 'noexec', 'relatime', 'rslave', 'remount', 'loop', 'x-mount.mkdir', 'defaults'])
    others.push(call('tmpfs', word))
  expect(others).toEqual(others.map(() => undefined))
})
