import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostnameText, hostsText, resolvConfText } from '../../../src/managers/etc-files.js'

const lookup = (text: string): Map<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
      return names.map((name): [string, string] => [name, address])
    }),
  )
const refused = (code: string): unknown => expect.objectContaining({ code })

describe('hostsText', () => {
  it('knows localhost, the container by its address, and further hosts', () => {
    const hosts = lookup(
      hostsText({ spec: { extraHosts: { db: '198.18.7.2' } }, hostname: 'web', addresses: ['198.18.7.9'], aliases: ['api'] }),
    )
    expect(Object.fromEntries(hosts)).toMatchObject({ db: '198.18.7.2', web: '198.18.7.9', api: '198.18.7.9', 'ip6-localhost': '::1' })
  })

  it('has no line for a container without an address', () => {
    expect(hostsText({ spec: {}, hostname: 'web' })).not.toContain('web')
  })

  it("keeps the host's file where the container has its network, and adds to it", () => {
    expect(
      hostsText({ spec: { extraHosts: { me: 'host-gateway' } }, hostname: 'vm', addresses: ['198.18.7.9'], hostText: '127.0.0.1 vm\n\n' }),
    ).toBe('127.0.0.1 vm\n127.0.0.1\tme\n')
  })

  it('puts the gateway for host-gateway, and refuses it where there is none', () => {
    expect(hostsText({ spec: { extraHosts: { me: 'host-gateway' } }, hostname: 'w', hostGateway: '198.18.7.1' })).toContain(
      '198.18.7.1\tme\n',
    )
    expect(() => hostsText({ spec: { extraHosts: { me: 'host-gateway' } }, hostname: 'w' })).toThrow(refused('failed_precondition'))
  })

  it.each(['a b', 'a\n127.0.0.1 bank', 'a#b', '', '-a', 'a\t'])('refuses the name %j', (name) => {
    expect(() => hostsText({ spec: { extraHosts: { [name]: '198.18.7.1' } }, hostname: 'w' })).toThrow(refused('invalid_argument'))
    expect(() => hostsText({ spec: {}, hostname: name })).toThrow(refused('invalid_argument'))
  })

  it('resolves exactly the names it was given', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,10}(?:-[a-z0-9]{1,5})?$/)
    const entries = fc.dictionary(label, fc.oneof(fc.ipV4(), fc.ipV6()), { noNullPrototype: true })
    fc.assert(
      fc.property(entries, label, fc.array(fc.ipV4(), { maxLength: 1 }), (extraHosts, hostname, addresses) => {
        const hosts = lookup(hostsText({ spec: { extraHosts }, hostname, addresses }))
        for (const [name, address] of Object.entries(extraHosts))
          if (name !== hostname && name !== 'localhost') expect(hosts.get(name)).toBe(address)
        if (addresses.length > 0) expect(hosts.get(hostname)).toBe(addresses[0])
      }),
    )
  })

  it('any names and addresses add one line each or are refused', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, address) => {
        try {
          const text = hostsText({ spec: { extraHosts: { [name]: address } }, hostname: 'w' })
          expect(text.split('\n')).toHaveLength(8)
        } catch (error) {
          expect(['invalid_argument', 'failed_precondition']).toContain((error as { code?: string }).code)
        }
      }),
    )
  })
})

describe('hostnameText', () => {
  it("is what was asked for, else the beginning of the id, else with the host's network the host's", () => {
    const id = 'ab'.repeat(32)
    expect(hostnameText({ hostname: 'web' }, id, 'vm')).toBe('web')
    expect(hostnameText({}, id, 'vm')).toBe('abababababab')
    expect(hostnameText({ networkMode: 'host' }, id, 'vm')).toBe('vm')
  })
})

describe('resolvConfText', () => {
  const text =
    '# made by hand\nnameserver 127.0.0.53\nnameserver 198.18.0.53 # ours\nnameserver ::1\nnameserver fe80::1%eth0\n' +
    'nameserver nonsense\nsearch a.example b.example\noptions edns0 ndots:2\n'
  it('leaves out servers that a container cannot reach, keeping the rest', () => {
    expect(resolvConfText({ spec: {}, hostText: text, hostNetwork: false })).toBe(
      'nameserver 198.18.0.53\nsearch a.example b.example\noptions edns0 ndots:2\n',
    )
  })
  it("is the host's own with the host's network", () => {
    expect(resolvConfText({ spec: {}, hostText: text, hostNetwork: true })).toBe(text)
    expect(resolvConfText({ spec: { dns: ['198.18.7.1'] }, hostText: text, hostNetwork: true })).toContain('nameserver 198.18.7.1\n')
    expect(resolvConfText({ spec: { dnsSearch: ['x'] }, hostText: text, hostNetwork: true })).toContain('nameserver 127.0.0.53\n')
  })
  it('takes the servers and domains of the spec instead', () => {
    expect(resolvConfText({ spec: { dns: ['198.18.7.1', '::1'], dnsSearch: ['team.example'] }, hostText: text, hostNetwork: false })).toBe(
      'nameserver 198.18.7.1\nnameserver ::1\nsearch team.example\noptions edns0 ndots:2\n',
    )
    expect(resolvConfText({ spec: { dnsSearch: ['.'] }, hostText: text, hostNetwork: false })).not.toContain('search')
  })
  it('falls back where nothing remains', () => {
    expect(resolvConfText({ spec: {}, hostText: 'nameserver 127.0.0.1\n', hostNetwork: false })).toBe(
      'nameserver 8.8.8.8\nnameserver 8.8.4.4\n',
    )
    expect(resolvConfText({ spec: {}, hostText: undefined, hostNetwork: false, fallback: ['198.18.0.1'] })).toBe('nameserver 198.18.0.1\n')
  })
  it('takes the last of search and domain', () => {
    expect(resolvConfText({ spec: {}, hostText: 'nameserver 198.18.0.1\nsearch a\ndomain b\n', hostNetwork: false })).toContain(
      'search b\n',
    )
  })
  it.each(['a b', 'a\nnameserver 6.6.6.6', ''])('refuses the search domain %j', (domain) => {
    expect(() => resolvConfText({ spec: { dnsSearch: [domain] }, hostText: text, hostNetwork: false })).toThrow(refused('invalid_argument'))
  })
  it('refuses a server that is no address', () => {
    expect(() => resolvConfText({ spec: { dns: ['dns.example'] }, hostText: text, hostNetwork: false })).toThrow('dns: "dns.example"')
  })
})
