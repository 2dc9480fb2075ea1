// A pouchd 1.3.1 whose every answer was recorded: status, headers, framing, the body's shape and the error's words. The state of what it is asked
// about chooses which one, and ids, names, times and what was asked for stand in it in place of the recorded ones. What runs is a pretence, as on
// the backend in memory. It is strict: what pouchd would not know is answered with 418.
import type { Closeable } from '../../../src/model/common.js'
import { closeable } from '../../../src/util/closeable.js'
import { answer, type RawRequest, type ScriptedDaemon, startScriptedDaemon, type Wire } from '../scripted-daemon.js'
import { recorded, recordedNewer, tell } from './answers.js'
import type { Box } from './box.js'
import { Containers } from './containers.js'
import { EventLog } from './events.js'
import { Execs } from './execs.js'
import { resize, stats, top } from './figures.js'
import { Images } from './images.js'
import { attach, logs } from './streams.js'
import { checkRequest } from './strict.js'

export interface ReplayedPouchd extends Closeable {
  readonly socketPath: string
  /** What it would not have known. */
  readonly refused: readonly string[]
  /** Ids of the containers that are there. */
  readonly containers: readonly string[]
}

/** The roots of its containers have nothing below `/no`, and nothing whose name begins so. */
const isMissing = ([command = '']: readonly string[]): boolean => command.startsWith('/no/') || command.startsWith('no-')

type Handler = (wire: Wire, request: RawRequest, ref: string) => Promise<void> | void

export async function startReplayedPouchd(): Promise<ReplayedPouchd> {
  const daemon = await startScriptedDaemon()
  const refused: string[] = []
  const labels: string[] = []
  const events = new EventLog()
  const images = new Images()
  const containers = new Containers(images, events, isMissing)
  const execs = new Execs(isMissing)
  const on = (method: string, path: RegExp, handle: Handler): void => {
    daemon.on(method, path, async (wire, request) => {
      try {
        checkRequest(request)
      } catch (error) {
        refused.push((error as Error).message)
        return wire.write(answer(418, { message: (error as Error).message }))
      }
      return handle(wire, request, decodeURIComponent(path.exec(request.path)?.[1] ?? ''))
    })
  }
  const onBox = (method: string, verb: string, handle: (wire: Wire, box: Box, request: RawRequest) => Promise<void> | void): void => {
    on(method, new RegExp(`^/containers/([^/]+)${verb}$`), (wire, request, ref) => {
      const box = containers.find(ref)
      return box === undefined ? containers.absent(wire, ref) : handle(wire, box, request)
    })
  }
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) on(method, /^/, () => {})
  on('GET', /^\/_ping$/, (wire) => tell(wire, recorded('system', 'ping')))
  on('GET', /^\/version$/, (wire) => tell(wire, recordedNewer.system('version')))
  on('GET', /^\/info$/, (wire) => {
    const answer = recorded('system', 'info')
    const { Labels, ...body } = answer.body as { readonly Labels: readonly string[] }
    return tell(wire, { ...answer, body: { ...body, Labels: [...Labels, ...labels] } })
  })
  on('POST', /^\/daemon\/update$/, (wire, { body }) => {
    labels.push(...(JSON.parse(body.toString()) as { readonly Labels: readonly string[] }).Labels)
    return tell(wire, recorded('pouch-own', 'daemon updated'))
  })
  on('GET', /^\/events$/, (wire, request) => events.serve(wire, request))
  onBox('GET', '/json', (wire, box) => tell(wire, box.inspected()))
  on('GET', /^\/containers\/json$/, (wire, request) => containers.list(wire, request))
  on('POST', /^\/containers\/create$/, (wire, request) => containers.create(wire, request))
  onBox('POST', '/start', (wire, box) => containers.start(wire, box))
  onBox('POST', '/stop', (wire, box, request) => containers.stop(wire, box, request))
  onBox('POST', '/kill', (wire, box, request) => containers.kill(wire, box, request))
  onBox('POST', '/wait', (wire, box) => containers.wait(wire, box))
  onBox('POST', '/pause', (wire, box) => containers.freeze(wire, box, 'pause'))
  onBox('POST', '/unpause', (wire, box) => containers.freeze(wire, box, 'unpause'))
  onBox('POST', '/rename', (wire, box, request) => containers.rename(wire, box, request))
  onBox('POST', '/update', (wire, box, request) => containers.update(wire, box, request))
  onBox('POST', '/resize', (wire, box, request) => resize(wire, box, request))
  onBox('POST', '/attach', (wire, box, request) => attach(wire, request, box))
  onBox('GET', '/logs', (wire, box, request) => logs(wire, request, box))
  onBox('GET', '/stats', (wire, box) => stats(wire, box))
  onBox('GET', '/top', (wire, box) => top(wire, box))
  onBox('DELETE', '', (wire, box, request) => containers.remove(wire, box, request))
  onBox('POST', '/exec', (wire, box, request) => execs.create(wire, request, box))
  on('POST', /^\/exec\/([^/]+)\/start$/, (wire, request, id) => execs.start(wire, request, id))
  on('GET', /^\/exec\/([^/]+)\/json$/, (wire, _, id) => execs.inspect(wire, id))
  on('POST', /^\/exec\/([^/]+)\/resize$/, (wire, request, id) => execs.resize(wire, request, id))
  onImages(on, images)
  return pouchd(daemon, refused, containers)
}

function onImages(on: (method: string, path: RegExp, handle: Handler) => void, images: Images): void {
  on('GET', /^\/images\/(.+)\/json$/, (wire, _, ref) => images.inspect(wire, ref))
  on('GET', /^\/images\/(.+)\/history$/, (wire, _, ref) => images.history(wire, ref))
  on('GET', /^\/images\/json$/, (wire) => images.list(wire))
  on('POST', /^\/images\/(.+)\/tag$/, (wire, request, ref) => images.tag(wire, ref, request))
  on('POST', /^\/images\/load$/, (wire, request) => images.load(wire, request))
  on('DELETE', /^\/images\/(.+)$/, (wire, _, ref) => images.remove(wire, ref))
}

function pouchd(daemon: ScriptedDaemon, refused: readonly string[], { boxes }: Containers): ReplayedPouchd {
  return {
    socketPath: daemon.socketPath,
    refused,
    get containers() {
      return [...boxes.keys()]
    },
    ...closeable(() => daemon.close()),
  }
}
