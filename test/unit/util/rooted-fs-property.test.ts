// Random trees of directories and links against a model that resolves in plain strings.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isEngineError } from '../../../src/errors.js'
import { openRootedFs } from '../../../src/util/rooted-fs.js'

const names = ['a', 'b', 'c']
const name = fc.constantFrom(...names)
const path = fc
  .tuple(
    fc.constantFrom('', '/'),
    fc.array(fc.oneof({ weight: 3, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom('..', '.', '') }), { maxLength: 6 }),
  )
  .map(([slash, parts]) => slash + parts.join('/'))
  .filter((text) => text !== '')
type Node =
  | { readonly kind: 'file' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'directory'; readonly children: Map<string, Node> }
const node = fc.letrec<{ node: Node; directory: Node }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant<Node>({ kind: 'file' }),
    path.map<Node>((target) => ({ kind: 'link', target })),
    tie('directory'),
  ),
  directory: fc
    .uniqueArray(fc.tuple(name, tie('node')), { selector: ([one]) => one, maxLength: 3 })
    .map<Node>((children) => ({ kind: 'directory', children: new Map(children) })),
}))

async function build(at: string, { children }: Extract<Node, { kind: 'directory' }>): Promise<void> {
  for (const [one, child] of children) {
    const place = join(at, one)
    if (child.kind === 'file') await writeFile(place, place)
    else if (child.kind === 'link') await symlink(child.target, place)
    else {
      await mkdir(place)
      await build(place, child)
    }
  }
}
/** The names of where a path ends, or the error. */
function resolve(root: Node, text: string): readonly string[] | 'not_found' | 'failed_precondition' {
  const pending = text.split('/').reverse()
  let at: { readonly name: string; readonly node: Node }[] = []
  let links = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const here = at.at(-1)?.node ?? root
    if (next === '' || next === '.') continue
    if (next === '..') {
      at.pop()
      continue
    }
    if (here.kind !== 'directory') return 'failed_precondition'
    const child = here.children.get(next)
    if (child === undefined) return 'not_found'
    if (child.kind === 'link') {
      if (++links > 40) return 'failed_precondition'
      if (child.target.startsWith('/')) at = []
      pending.push(...child.target.split('/').reverse())
      continue
    }
    if (child.kind === 'file' && pending.some((one) => one !== '' && one !== '.')) return 'failed_precondition'
    at.push({ name: next, node: child })
  }
  return at.map(({ name }) => name)
}

it('a path leads where the model says, never outside', async () => {
  const base = await mkdtemp(join(tmpdir(), 'rooted-'))
  let trees = 0
  try {
    for (const one of names) await writeFile(join(base, one), 'outside')
    await fc.assert(
      fc.asyncProperty(node.directory, fc.array(path, { minLength: 4, maxLength: 8 }), async (root, paths) => {
        const place = join(base, `tree${trees++}`)
        await mkdir(place)
        await build(place, root as Extract<Node, { kind: 'directory' }>)
        await using tree = await openRootedFs(place)
        for (const one of paths) {
          const asked = `/${one}`
          const expected = resolve(root, asked)
          const found = await tree.stat(asked, { follow: true }).catch((error: unknown) => {
            if (isEngineError(error)) return error.code
            throw error
          })
          if (typeof expected === 'string') expect(found, asked).toBe(expected)
          else if (typeof found === 'string') expect.fail(`${asked}: ${found} instead of /${expected.join('/')}`)
          else if (found.type === 'file') {
            for await (const bytes of tree.read(asked, { follow: true })) expect(String(bytes)).toBe(join(place, ...expected))
          }
        }
      }),
      { numRuns: 60 },
    )
  } finally {
    await rm(base, { recursive: true })
  }
})
