// Streams of the replayed pouchd: framed as they were recorded, with the bytes of the process.
import type { Attachment } from '../../../src/ports/streams.js'
import { chunk, frame, head, lastChunk, type RawRequest, type Wire } from '../scripted-daemon.js'
import { recorded } from './answers.js'
import { type Box, type LogLine, nanoseconds } from './box.js'

/** An attachment as it was recorded: 101 and bytes without frames, both streams as one. Before the start it waits for it. */
export async function attach(wire: Wire, { query }: RawRequest, box: Box): Promise<void> {
  const early = box.status === 'created'
  const answer = recorded('attach', early || box.isRunning ? 'output, 101' : 'ended')
  await wire.write(head(answer.status, answer.headers))
  while (box.status === 'created' && wire.socket.writable) await Promise.race([box.change(), wire.closed])
  const { process } = box
  if (process === undefined || !(early || box.isRunning)) return void wire.socket.end()
  await exchange(wire, process.attach(early ? 0 : process.chunks.length), query.get('stdin') === '1', false)
}

/** Output until its end; input meanwhile, whose end is the process's. */
export async function exchange(wire: Wire, process: Attachment, stdin: boolean, framed: boolean): Promise<void> {
  const input = async (): Promise<void> => {
    for await (const bytes of wire.input()) if (stdin) await process.write(bytes).catch(() => {})
    if (stdin) await process.closeStdin()
  }
  void input()
  void wire.closed.then(() => process.close())
  for await (const { stream, bytes } of process.output) await wire.write(framed ? frame(stream, bytes) : bytes)
  wire.socket.end()
}

/** The log as it was recorded: frames with a time in each, or lines of text for a terminal. */
export async function logs(wire: Wire, { query }: RawRequest, box: Box): Promise<void> {
  const tty = box.config['Tty'] === true
  const wanted = wantedLines(query)
  const answer = recorded('logs', tty ? 'terminal' : 'last of stdout, with times')
  const follows = query.get('follow') === '1'
  const tail = Number(query.get('tail') ?? Number.NaN)
  // It counts lines of both streams; 0 and what is no number mean all.
  const from = tail > 0 ? Math.max(box.log.length - tail, 0) : 0
  const first = box.log.slice(from).filter(wanted)
  if (first.length === 0 && !follows) {
    const { status, headers } = recorded('logs', 'nothing')
    return wire.write(head(status, headers))
  }
  await wire.write(head(answer.status, answer.headers))
  const { process } = box
  for (let at = from; ; ) {
    const line = box.log[at]
    if (line !== undefined) {
      at += 1
      if (wanted(line)) await wire.write(chunk(tty ? stamped(line) : frame(line.stream, stamped(line))))
    } else if (!follows || process?.exit !== undefined || !wire.socket.writable) break
    else await Promise.race([box.change(), wire.closed])
  }
  await wire.write(lastChunk)
}
function stamped({ time, bytes }: LogLine): Buffer {
  return Buffer.concat([Buffer.from(`${nanoseconds(time)} `), bytes])
}
function wantedLines(query: URLSearchParams): (line: LogLine) => boolean {
  const [since, until] = ['since', 'until'].map((name) => (query.get(name) === null ? undefined : Number(query.get(name)) * 1_000))
  return ({ stream, time }) =>
    query.get(stream) === '1' && (since === undefined || time.getTime() >= since) && (until === undefined || time.getTime() <= until)
}
