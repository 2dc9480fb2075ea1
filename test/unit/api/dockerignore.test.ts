import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packContext } from '../../../src/api/build-context.js'
import { isIgnored, parseIgnore } from '../../../src/api/dockerignore.js'

const ignored = (rules: string, path: string): boolean => isIgnored(parseIgnore(rules), path)

describe('rules', () => {
  // Rules, a path, and whether Docker leaves it out (filepath.Match and the builder's own additions).
  it.each([
    ['*.log', 'a.log', true],
    ['*.log', 'sub/a.log', false],
    ['**/*.log', 'sub/deep/a.log', true],
    ['**/*.log', 'a.log', true],
    ['**', 'a/b', true],
    ['a/**', 'a/b/c', true],
    ['a/**/c', 'a/c', true],
    ['a/**/c', 'a/x/y/c', true],
    ['out', 'out/deep/file', true],
    ['out', 'outer', false],
    ['/out', 'out', true],
    ['./out/', 'out/file', true],
    ['a/../out', 'out', true],
    ['fil?', 'file', true],
    ['fil?', 'fil/', false],
    ['[a-c]at', 'bat', true],
    ['[a-c]at', 'dat', false],
    ['[^a-c]at', 'dat', true],
    ['[^a-c]at', 'bat', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['a.b', 'axb', false],
    ['a+(b)|c', 'a+(b)|c', true],
    ['# out', 'out', false],
    ['  out  ', 'out', true],
    ['\uFEFFout', 'out', true],
    ['out\r\n', 'out', true],
    ['*\n!keep', 'keep', false],
    ['*\n!keep', 'other', true],
    ['!keep\n*', 'keep', true],
    ['*\n!keep\nkeep/not', 'keep/not', true],
    ['*\n!keep\nkeep/not', 'keep/this', false],
    ['dir\n!dir/in', 'dir/in', false],
    ['dir\n!dir/in', 'dir/out', true],
  ])('%j over %j: %s', (rules, path, expected) => {
    expect(ignored(rules, path)).toBe(expected)
  })
  it.each(['[a', '!'])('%j is invalid_argument', (rules) => {
    expect(() => parseIgnore(rules)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('packContext', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-context-'))
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))
  const write = async (path: string, text: string = ''): Promise<void> => {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), text)
  }
  const names = async (dockerfile: string = 'Dockerfile'): Promise<readonly string[]> => {
    const found: string[] = []
    const entries = extract()
    Readable.from(packContext(directory, dockerfile)).pipe(entries)
    for await (const entry of entries) {
      found.push(`${entry.header.type} ${entry.header.name.replace(/\/$/, '')}`)
      entry.resume()
    }
    return found.sort()
  }

  it('sends the Dockerfile and .dockerignore also when the rules leave them out, and nothing else that they do', async () => {
    await write('.dockerignore', '*')
    await write('sub/Dockerfile')
    await write('sub/secret')
    await write('secret')
    expect(await names('sub/Dockerfile')).toEqual(['file .dockerignore', 'file sub/Dockerfile'])
  })
  it('enters a directory that is left out for an exception in it', async () => {
    await write('.dockerignore', 'out\n!out/keep')
    await write('Dockerfile')
    await write('out/keep/a')
    await write('out/gone')
    expect(await names()).toEqual(['directory out/keep', 'file .dockerignore', 'file Dockerfile', 'file out/keep/a'])
  })
  it('keeps links as links, also those that lead out', async () => {
    await write('Dockerfile')
    await symlink('/etc/passwd', join(directory, 'link'))
    expect(await names()).toEqual(['file Dockerfile', 'symlink link'])
  })
  it('is not_found for a directory that is not there', async () => {
    const reading = async (): Promise<void> => {
      for await (const _ of packContext(join(directory, 'none'), 'Dockerfile'));
    }
    await expect(reading()).rejects.toMatchObject({ code: 'not_found' })
  })
})
