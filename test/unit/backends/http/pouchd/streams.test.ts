// Attachments and logs of pouchd, as they were recorded.
import { describe, expect, it } from 'vitest'
import { collect } from '../../../../../src/conformance/suite.js'
import { readAll } from '../../../../../src/conformance/tasks/subject.js'
import { withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const attach = await recordings('pouchd-1.3.0-attach')
const logs = await recordings('pouchd-1.3.0-logs')
const life = await recordings('pouchd-1.3.0-life')
const id = 'f244130703f78ee68e25e95406100f2133090656f1ffd1e16eca3e14c9939b90'
const cat = '675cca3a1a9f28ffb4facf76f9759e16ad4f79e4f7abcc9de183fb0f8e5fb9d8'
const shell = 'dd586430d948093e6f826af7edd96b322cfe32461605106aa521d269cd922809'
const upgrade = { connection: 'Upgrade', upgrade: 'tcp' }
const both = { stream: '1', stdout: '1', stderr: '1', stdin: '0' }

describe('an attachment', () => {
  it.each(['output, 101', 'output, 200'])(
    'is bytes as they come, without frames and both streams as one, when it is answered as "%s"',
    (answer) =>
      withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
        asks('GET /containers/c1/json', life('inspect running'))
        asks(`POST /containers/${id}/attach`, attach(answer), { query: both, headers: upgrade })
        await using attachment = await streams.attach('c1')
        const lines = (attach(answer).body as string).split('\n')
        for await (const { stream, bytes } of attachment.output) {
          expect([stream, Buffer.from(bytes).toString()]).toEqual(['stdout', lines.join('\n')])
          break
        }
      }),
  )

  it('whose daemon forgets to close it ends when the container has ended, and has been silent', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`POST /containers/${id}/attach`, attach('output, 101'), { query: both })
      await using attachment = await streams.attach('c1')
      asks(`GET /containers/${id}/json`, life('inspect stopped'), { repeats: true })
      expect(await readAll(attachment)).toEqual({ stdout: attach('output, 101').body, stderr: '' })
    }))

  it('takes input to its end, and ends with its container, whose end the daemon tells a moment later', () =>
    withPouchd('1.3.0', async ({ backend: { containers }, expect: asks }) => {
      const ended = attach('inspect stdin, ended')
      const body = ended.body as { readonly State: object }
      const created = { ...ended, body: { ...body, State: (life('inspect created').body as typeof body).State } }
      asks(`GET /containers/${cat}/json`, created)
      asks(`POST /containers/${cat}/attach`, attach('stdin to its end'), { query: { ...both, stdin: '1' }, input: 'ping\npong\n' })
      asks(`POST /containers/${cat}/start`, life('started'))
      const running = { ...ended, body: { ...body, State: (life('inspect running').body as typeof body).State } }
      asks(`GET /containers/${cat}/json`, running, { repeats: true })
      const attachment = await containers.start(cat, { attach: { stdin: true } })
      await attachment?.write(Buffer.from('ping\npong\n'))
      await attachment?.closeStdin()
      asks(`GET /containers/${cat}/json`, ended, { repeats: true })
      expect(await readAll(attachment)).toEqual({ stdout: '', stderr: '' })
    }))

  it('to a terminal is asked for without keys that a user types, and its size is set', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      const ended = attach('inspect terminal, ended')
      const body = ended.body as { readonly State: object }
      const running = { ...ended, body: { ...body, State: (life('inspect running').body as typeof body).State } }
      asks(`GET /containers/${shell}/json`, running, { repeats: true })
      asks(`POST /containers/${shell}/attach`, attach('terminal'), {
        query: { ...both, stdin: '1', detachKeys: 'ctrl-@,ctrl-_,ctrl-^,ctrl-@,ctrl-_,ctrl-^' },
      })
      const attachment = await streams.attach(shell, { stdin: true })
      asks(`POST /containers/${shell}/resize`, attach('resized'), { query: { w: '100', h: '40' } })
      await attachment.resize({ columns: 100, rows: 40 })
      asks(`GET /containers/${shell}/json`, ended, { repeats: true })
      expect((await readAll(attachment)).stdout).toBe(attach('terminal').body)
      asks('GET /containers/c1/json', life('inspect running'))
      await expect(streams.resize('c1', { columns: 80, rows: 25 })).rejects.toMatchObject({ code: 'failed_precondition' })
    }))

  it('of one that has run before is unsupported, since the daemon would close it at once', () =>
    withPouchd('1.3.0', async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/e7/json', life('inspect exited'))
      await expect(containers.start('e7', { attach: { stdin: false } })).rejects.toMatchObject({ code: 'unsupported' })
    }))

  it('of one that is not there, or does not run, is refused before the daemon takes the connection over, which it does for any', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/nope/json', life('absent'))
      await expect(streams.attach('nope')).rejects.toMatchObject({ code: 'not_found' })
      asks('GET /containers/c1/json', life('inspect stopped'))
      await expect(streams.attach('c1')).rejects.toMatchObject({ code: 'failed_precondition' })
    }))
})

