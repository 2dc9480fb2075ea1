// Builds what is stale and runs one TypeScript program of this repository: run-example.mjs FILE [ARGUMENT...]
import { buildDist } from './build-dist.mjs'
import { compile } from './compile.mjs'
import { show } from './process.mjs'

const [source, ...args] = process.argv.slice(2)
if (source === undefined) {
  process.stderr.write('usage: run-example.mjs FILE [ARGUMENT...]\n')
  process.exit(2)
}
const built = await buildDist({ ifStale: true, types: false })
if (built !== 0) process.exit(built)
const program = await compile(source)
try {
  process.exitCode = await show([process.execPath, '--enable-source-maps', program.path, ...args], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
  })
} finally {
  await program.dispose()
}
