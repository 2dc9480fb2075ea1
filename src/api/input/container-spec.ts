// The schema of what `create` and `run` are asked for.
import { isIP } from 'node:net'
import * as z from 'zod/mini'
import type {
  ContainerSettings,
  ContainerSpec,
  DeviceRequest,
  HealthSpec,
  NetworkMode,
  OciHook,
  OciHooks,
  RestartPolicy,
  RichSpec,
  SecuritySpec,
} from '../../model/container-spec.js'
import type { ContainerChange } from '../../model/container.js'
import type { RuntimeRef } from '../../model/process.js'
import type { BindMount, TmpfsMount, VolumeMount } from '../../model/volume.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import {
  absolutePath,
  bytes,
  changedEnv,
  changedLabels,
  count,
  driverOptions,
  env,
  flag,
  hostName,
  ip,
  isHostName,
  json,
  labels,
  matching,
  milliseconds,
  name,
  names,
  oneOf,
  permissions,
  platform,
  positive,
  signalName,
  strict,
  text,
  texts,
  user,
  word,
} from './fields.js'
import { networkAttachment, portRequest } from './network.js'
import { changedLimits, limits } from './resources.js'

const mount: Schema<VolumeMount | BindMount | TmpfsMount> = once(() =>
  oneOf<VolumeMount | BindMount | TmpfsMount>(
    'type',
    [
      strict<VolumeMount>({
        type: z.literal('volume'),
        source: name(),
        target: absolutePath(),
        readOnly: z.optional(flag()),
        subPath: z.optional(
          matching(
            (value) => value !== '' && !value.startsWith('/') && !value.split('/').includes('..'),
            'must be a path within the volume',
          ),
        ),
        noCopy: z.optional(flag()),
      }),
      strict<BindMount>({
        type: z.literal('bind'),
        source: absolutePath(),
        target: absolutePath(),
        readOnly: z.optional(flag()),
        createSource: z.optional(flag()),
        propagation: z.optional(z.enum(['private', 'slave', 'shared'])),
      }),
      strict<TmpfsMount>({
        type: z.literal('tmpfs'),
        target: absolutePath(),
        sizeBytes: z.optional(bytes()),
        mode: z.optional(permissions()),
      }),
    ],
    'must be "volume", "bind" or "tmpfs"',
  ),
)

const device: Schema<string | DeviceRequest> = once(() =>
  z.union(
    [
      absolutePath(),
      strict<DeviceRequest>({
        hostPath: absolutePath(),
        path: z.optional(absolutePath()),
        access: z.optional(matching((value) => /^[rwm]{1,3}$/.test(value), 'must be any of r, w and m')),
      }),
    ],
    'must be a path or an object with "hostPath"',
  ),
)

const otherContainer: Schema<{ readonly container: string }> = once(() => strict<{ readonly container: string }>({ container: word() }))
const networkMode: Schema<NetworkMode> = once(() =>
  z.union(
    [z.enum(['none', 'host']), otherContainer(), strict<{ readonly netns: string }>({ netns: absolutePath() })],
    'must be "none", "host", { container } or { netns }',
  ),
)

const security: Schema<SecuritySpec> = once(() =>
  strict<SecuritySpec>({
    privileged: z.optional(flag()),
    capAdd: z.optional(names()),
    capDrop: z.optional(names()),
    readOnlyRoot: z.optional(flag()),
    noNewPrivileges: z.optional(flag()),
    seccomp: z.optional(
      z.union(
        [z.enum(['default', 'unconfined']), strict<{ readonly profile: string }>({ profile: z.string() })],
        'must be "default", "unconfined" or { profile } with its JSON text',
      ),
    ),
    apparmor: z.optional(word()),
    selinuxLabel: z.optional(word()),
    maskedPaths: z.optional(z.array(absolutePath())),
    readOnlyPaths: z.optional(z.array(absolutePath())),
  }),
)

export const restartPolicy: Schema<RestartPolicy> = once(() =>
  oneOf<RestartPolicy>(
    'policy',
    [
      strict<{ readonly policy: 'no' | 'always' | 'unless-stopped' }>({ policy: z.enum(['no', 'always', 'unless-stopped']) }),
      strict<Extract<RestartPolicy, { readonly policy: 'on-failure' }>>({
        policy: z.literal('on-failure'),
        maxRetries: z.optional(count()),
      }),
    ],
    'must be { policy } with "no", "always", "unless-stopped" or "on-failure"',
  ),
)

const health: Schema<HealthSpec> = once(() =>
  strict<HealthSpec>({
    command: texts(),
    intervalMs: z.optional(positive()),
    timeoutMs: z.optional(positive()),
    startPeriodMs: z.optional(milliseconds()),
    retries: z.optional(positive()),
  }),
)
const rich: Schema<RichSpec> = once(() =>
  strict<RichSpec>({ mode: z.enum(['dumb-init', 'tini', 'sbin-init', 'systemd']), initScript: z.optional(text()) }),
)

