import { describe, expect, it } from 'vitest'
import { parseUrl } from '../../../src/connect/url.js'

const refused = (url: string): string => {
  try {
    parseUrl(url)
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_argument' })
    return (error as Error).message
  }
  throw new Error(`${url} was taken`)
}

describe('parseUrl', () => {
  it.each([
    ['containerd:///run/containerd/containerd.sock', { kind: 'containerd', address: '/run/containerd/containerd.sock' }],
    ['containerd:///run/c.sock?namespace=ci', { kind: 'containerd', address: '/run/c.sock', namespace: 'ci' }],
    [
      'containerd:///run/c.sock?root=/var/lib/a%20b&namespace=k8s.io',
      { kind: 'containerd', address: '/run/c.sock', namespace: 'k8s.io', root: '/var/lib/a b' },
    ],
    ['containerd:///run/a%20b.sock', { kind: 'containerd', address: '/run/a b.sock' }],
    ['local:///var/lib/pouch-sdk', { kind: 'local', root: '/var/lib/pouch-sdk' }],
    ['unix:///var/run/pouchd.sock', { kind: 'http', socketPath: '/var/run/pouchd.sock' }],
    ['tcp://10.0.0.5:2376', { kind: 'http', url: 'tcp://10.0.0.5:2376' }],
    ['ssh://ci@build-7', { kind: 'http', url: 'ssh://ci@build-7' }],
    ['npipe:////./pipe/docker_engine', { kind: 'http', url: 'npipe:////./pipe/docker_engine' }],
    ['https://build-7:2376/', { kind: 'http', url: 'https://build-7:2376/' }],
  ])('takes %s', (url, target) => {
    expect(parseUrl(url)).toEqual(target)
  })

  it.each([
    ['', /is none/],
    ['/var/run/docker.sock', /is none/],
    ['ftp://host', /begin with "ftp:"/],
    ['containerd://host/run/c.sock', /absolute path/],
    ['containerd://', /absolute path/],
    ['containerd:///', /absolute path/],
    ['containerd:///run/%00', /absolute path/],
    ['containerd:///run/%zz', /absolute path/],
    ['unix:run/c.sock', /absolute path/],
    ['unix:///run/d.sock?x=1', /no parameters/],
    ['local:///root#x', /no parameters/],
    ['containerd:///run/c.sock?namespace=', /"namespace"/],
    ['containerd:///run/c.sock?namespace=a/b', /"namespace"/],
    ['containerd:///run/c.sock?root=relative', /"root" must be an absolute path/],
    ['containerd:///run/c.sock?namespce=ci', /"namespce" is not known/],
    ['containerd:///run/c.sock?namespace=a&namespace=b', /once/],
  ])('refuses %s', (url, message) => {
    expect(refused(url)).toMatch(message)
  })

  it('never repeats a URL that may carry a password', () => {
    for (const url of [
      'http://user:secret@[bad',
      'ftp://user:secret@host',
      'containerd://user:secret@host/x',
      'unix://user:secret@host/x',
    ]) {
      expect(refused(url)).not.toContain('secret')
    }
  })
})
