// Tells of each call of a port before it is made, so that a test can enumerate the steps of a verb and die at each.
export type BeforeStep = (step: string) => void

/** Services within a service, and what `snapshotter` and `hold` hand out, are told of as well. */
export function observed<T extends object>(target: T, name: string, before: BeforeStep | undefined): T {
  if (before === undefined) return target
  return new Proxy(target, {
    get(subject, key) {
      const value: unknown = Reflect.get(subject, key, subject)
      if (typeof key === 'symbol') return typeof value === 'function' ? value.bind(subject) : value
      if (typeof value === 'object' && value !== null && hasMethods(value)) return observed(value, `${name}.${key}`, before)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        before(`${name}.${key}`)
        return observedResult(key, Reflect.apply(value, subject, args), name, before)
      }
    },
  })
}

function observedResult(key: string, result: unknown, name: string, before: BeforeStep): unknown {
  if (key === 'snapshotter') return observed(result as object, `${name}.snapshotter`, before)
  if (key === 'hold') return (result as Promise<object>).then((held) => observed(held, `${name}.held`, before))
  return result
}

function hasMethods(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype !== Object.prototype ? !Array.isArray(value) : Object.values(value).some((member) => typeof member === 'function')
}