const hookList: Schema<readonly OciHook[] | undefined> = once(() =>
  z.optional(
    z.array(
      strict<OciHook>({
        path: absolutePath(),
        args: z.optional(texts()),
        env: z.optional(env()),
        timeoutMs: z.optional(positive()),
      }),
    ),
  ),
)
const hooks: Schema<OciHooks> = once(() =>
  strict<OciHooks>({
    createRuntime: hookList(),
    createContainer: hookList(),
    startContainer: hookList(),
    poststart: hookList(),
    poststop: hookList(),
  }),
)
const runtime: Schema<RuntimeRef> = once(() => strict<RuntimeRef>({ name: word(), options: z.optional(json()) }))
const diskQuota: Schema<NonNullable<ContainerSettings['diskQuota']>> = once(() => z.record(absolutePath(), bytes()))
const extraHosts: Schema<NonNullable<ContainerSettings['extraHosts']>> = once(() =>
  z.record(
    hostName(),
    matching((value) => value === 'host-gateway' || isIP(value) !== 0, 'must be an IP address or "host-gateway"'),
  ),
)

/** Every field of the spec, image and directory side by side. */
type Fields = ContainerSettings & { readonly image?: string | undefined; readonly rootfs?: string | undefined }

export const containerSpec: Schema<ContainerSpec> = once(
  () =>
    strict<Fields>({
      image: z.optional(word()),
      rootfs: z.optional(absolutePath()),
      name: z.optional(name()),
      id: z.optional(matching((value) => /^[0-9a-f]{64}$/.test(value), 'must be 64 hexadecimal digits in lower case')),
      pull: z.optional(z.enum(['missing', 'always', 'never'])),
      platform: z.optional(platform()),
      lifetime: z.optional(z.enum(['owned', 'detached'])),
      entrypoint: z.optional(texts()),
      command: z.optional(texts()),
      env: z.optional(env()),
      workingDir: z.optional(text()),
      user: z.optional(user()),
      groups: z.optional(names()),
      tty: z.optional(flag()),
      stdin: z.optional(flag()),
      init: z.optional(flag()),
      stopSignal: z.optional(signalName()),
      stopGraceMs: z.optional(milliseconds()),
      labels: z.optional(labels()),
      annotations: z.optional(labels()),
      hostname: z.optional(hostName().check(z.refine((value) => value.length <= 63, 'must have at most 63 characters'))),
      networks: z.optional(z.array(networkAttachment())),
      networkMode: z.optional(networkMode()),
      ports: z.optional(z.array(portRequest())),
      extraHosts: z.optional(extraHosts()),
      dns: z.optional(z.array(ip())),
      dnsSearch: z.optional(z.array(matching((value) => value === '.' || isHostName(value), 'must be a domain or "."'))),
      mounts: z.optional(z.array(mount())),
      devices: z.optional(z.array(device())),
      shmBytes: z.optional(bytes()),
      diskQuota: z.optional(diskQuota()),
      lxcfs: z.optional(flag()),
      resources: z.optional(limits()),
      cgroupParent: z.optional(absolutePath()),
      sysctls: z.optional(labels()),
      security: z.optional(security()),
      pidMode: z.optional(z.union([z.enum(['private', 'host']), otherContainer()], 'must be "private", "host" or { container }')),
      ipcMode: z.optional(
        z.union(
          [z.enum(['private', 'shareable', 'host', 'none']), otherContainer()],
          'must be "private", "shareable", "host", "none" or { container }',
        ),
      ),
      restart: z.optional(restartPolicy()),
      health: z.optional(health()),
      runtime: z.optional(runtime()),
      log: z.optional(strict<NonNullable<ContainerSettings['log']>>({ driver: word(), options: z.optional(driverOptions()) })),
      rich: z.optional(rich()),
      hooks: z.optional(hooks()),
    }).check(
      z.refine((spec) => (spec.image === undefined) !== (spec.rootfs === undefined), 'must have either "image" or "rootfs"'),
      z.refine((spec) => spec.networkMode === undefined || (spec.networks ?? []).length === 0, {
        path: ['networkMode'],
        error: 'excludes "networks"',
      }),
    ) as unknown as z.ZodMiniType<ContainerSpec>,
)

export const containerChange: Schema<ContainerChange> = once(() =>
  strict<ContainerChange>({
    resources: z.optional(changedLimits()),
    restart: z.optional(restartPolicy()),
    labels: z.optional(changedLabels()),
    env: z.optional(changedEnv()),
    diskQuota: z.optional(diskQuota()),
  }),
)
