// The package as users get it: packed, and installed into a folder of its own.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture } from './process.mjs'

/** dist/ must be built. Resolves with the path of the tarball. */
export async function pack(folder) {
  const { stdout } = await capture(['npm', 'pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', folder])
  return join(folder, JSON.parse(stdout)[0].filename)
}

/** Installs it with its production dependencies below a temporary folder; `dispose` removes that. */
export async function installTarball() {
  const folder = await mkdtemp(join(tmpdir(), 'pouch-sdk-package-'))
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    const tarball = await pack(folder)
    const project = join(folder, 'project')
    await mkdir(project)
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
    await capture(['npm', 'install', tarball, '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: project,
    })
    return { project, tarball, dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