describe('a log', () => {
  const all = { follow: '0', timestamps: '1', stdout: '1', stderr: '1', tail: 'all' }

  it('is read from its frames, each line with the time that the daemon gives', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`GET /containers/${id}/logs`, logs('last of stdout, with times'), { query: { ...all, tail: '2' } })
      expect(await collect(streams.logs('c1', { tail: 2 }))).toMatchObject([
        { stream: 'stdout', text: 'out19', time: new Date('2026-11-20T17:12:22.597Z') },
      ])
    }))

  it('is asked for whole where the last lines of one stream are wanted, since the daemon counts those of both', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`GET /containers/${id}/logs`, logs('last of stdout, with times'), { query: { ...all, stderr: '0' } })
      expect((await collect(streams.logs('c1', { tail: 1, streams: ['stdout'] }))).map(({ text }) => text)).toEqual(['out19'])
    }))

  it('without a line has none, though the daemon gives no type, and none is asked for where none is wanted: 0 would be all', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'), { repeats: true })
      asks(`GET /containers/${id}/logs`, logs('nothing'), { query: { ...all, since: '1795194740.000' } })
      expect(await collect(streams.logs('c1', { since: new Date(1_795_194_740_000) }))).toEqual([])
      expect(await collect(streams.logs('c1', { tail: 0 }))).toEqual([])
    }))

  it('of a container that has just ended is read a moment later, when the daemon has written its last lines', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      const ended = Date.now()
      const stopped = life('inspect stopped')
      const body = stopped.body as { readonly State: object }
      asks('GET /containers/c1/json', {
        ...stopped,
        body: { ...body, State: { ...body.State, FinishedAt: new Date(ended).toISOString() } },
      })
      asks(`GET /containers/${id}/logs`, logs('last of stdout, with times'), { query: all })
      expect((await collect(streams.logs('c1'))).length).toBe(1)
      expect(Date.now() - ended).toBeGreaterThanOrEqual(290)
    }))

  it('of a terminal is lines of text', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks(`GET /containers/${shell}/json`, attach('inspect terminal, ended'))
      asks(`GET /containers/${shell}/logs`, logs('terminal'), { query: all })
      const texts = (await collect(streams.logs(shell))).map(({ text }) => text)
      expect([texts.length, texts[3], texts.at(-2)]).toEqual([8, "Enter 'help' for a list of built-in commands.", '40 100'])
    }))

  it('that is followed ends when the container has ended, though the daemon goes on', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`GET /containers/${id}/logs`, logs('followed'), { query: { ...all, follow: '1', tail: '1' } })
      const texts: string[] = []
      for await (const { text } of streams.logs('c1', { follow: true, tail: 1 })) {
        texts.push(text)
        if (texts.length === 5) asks(`GET /containers/${id}/json`, life('inspect stopped'), { repeats: true })
      }
      expect(texts).toEqual(['out20', 'out21', 'out22', 'out23', 'out24'])
    }))

  it('that the driver cannot be read from is unsupported, and one of no container not_found', () =>
    withPouchd('1.3.0', async ({ backend: { streams }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`GET /containers/${id}/logs`, logs('syslog'), { query: all })
      await expect(collect(streams.logs('c1'))).rejects.toMatchObject({ code: 'unsupported' })
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`GET /containers/${id}/logs`, logs('absent'), { query: all })
      await expect(collect(streams.logs('c1'))).rejects.toMatchObject({ code: 'not_found' })
    }))
})
