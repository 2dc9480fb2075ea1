// A tree with a file of every kind, made by real programs and packed by GNU tar in each of its formats.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const formats = {
  pax: ['--format=pax', '--xattrs', '--xattrs-include=*', '--sparse', '--sparse-version=1.0'],
  'pax sparse 0.0': ['--format=pax', '--sparse', '--sparse-version=0.0'],
  'pax sparse 0.1': ['--format=pax', '--sparse', '--sparse-version=0.1'],
  gnu: ['--format=gnu'],
  'gnu sparse': ['--format=gnu', '--sparse'],
  oldgnu: ['--format=oldgnu', '--sparse'],
  // No room for long names and large ids.
  ustar: ['--format=ustar', '--exclude=./only-large'],
  v7: ['--format=v7', '--exclude=./only-large', '--exclude=./special'],
} as const

const script = String.raw`
set -e
umask 022
cd "$1"
mkdir -p dir/sub special only-large modes links
printf content >dir/file
: >dir/empty
head -c 70000 /dev/zero | tr '\0' x >dir/blocks
printf a >"modes/set-uid"; chown 1000:1001 modes/set-uid; chmod 4755 modes/set-uid
printf a >"modes/set-gid"; chmod 2755 modes/set-gid
printf a >"modes/none"; chmod 0 modes/none
mkdir -m 1777 modes/sticky; mkdir -m 2775 modes/inherit; mkdir -m 0 modes/closed
printf shared >links/a; ln links/a links/b; ln links/a dir/c
ln -s /absolute/dangling links/absolute; ln -s ../dir/file links/relative; ln -s . links/self
chown -h 12:34 links/absolute
mkfifo special/fifo; mknod special/null c 1 3; mknod special/disk b 7 200; chmod 640 special/disk; chown 5:6 special/fifo
mkdir 'odd'
printf 1 >"odd/$(printf 'caf\303\251')"; printf 1 >"odd/$(printf 'not\377utf\376')"; printf 1 >"odd/new
line"; printf 1 >'odd/-dash'; printf 1 >'odd/back\slash'; printf 1 >'odd/spa ce '; printf 1 >'odd/quo"te'; printf 1 >'odd/a=b%41'
ln -s "$(printf 'to\377bytes')" odd/link
long=$(printf '%0200d' 7)
mkdir -p "only-large/$long/$long"; printf deep >"only-large/$long/$long/$long"
ln -s "$long/$long/$long" only-large/long-link; ln "only-large/$long/$long/$long" only-large/hard
printf id >only-large/ids; chown 3000000:4000000000 only-large/ids
truncate -s 9000000 only-large/sparse; printf here | dd of=only-large/sparse bs=1 seek=4000000 conv=notrunc status=none
truncate -s 300000 only-large/hole
truncate -s 20000000 only-large/many; for at in 1 2 3 4 5 6 7 8 9; do printf x | dd of=only-large/many bs=1 seek=$((at * 2000000)) conv=notrunc status=none; done
touch -d '2200-01-02 03:04:05.987654321 UTC' only-large/late
mkdir xattrs
printf x >xattrs/user; printf x >xattrs/trusted; printf x >xattrs/capable; chown 9:9 xattrs/capable
find . -exec touch -h -d '2001-02-03 04:05:06 UTC' {} +
touch -d '2010-01-02 03:04:05.123456789 UTC' dir/fraction
touch -d '1970-01-01 00:00:01 UTC' dir/old
touch -d '1960-01-01 00:00:00 UTC' only-large/before
setfattr -n user.one -v 'a
b' xattrs/user; setfattr -n user.empty xattrs/user; setfattr -n 'user.a=b%41' -v c xattrs/user
setfattr -n trusted.two -v 0x00ff00 xattrs/trusted
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 xattrs/capable
setfattr -n user.dir -v d xattrs
find . -depth -type d -exec touch -d '2002-03-04 05:06:07.5 UTC' {} +
`

export async function nastyTar(format: keyof typeof formats): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'nasty-'))
  const execute = promisify(execFile)
  try {
    await execute('sh', ['-c', script, 'sh', folder])
    const args = [
      '--create',
      '--file=-',
      '--numeric-owner',
      '--sort=name',
      '--warning=no-file-ignored',
      ...formats[format],
      '-C',
      folder,
      '.',
    ]
    const { stdout } = await execute('tar', args, { encoding: 'buffer', maxBuffer: 256 << 20 })
    return stdout
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
