// What of a running container can be measured and set, as it was recorded.
import type { RawRequest, Wire } from '../scripted-daemon.js'
import { recorded, renamed, tell, tellBody } from './answers.js'
import { type Box, c1 } from './box.js'

export function resize(wire: Wire, box: Box, { query }: RawRequest): Promise<void> {
  if (box.config['Tty'] === true) box.process?.resize({ columns: Number(query.get('w')), rows: Number(query.get('h')) })
  return tell(wire, recorded('life', 'resized'))
}

export function stats(wire: Wire, box: Box): Promise<void> {
  if (!box.isRunning) return tell(wire, renamed(recorded('life', 'stats not running'), { [c1.id]: box.id }))
  const answer = recorded('life', 'stats')
  return tellBody(wire, answer, { ...(answer.body as object), id: box.id, name: box.name, read: new Date().toISOString() })
}

export function top(wire: Wire, box: Box): Promise<void> {
  return tell(wire, renamed(recorded('life', 'top not running'), { [c1.id]: box.id }))
}
