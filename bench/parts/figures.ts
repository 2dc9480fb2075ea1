// Prints figures, and keeps them in bench/figures.json when asked by POUCH_SDK_SAVE_FIGURES=1. A missed goal is told, never a failure: machines swing.
import { readFile, writeFile } from 'node:fs/promises'
import type { Figure } from './measure.js'

const file = 'bench/figures.json'

export async function report(bench: string, figures: readonly Figure[]): Promise<void> {
  for (const { name, value, unit, goal } of figures) {
    const promised = goal === undefined ? '' : `   goal ${goal}${value <= goal ? '' : ': missed'}`
    process.stdout.write(`  ${name.padEnd(58)}${value.toFixed(unit === 'ratio' ? 2 : 1).padStart(9)} ${unit}${promised}\n`)
  }
  if (process.env.POUCH_SDK_SAVE_FIGURES !== '1') return
  const all = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as Record<string, unknown>
  all[bench] = Object.fromEntries(figures.map(({ name, value, unit, goal }) => [name, { value: Number(value.toFixed(3)), unit, goal }]))
  await writeFile(file, `${JSON.stringify(all, undefined, 2)}\n`)
}
