// How long the entries take to load, each in a process of its own, less what an empty program takes.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { report } from './parts/figures.js'
import { inTurn, median, type Figure } from './parts/measure.js'

const execute = promisify(execFile)
const load = async (entry: string): Promise<number> => {
  const program = `const begun = performance.now(); await import(${JSON.stringify(entry)}); process.stdout.write(String(performance.now() - begun))`
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', program])
  return Number(stdout)
}

const goals = { 'pouch-sdk': 60, 'pouch-sdk/http': 110, 'pouch-sdk/containerd': 200 } as const
const loaded = new Map<string, number[]>()
await inTurn(
  Object.keys(goals).map((name) => ({
    name,
    run: async () => {
      loaded.set(name, [...(loaded.get(name) ?? []), await load(name)])
    },
  })),
  9,
)
await report(
  'imports',
  [...loaded].map(
    ([name, values]): Figure => ({ name: `import of ${name}`, value: median(values), unit: 'ms', goal: goals[name as keyof typeof goals] }),
  ),
)
