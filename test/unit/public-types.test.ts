// What the declarations of the package entries reach: no type of a library that is an implementation's own affair.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import config from '../../tsup.config.js'

const root = new URL('../../', import.meta.url)
const options: ts.CompilerOptions = {
  isolatedDeclarations: true,
  declaration: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
}

/** Packages that the declarations of one source file and of all that it refers to import. */
async function packagesOf(entry: string): Promise<ReadonlyMap<string, string>> {
  const packages = new Map<string, string>()
  const seen = new Set<string>()
  const visit = async (path: string): Promise<void> => {
    if (seen.has(path)) return
    seen.add(path)
    const url = new URL(path, root)
    const { outputText } = ts.transpileDeclaration(await readFile(url, 'utf8'), { fileName: fileURLToPath(url), compilerOptions: options })
    for (const { fileName } of ts.preProcessFile(outputText).importedFiles) {
      if (!fileName.startsWith('.')) packages.set(fileName, path)
      else await visit(new URL(fileName.replace(/\.js$/, '.ts'), url).href.slice(root.href.length))
    }
  }
  await visit(entry)
  return packages
}

describe('public types', () => {
  it.each(Object.entries(config.entry as Record<string, string>))(
    'of the entry %s name no package beside Node itself',
    async (_, entry) => {
      const packages = await packagesOf(entry)
      expect([...packages].filter(([name]) => !name.startsWith('node:'))).toEqual([])
    },
  )

  it('are followed to where a library is used', async () => {
    expect([...(await packagesOf('src/backends/containerd/channel.ts')).keys()]).toContain('@bufbuild/protobuf')
  })
})
