// Fails for files of more than 400 lines and classes of more than 13 methods.
// Excepted: generated code, and a file that says `// size: table` or `// size: schema` in its first lines.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { root } from './process.mjs'

const lineLimit = 400
const methodLimit = 13
const folders = ['src', 'test', 'examples', 'bench', 'scripts']
const generated = /^src\/backends\/containerd\/gen\//
const excepted = /^\/\/ size: (table|schema)\b/m
/** Handles: one line a verb. */
const handles = /^src\/api\//

const problems = []
for (const path of await sources()) {
  if (generated.test(path)) continue
  const text = await readFile(join(root, path), 'utf8')
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  if (lines > lineLimit && !excepted.test(text.split('\n', 5).join('\n')))
    problems.push(`${path}: ${lines} lines, ${lineLimit} are allowed`)
  if (!handles.test(path))
    for (const { name, methods } of classes(path, text)) {
      if (methods > methodLimit) problems.push(`${path}: class ${name} has ${methods} methods, ${methodLimit} are allowed`)
    }
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`)
  process.exit(1)
}

async function sources() {
  const found = []
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries)
      if (entry.isFile() && /\.(ts|mjs|cjs|js)$/.test(entry.name)) found.push(relative(root, join(entry.parentPath, entry.name)))
  }
  return found.sort()
}

/** Methods, accessors and functions kept in fields. The constructor and what is called by a symbol do not count. */
function classes(path, text) {
  const found = []
  const visit = (node) => {
    if (ts.isClassLike(node))
      found.push({
        name: node.name?.text ?? '(anonymous)',
        methods: new Set(node.members.filter(isVerb).map(({ name }) => name.text)).size,
      })
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022))
  return found
}
/** Of what users of the class see: private steps of a verb belong to it. */
function isVerb(member) {
  if (member.name === undefined || ts.isComputedPropertyName(member.name) || ts.isPrivateIdentifier(member.name)) return false
  if (ts.isPropertyDeclaration(member))
    return member.initializer !== undefined && (ts.isArrowFunction(member.initializer) || ts.isFunctionExpression(member.initializer))
  return ts.isMethodDeclaration(member) || ts.isAccessor(member)
}
