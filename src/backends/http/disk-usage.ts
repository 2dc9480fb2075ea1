import type { CallOptions } from '../../model/common.js'
import type { DiskUsage } from '../../model/system.js'
import { type HttpContext, unsupported } from './context.js'

export async function diskUsage(context: HttpContext, _options?: CallOptions): Promise<DiskUsage> {
  throw unsupported(context.name, '"disk_usage" yet')
}
