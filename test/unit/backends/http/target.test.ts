import { describe, expect, it } from 'vitest'
import { path, pathWithSlashes } from '../../../../src/backends/http/path.js'
import { toEndpoint } from '../../../../src/backends/http/transport/target.js'

describe('addresses', () => {
  it.each([
    ['unix:///run/a%20b.sock', '/run/a b.sock', 'localhost'],
    ['npipe:////./pipe/docker_engine', '//./pipe/docker_engine', 'localhost'],
    ['tcp://10.0.0.5', '10.0.0.5:2375', '10.0.0.5:2375'],
    ['tcp://[fd00::1]:2376', '[fd00::1]:2376', '[fd00::1]:2376'],
    ['http://build-7', 'build-7:80', 'build-7:80'],
    ['https://build-7', 'build-7:443', 'build-7:443'],
    ['ssh://ci@build-7', 'ssh://build-7', 'localhost'],
  ])('%s is %s', (url, name, host) => {
    expect(toEndpoint({ url })).toMatchObject({ name, host })
  })
  it('tcp: with TLS is on another port', () => {
    expect(toEndpoint({ url: 'tcp://h', tls: {} }).name).toBe('h:2376')
  })
  it.each(['', 'nonsense', 'ftp://h', 'unix://h/x', 'unix://', 'tcp://', 'tcp://u:secret@h', 'tcp://h/path', 'npipe:relative'])(
    'refuses "%s", and never repeats a password',
    (url) => {
      expect(() => toEndpoint({ url })).toThrow(
        expect.objectContaining({ code: 'invalid_argument', message: expect.not.stringContaining('secret') }),
      )
    },
  )
  it('refuses a certificate without its key', () => {
    expect(() => toEndpoint({ url: 'tcp://h', tls: { cert: 'x' } })).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('paths', () => {
  it('escape what users name, and lead nowhere else', () => {
    expect(path`/containers/${'a/b?c#d%e'}/json`).toBe('/containers/a%2Fb%3Fc%23d%25e/json')
    expect(pathWithSlashes`/images/${'localhost:5000/a/b:1'}/json`).toBe('/images/localhost:5000/a/b:1/json')
    for (const name of ['', '.', '..']) expect(() => path`/containers/${name}/json`).toThrow(expect.objectContaining({ code: 'not_found' }))
    expect(() => pathWithSlashes`/images/${'a/../b'}/json`).toThrow(expect.objectContaining({ code: 'not_found' }))
  })
})
