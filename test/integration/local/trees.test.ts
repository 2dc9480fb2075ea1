// What our unpacking makes of a layer, against real containerd's: the same tree, entry by entry.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openChannel } from '../../../src/backends/containerd/channel.js'
import { openStorage } from '../../../src/backends/containerd/storage/storage.js'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import type { Storage } from '../../../src/ports/engine/storage.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { newTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'
import { nastyTar } from '../../setup/nasty-layers.js'
import { tar, type TarEntry } from '../../setup/tar.js'
import { type ListedEntry, listTree } from '../../setup/tree-listing.js'
import { unpackAll } from '../../setup/unpack.js'

let daemon: TestContainerd
let scratch: string
beforeAll(async () => {
  daemon = await startTestContainerd()
  scratch = await mkdtemp(join(tmpdir(), 'pouch-sdk-trees-'))
})
afterAll(async () => {
  await daemon.close()
  await rm(scratch, { recursive: true, force: true })
})

type Tree = Record<string, ListedEntry>
async function treeIn(storage: Storage, layers: readonly Uint8Array[]): Promise<Tree> {
  await using held = await storage.hold()
  const top = await unpackAll(held, layers)
  await using mounted = await mountTree(await held.snapshotter().view(`look ${randomUUID()}`, top))
  return await listTree(mounted.root)
}
async function containerdTree(layers: readonly Uint8Array[]): Promise<Tree> {
  await using channel = await openChannel({ address: daemon.address, namespace: `trees-${randomUUID()}` })
  await using locks = await openFileLocks(join(scratch, 'locks', randomUUID()))
  return await treeIn(await openStorage({ channel, rootId: randomUUID(), locks }), layers)
}
async function ourTree(layers: readonly Uint8Array[], snapshotter: 'overlayfs' | 'native' = 'overlayfs'): Promise<Tree> {
  await using opened = await newTestStorage({ snapshotter })
  return await treeIn(opened.storage, layers)
}
/** Times of what no entry of an archive tells are the moments of unpacking. */
function without(tree: Tree, paths: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).map(([path, entry]) => [path, paths.includes(path) ? { ...entry, mtimeNs: '' } : entry]))
}

describe('a layer of every kind of file', () => {
  for (const format of ['pax', 'pax sparse 0.0', 'pax sparse 0.1', 'gnu', 'ustar', 'v7'] as const) {
    it(`in ${format} unpacks to the tree that containerd makes of it`, async () => {
      const layer = await nastyTar(format)
      const theirs = without(await containerdTree([layer]), ['.'])
      expect(Object.keys(theirs).length).toBeGreaterThan(25)
      expect(without(await ourTree([layer]), ['.'])).toEqual(theirs)
      expect(without(await ourTree([layer], 'native'), ['.'])).toEqual(theirs)
    })
  }
})

it('sparse files in the formats of GNU, which containerd refuses, unpack to what they are in one without', async () => {
  const whole = without(await ourTree([await nastyTar('gnu')]), ['.'])
  for (const format of ['gnu sparse', 'oldgnu'] as const) {
    const layer = await nastyTar(format)
    await expect(containerdTree([layer])).rejects.toThrow('unhandled tar header')
    expect(without(await ourTree([layer]), ['.'])).toEqual(whole)
  }
})

const dir = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({ name: `${name}/`, mtime: 1_000_000_000, ...more })
const file = (name: string, body: string, more: Partial<TarEntry> = {}): TarEntry => ({ name, body, mtime: 1_000_000_001, ...more })
/** With the attributes of what it is linked to, as every program writes it: containerd gives the file those of its last link. */
const link = (name: string, linkName: string, mtime = 1_000_000_001): TarEntry => ({ name, type: 'link', linkName, mtime })
const symlink = (name: string, linkName: string): TarEntry => ({ name, type: 'symlink', linkName, mode: 0o777, mtime: 1_000_000_002 })

interface Stack {
  readonly title: string
  readonly layers: readonly (readonly TarEntry[])[]
  /** Whose times nobody tells. */
  readonly untimed?: readonly string[]
}
const lower = [
  dir('a', { mode: 0o2750, uid: 1000, gid: 1001 }),
  file('a/1', 'one'),
  file('a/2', 'two'),
  dir('a/deep', { uid: 7 }),
  file('a/deep/x', 'x'),
  file('f', 'file'),
  dir('d'),
  file('d/in', 'in'),
  symlink('s', 'a'),
  file('h1', 'linked'),
  link('h2', 'h1'),
]
const stacks: readonly Stack[] = [
  {
    title: 'a file becomes a directory, and a directory a file',
    layers: [lower, [dir('f'), file('f/new', 'new'), file('d', 'now a file'), file('s', 'was a link')]],
  },
  { title: 'a directory becomes a symbolic link', layers: [lower, [symlink('d', 'a'), file('a/3', 'three')]], untimed: ['a'] },
  {
    title: 'within one layer each kind replaces each',
    layers: [
      [
        dir('x'),
        file('x/y', '1'),
        file('x', '2'),
        file('z', '1'),
        dir('z'),
        file('z/in', '2'),
        symlink('l', 'z'),
        dir('l'),
        file('p', 'a'),
        symlink('p', 'z'),
        file('q', '1'),
        file('q', '22'),
      ],
    ],
    // containerd gives it the time of the directory that was there before.
    untimed: ['x'],
  },
  {
    title: 'whiteouts and opaque directories hide what is below',
    layers: [
      lower,
      [
        { name: 'a/.wh.1' },
        dir('a/deep'),
        { name: 'a/deep/.wh..wh..opq' },
        file('a/deep/y', 'y'),
        { name: '.wh.d' },
        { name: '.wh.absent' },
      ],
    ],
    untimed: ['a', 'a/deep'],
  },
  {
    title: 'directories that are only implied have the attributes that they have below',
    layers: [lower, [file('a/deep/new', 'new'), file('not/there/yet', 'new')]],
    untimed: ['a', 'a/deep', 'not', 'not/there'],
  },
  {
    title: 'symbolic links in a path lead to where they lead within the root',
    layers: [
      [dir('real'), symlink('to', '/real'), symlink('up', '../../real'), file('to/1', '1'), file('up/2', '2'), symlink('loop', 'loop')],
    ],
  },
  {
    title: 'names climb no higher than the root',
    layers: [[file('../../up', 'up'), file('/abs', 'abs'), file('x/../../y', 'y'), dir('./dot/.')]],
  },
  {
    title: 'a hard link follows the file that it was made to',
    layers: [[file('one', '1'), link('two', 'one'), file('one', 'new'), symlink('sym', 'one'), link('hard-to-sym', 'sym', 1_000_000_002)]],
  },
  {
    title: 'attributes of a directory come last, whenever it is written into',
    layers: [
      [dir('a', { mode: 0o500, mtime: 5 }), file('a/1', '1'), dir('b'), file('a/2', '2'), dir('a', { mode: 0o711, mtime: 9, uid: 3 })],
    ],
  },
]

describe('layers over layers', () => {
  for (const { title, layers, untimed = [] } of stacks) {
    it(`${title}, as in containerd`, async () => {
      const tars = layers.map((entries) => tar(entries))
      const theirs = without(await containerdTree(tars), ['.', ...untimed])
      expect(without(await ourTree(tars), ['.', ...untimed])).toEqual(theirs)
      expect(without(await ourTree(tars, 'native'), ['.', ...untimed])).toEqual(theirs)
    })
  }
})
