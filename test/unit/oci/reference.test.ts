import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalName, familiarName, normalizeReference, parseReference, repositoryName } from '../../../src/oci/reference.js'

const digest = `sha256:${'ab'.repeat(32)}` as const
const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,8}){0,2}$/)
const path = fc.array(component, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
const domain = fc.oneof(
  fc.constantFrom('docker.io', 'localhost', 'localhost:5000', 'REGISTRY', '[fd00::1]:5000', '127.0.0.1'),
  fc.stringMatching(/^[a-z0-9]{1,8}\.[a-z]{2,4}(?::[0-9]{1,5})?$/),
)
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)

describe('image references', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/a/b:t', 'localhost:5000/a/b:t'],
    ['localhost:5000', 'docker.io/library/localhost:5000'],
    [`registry.example/team/app@${digest}`, `registry.example/team/app@${digest}`],
    [`registry.example/app:1@${digest}`, `registry.example/app@${digest}`],
    ['[fd00::1]:5000/app', '[fd00::1]:5000/app:latest'],
    ['TEAM/app', 'TEAM/app:latest'],
    ['a__b/c---d', 'docker.io/a__b/c---d:latest'],
  ])('reads "%s" as "%s"', (text, expected) => {
    expect(normalizeReference(text)).toBe(expected)
  })

  it.each([
    '',
    ' ',
    'Busybox',
    'registry.example/App',
    'a..b',
    'a___b',
    '-a',
    'a-',
    'a/',
    '/a',
    'a//b',
    'a:',
    'a:-x',
    'a:b:c',
    `a:${'t'.repeat(129)}`,
    'a@',
    'a@sha256:abc',
    `a@md5:${'a'.repeat(32)}`,
    `a@sha256:${'AB'.repeat(32)}`,
    'http://registry.example/a',
    'ho_st:5000/a',
    'host:port/a',
    'a b',
    'a\n',
    'a\0b',
    'ab'.repeat(32),
    `${'x'.repeat(300)}`,
    'x'.repeat(100_000),
    '../a',
    'a/../b',
    '[::1/a',
    'é/a',
  ])('refuses %j, naming it', (text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(/^image reference "/) as string }),
    )
  })

  it('keeps a tag beside a digest for showing, and drops it from the canonical name', () => {
    const reference = parseReference(`app:1@${digest}`)
    expect(reference).toEqual({ domain: 'docker.io', path: 'library/app', tag: '1', digest })
    expect(familiarName(reference)).toBe(`app:1@${digest}`)
    expect(canonicalName(reference)).toBe(`docker.io/library/app@${digest}`)
    expect(repositoryName(reference)).toBe('docker.io/library/app')
  })

  it('takes 255 characters of name and no more', () => {
    const name = (length: number): string => `r.io/${'a'.repeat(length - 5)}`
    expect(parseReference(name(255)).path).toHaveLength(250)
    expect(() => parseReference(name(256))).toThrow('255 characters')
  })

  it('a canonical name parses to itself', () => {
    fc.assert(
      fc.property(domain, path, tag, (d, p, t) => {
        const once = normalizeReference(`${d}/${p}:${t}`)
        expect(normalizeReference(once)).toBe(once)
      }),
    )
  })

  it('a familiar name parses to the reference it was made from', () => {
    fc.assert(
      fc.property(domain, path, fc.option(tag, { nil: undefined }), fc.boolean(), (d, p, t, pinned) => {
        const reference = parseReference(`${d}/${p}${t === undefined ? '' : `:${t}`}${pinned ? `@${digest}` : ''}`)
        expect(parseReference(familiarName(reference))).toEqual(reference)
      }),
    )
  })

  it('any text is a reference or invalid_argument, nothing else', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('a', 'B', '/', ':', '@', '.', '-', '_', '[', ']', '1') })),
        (text) => {
          try {
            expect(canonicalName(parseReference(text))).toMatch(/^[^/]+\/[a-z0-9]/)
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_argument' })
          }
        },
      ),
    )
  })
})
