// What daemons do not refuse by themselves when a tar is unpacked.
import * as z from 'zod/mini'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { FileStat } from '../../../model/container.js'
import type { TarOwner } from '../../../oci/tar-rewrite.js'
import { type HttpContext, unsupported } from '../context.js'
import { path as pathOf } from '../path.js'
import { parse } from '../wire/parse.js'
import { nullish } from '../wire/values.js'

/** `uid[:gid]`; without a group that of the same number, as `chown UID:` has none to look up. */
export function ownerOf(context: HttpContext, owner: string | undefined): TarOwner | undefined {
  if (owner === undefined) return undefined
  const [uid = 0, gid = uid] = owner.split(':').map(Number)
  if (!context.dialect.resources.keepsOwners && (uid !== 0 || gid !== 0))
    throw unsupported(context.name, `"owner" of files other than 0:0: it gives all to root`)
  return { uid, gid }
}

export async function checkWritable(
  context: HttpContext,
  id: string,
  path: string,
  stat: () => Promise<FileStat>,
  options: CallOptions,
): Promise<void> {
  const { makesDirectories, writesReadOnlyRoots } = context.dialect.resources
  if (makesDirectories && (await stat()).type !== 'directory')
    throw new EngineError('failed_precondition', `"${path}" in container "${id}" is not a directory`)
  if (writesReadOnlyRoots && (await isReadOnly(context, id, path, options)))
    throw new EngineError('failed_precondition', `"${path}" in container "${id}" is on a read-only root`)
}

const inspected = z.object({
  HostConfig: nullish(z.object({ ReadonlyRootfs: nullish(z.boolean()) })),
  Mounts: nullish(z.array(z.object({ Destination: z.string() }))),
})
async function isReadOnly({ calls }: HttpContext, id: string, path: string, { signal }: CallOptions): Promise<boolean> {
  const answer = await calls.json('GET', pathOf`/containers/${id}/json`, { subject: { kind: 'container', id }, signal })
  const { HostConfig, Mounts } = parse(inspected, answer, 'GET /containers/{id}/json')
  const isBelow = ({ Destination }: { readonly Destination: string }): boolean => `${path}/`.startsWith(`${Destination}/`)
  return HostConfig?.ReadonlyRootfs === true && !(Mounts ?? []).some(isBelow)
}
