// What the README claims: its snippets are pieces of examples, its links lead somewhere, and the table behind one is what the backends answer.
import { access, readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Capability } from '../../src/ports/backend/backend.js'
import type { ApiVersion } from '../../src/backends/http/api-version.js'
import type { DaemonFacts } from '../../src/backends/http/dialect.js'
import { docker } from '../../src/backends/http/dialects/docker.js'
import { podman } from '../../src/backends/http/dialects/podman.js'
import { pouch } from '../../src/backends/http/dialects/pouch.js'
import { memoryRoot } from '../setup/memory-backend.js'

const root = new URL('../../', import.meta.url)
const readme = await readFile(new URL('README.md', root), 'utf8')

/** Without indentation and empty lines, so that a piece of a function may stand alone. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
function contains(whole: readonly string[], piece: readonly string[]): boolean {
  return whole.some((_, at) => piece.every((line, index) => whole[at + index] === line))
}

describe('the README', () => {
  const snippets = [...readme.matchAll(/```(?:js|ts)\n([\s\S]*?)```/g)].map(([, code = '']) => code)

  it('shows its first program as it lies in examples/, in eight lines at most', async () => {
    expect(snippets[0]).toBe(await readFile(new URL('examples/first.mjs', root), 'utf8'))
    expect(snippets[0]?.trimEnd().split('\n').length).toBeLessThanOrEqual(8)
  })

  it('has no code that is not a piece of an example', async () => {
    const names = (await readdir(new URL('examples/', root))).filter((name) => /\.(ts|mjs)$/.test(name))
    const examples = await Promise.all(names.map(async (name) => linesOf(await readFile(new URL(`examples/${name}`, root), 'utf8'))))
    expect(snippets.length).toBeGreaterThan(3)
    expect(snippets.filter((snippet) => !examples.some((example) => contains(example, linesOf(snippet))))).toEqual([])
  })

  it('links to a table that says of each capability what each backend answers', async () => {
    await using engine = await memoryRoot()
    await using managed = await engine.open()
    const daemons = [
      docker.capabilities(facts('20.10.24', { major: 1, minor: 41 })),
      podman.capabilities(facts('4.3.1', { major: 1, minor: 41 })),
      pouch.capabilities(facts('1.3.1', { major: 1, minor: 24 })),
    ]
    const rows = (await capabilities()).map((name) => {
      const answers = [managed.supports(name), ...daemons.map((list) => list.includes(name))]
      return `| \`${name}\` | ${answers.map((answer) => (answer ? 'yes' : 'no')).join(' | ')} |`
    })
    const table = await readFile(new URL('docs/capabilities.md', root), 'utf8')
    expect(table.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
  })

  it('links to files that are there', async () => {
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link).filter((link) => !link.includes(':'))
    expect(links.length).toBeGreaterThan(5)
    await Promise.all(links.map((link) => access(new URL(link, root))))
  })
})

function facts(version: string, api: ApiVersion): DaemonFacts {
  return { version, api, versionAnswer: {}, info: {} }
}
/** All there are, from the type. */
async function capabilities(): Promise<Capability[]> {
  const source = await readFile(new URL('src/ports/backend/backend.ts', root), 'utf8')
  const [, union = ''] = /export type Capability =([\s\S]*?)\n\n/.exec(source) ?? []
  return [...union.matchAll(/'(\w+)'/g)].map(([, name = '']) => name as Capability).sort()
}
