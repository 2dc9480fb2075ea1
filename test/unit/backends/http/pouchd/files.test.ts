// Files of containers on pouchd, as they were recorded.
import { expect, it } from 'vitest'
import { tarOf } from '../../../../../src/conformance/backend-suite-files.js'
import { collect } from '../../../../../src/conformance/suite.js'
import { type PouchdReplay, withPouchd } from '../../../../setup/pouchd.js'
import { type Recorded, recordings } from '../../../../setup/replay.js'

const archive = await recordings('pouchd-1.3.0-archive')
const symlinkMode = 2 ** 27 + 0o777
const directory: Recorded = { ...archive('stat /etc/passwd'), headers: statHeader(archive('/etc')) }

function statHeader({ headers }: Recorded): Recorded['headers'] {
  return { 'X-Docker-Container-Path-Stat': headers['X-Docker-Container-Path-Stat'] ?? '' }
}
/** The recorded answer with another mode: a link, of which the daemon tells no more. */
function asLink(recorded: Recorded): Recorded {
  const header = Buffer.from(recorded.headers['X-Docker-Container-Path-Stat'] ?? '', 'base64').toString()
  const link = JSON.stringify({ ...(JSON.parse(header) as object), mode: symlinkMode })
  return { ...recorded, headers: { ...recorded.headers, 'X-Docker-Container-Path-Stat': Buffer.from(link).toString('base64') } }
}
/** Each step of a path is looked at, since the daemon would follow links on its own host. */
function looks({ expect: asks }: PouchdReplay, ...steps: readonly (readonly [path: string, recorded: Recorded])[]): void {
  for (const [path, recorded] of steps) asks('HEAD /containers/ex/archive', recorded, { query: { path } })
}
const passwd = [
  ['/etc', directory],
  ['/etc/passwd', archive('stat /etc/passwd')],
] as const

it('a path is told by a header, whose keys and size are written otherwise than by Docker', () =>
  withPouchd('1.3.0', async (daemon) => {
    looks(daemon, ['/etc', directory], ['/etc/passwd', archive('stat /etc/passwd')])
    expect(await daemon.backend.files.stat('ex', '/etc/passwd')).toEqual({
      name: 'passwd',
      type: 'file',
      sizeBytes: 71,
      mode: 0o644,
      modifiedAt: new Date('2017-07-14T02:40:00Z'),
    })
    looks(daemon, ['/etc', directory])
    expect(await daemon.backend.files.stat('ex', '/etc')).toMatchObject({ name: 'etc', type: 'directory', mode: 0o755 })
  }))

it('what is not there is not_found, which a 500 says to GET only, and so is a container', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    looks(daemon, ['/nope', archive('stat of what is absent')])
    asks('GET /containers/ex/archive', archive('absent'), { query: { path: '/nope' } })
    await expect(backend.files.stat('ex', '/nope')).rejects.toMatchObject({ code: 'not_found' })
    asks('HEAD /containers/nope/archive', { ...archive('no container'), framing: 'none' }, { query: { path: '/etc' } })
    asks('GET /containers/nope/archive', archive('no container'), { query: { path: '/etc' } })
    await expect(backend.files.stat('nope', '/etc')).rejects.toMatchObject({ code: 'not_found' })
  }))

it('a file is read as the tar that the daemon gives, to its end', () =>
  withPouchd('1.3.0', async (daemon) => {
    looks(daemon, ...passwd)
    daemon.expect('GET /containers/ex/archive', archive('/etc/passwd'), { query: { path: '/etc/passwd' } })
    const tar = Buffer.concat(await collect(daemon.backend.files.read('ex', '/etc/passwd')))
    expect([tar.length, tar.subarray(0, 6).toString()]).toEqual([2_048, 'passwd'])
  }))

it('a link is followed from here, inside, and never by the daemon', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    looks(daemon, ['/tmp', directory], ['/tmp/up', asLink(archive('stat /etc/passwd'))])
    const link = Buffer.concat(await collect(tarOf([{ name: 'up', type: 'symlink', linkname: '../../../etc/passwd' }])))
    const { headers } = asLink(archive('/etc/passwd'))
    asks(
      'GET /containers/ex/archive',
      { ...archive('/etc/passwd'), headers, bodyBase64: link.toString('base64') },
      { query: { path: '/tmp/up' } },
    )
    looks(daemon, ...passwd)
    asks('GET /containers/ex/archive', archive('/etc/passwd'), { query: { path: '/etc/passwd' } })
    const tar = Buffer.concat(await collect(backend.files.read('ex', '/tmp/up')))
    expect(tar.subarray(0, 6).toString()).toBe('passwd')
  }))

it('a tar is written as one, and what it may not be written over is failed_precondition', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const write = { query: { path: '/etc', noOverwriteDirNonDir: '1' }, headers: { 'content-type': 'application/x-tar' } }
    const body = (bytes: Buffer): void => {
      expect(bytes.subarray(0, 5).toString()).toBe('hello')
    }
    looks(daemon, ['/etc', directory])
    asks('PUT /containers/ex/archive', archive('written'), { ...write, body })
    await backend.files.write('ex', '/etc', tarOf([{ name: 'hello' }, 'hi\n']))
    looks(daemon, ['/etc', directory])
    asks('PUT /containers/ex/archive', archive('write to a file'), { ...write, body })
    await expect(backend.files.write('ex', '/etc', tarOf([{ name: 'hello' }, 'hi\n']))).rejects.toMatchObject({
      code: 'failed_precondition',
    })
    looks(daemon, ['/etc', directory])
    asks('PUT /containers/ex/archive', archive('write to what is absent'), { ...write, body })
    await expect(backend.files.write('ex', '/etc', tarOf([{ name: 'hello' }, 'hi\n']))).rejects.toMatchObject({ code: 'not_found' })
    looks(daemon, ['/etc', directory])
    asks('PUT /containers/ex/archive', archive('no tar'), { ...write, body })
    await expect(backend.files.write('ex', '/etc', tarOf([{ name: 'hello' }, 'hi\n']))).rejects.toMatchObject({ code: 'invalid_argument' })
  }))
