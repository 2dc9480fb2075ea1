// What a killed process leaves where there is no daemon, told by the process table and the files themselves.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { killAnywhere } from '../../setup/kill-anywhere.js'
import { processesLeft } from '../../setup/outside.js'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-kill-'))
})
afterAll(async () => {
  await rm(root, { recursive: true, force: true })
})

killAnywhere({
  room: () => ({ kind: 'local', root, runtime: 'crun' }),
  left: async () => ({
    processes: await processesLeft(root),
    holds: await readdir(join(root, 'storage/holds')),
    states: await readdir(join(root, 'runtimes/state'), { recursive: true }).then((paths) =>
      paths.filter((path) => /[0-9a-f]{64}/.test(path)),
    ),
  }),
  async removeImage(_image, expectWhole) {
    const storage = join(root, 'storage')
    if (expectWhole) {
      // What a killed pull had of a blob was gone on with, not begun anew.
      expect(await readdir(join(storage, 'ingests'))).toEqual([])
      const blobs = join(storage, 'blobs/sha256')
      const names = await readdir(blobs)
      // A manifest, a config and two layers.
      expect(names).toHaveLength(4)
      const { stdout } = await promisify(execFile)('sha256sum', names, { cwd: blobs })
      expect(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split(/\s+/)),
      ).toEqual(names.map((name) => [name, name]))
    }
    await rm(storage, { recursive: true, force: true })
  },
})
