// A daemon that costs next to nothing, in a process of its own: fake-daemon SOCKET INSPECTION. It answers an inspection with the JSON of that
// file, and an attachment to the container "FRAME-TOTAL" with TOTAL bytes of output in frames of FRAME bytes.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const [socketPath = '', inspectionPath = ''] = process.argv.slice(2)
const inspection = JSON.parse(await readFile(inspectionPath, 'utf8')) as Readonly<Record<string, unknown>>
const whole = JSON.stringify(inspection)

const facts: Readonly<Record<string, unknown>> = {
  '/version': { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' },
  '/info': {
    OSType: 'linux',
    NCPU: 2,
    MemTotal: 1 << 30,
    CgroupVersion: '1',
    KernelVersion: '6.1',
    Architecture: 'x86_64',
    Runtimes: { runc: {} },
  },
  '/containers/json': [],
}

/** Containers whose output has just been sent: the next who looks finds that they have ended, and after that they run again. */
const ended = new Set<string>()
function streaming(id: string): unknown {
  const over = ended.delete(id) && { Status: 'exited', Running: false, Pid: 0, ExitCode: 0, FinishedAt: new Date().toISOString() }
  return { ...inspection, Id: id, State: { ...(inspection['State'] as object), ...over } }
}

function respond(request: IncomingMessage, response: ServerResponse): void {
  const [path = ''] = (request.url ?? '').replace(/^\/v[\d.]+/, '').split('?')
  request.resume()
  if (path === '/_ping') {
    response.writeHead(200, { 'api-version': '1.41' }).end('OK')
    return
  }
  const [, id = ''] = /^\/containers\/([^/]+)\/json$/.exec(path) ?? []
  const body = id === '' ? JSON.stringify(facts[path] ?? {}) : id.includes('-') ? JSON.stringify(streaming(id)) : whole
  // A wait for a container that is attached to never ends here: its output does.
  if (/\/wait$/.test(path)) response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
  else response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}

async function stream(request: IncomingMessage, socket: Duplex): Promise<void> {
  socket.on('error', () => {})
  const [, id = '', ...sizes] = /\/containers\/((\d+)-(\d+))\/attach/.exec(request.url ?? '') ?? []
  const [frame = 0, total = 0] = sizes.map(Number)
  socket.write('HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
  const one = Buffer.alloc(8 + frame, 'x')
  one.fill(0, 0, 8)
  one[0] = 1
  one.writeUInt32BE(frame, 4)
  const many = Buffer.concat(Array.from({ length: Math.max(1, Math.floor((1 << 20) / one.length)) }, () => one))
  const times = Math.ceil(total / frame / (many.length / one.length))
  const closed = once(socket, 'close').catch(() => {})
  for (let time = 0; time < times && !socket.destroyed; time += 1)
    if (!socket.write(many)) await Promise.race([once(socket, 'drain').catch(() => {}), closed])
  ended.add(id)
  socket.end()
}

createServer(respond)
  .on('upgrade', (request: IncomingMessage, socket: Duplex) => void stream(request, socket))
  .listen(socketPath, () => process.stdout.write('ready\n'))
process.once('SIGTERM', () => process.exit(0))
