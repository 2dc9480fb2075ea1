// Options of log drivers: ours where daemons have the same under other names, the daemon's own as they are.
import type { DriverOptions, Labels } from '../../../model/common.js'

const names: Readonly<Record<string, string>> = { maxBytes: 'max-size', maxFiles: 'max-file' }
const ours: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(names).map(([own, theirs]) => [theirs, own]))

export function toLogOptions(options: DriverOptions = {}): Labels {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [names[name] ?? name, String(value)]))
}
export function fromLogOptions(options: Labels): DriverOptions {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const own = ours[name]
      return own !== undefined && /^\d+$/.test(value) ? [own, Number(value)] : [name, value]
    }),
  )
}
