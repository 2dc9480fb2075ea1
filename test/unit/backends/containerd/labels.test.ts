import { describe, expect, it } from 'vitest'
import { ours, withoutOurs } from '../../../../src/backends/containerd/labels.js'
import { firstReferences, furtherReference, sourceLabel } from '../../../../src/backends/host/gc-labels.js'

const digest = (character: string) => `sha256:${character.repeat(64)}` as const
const [a, b, c] = [digest('a'), digest('b'), digest('c')]

describe('labels', () => {
  it("references written with a blob are numbered by kind, as containerd's client does", () => {
    expect(
      firstReferences([
        { kind: 'config', digest: a },
        { kind: 'layer', digest: b },
        { kind: 'layer', digest: c },
        { kind: 'manifest', digest: a },
        { kind: 'snapshot', snapshotter: 'overlayfs', name: 'chain' },
      ]),
    ).toEqual({
      'containerd.io/gc.ref.content.config': a,
      'containerd.io/gc.ref.content.l.0': b,
      'containerd.io/gc.ref.content.l.1': c,
      'containerd.io/gc.ref.content.m.0': a,
      'containerd.io/gc.ref.snapshot.overlayfs': 'chain',
    })
  })
  it('several references of one kind never share a label', () => {
    const references = (['config', 'layer', 'manifest'] as const).flatMap((kind) => [
      { kind, digest: a },
      { kind, digest: b },
    ])
    const snapshots = ['x', 'y'].map((name) => ({ kind: 'snapshot', snapshotter: 's', name }) as const)
    expect(Object.values(firstReferences([...references, ...snapshots]))).toHaveLength(8)
  })
  it('a further reference is named by what it refers to, and not added twice', () => {
    const first = furtherReference({}, { kind: 'layer', digest: a })
    expect(first).toEqual({ [`containerd.io/gc.ref.content.l.${'a'.repeat(64)}`]: a })
    expect(furtherReference(first, { kind: 'layer', digest: a })).toEqual({})
    expect(furtherReference({ 'containerd.io/gc.ref.content.l.7': a }, { kind: 'layer', digest: a })).toEqual({})
  })
  it('a further snapshot leaves the first where it is', () => {
    const snapshot = (name: string) => ({ kind: 'snapshot', snapshotter: 'overlayfs', name }) as const
    expect(furtherReference({}, snapshot('x'))).toEqual({ 'containerd.io/gc.ref.snapshot.overlayfs': 'x' })
    expect(furtherReference({ 'containerd.io/gc.ref.snapshot.overlayfs': 'x' }, snapshot('x'))).toEqual({})
    expect(furtherReference({ 'containerd.io/gc.ref.snapshot.overlayfs': 'x' }, snapshot('y'))).toEqual({
      'containerd.io/gc.ref.snapshot.overlayfs/y': 'y',
    })
  })
  it('a source is remembered by host, without port, and repositories are joined', () => {
    const first = sourceLabel({}, 'registry.example:5000/team/app')
    expect(first).toEqual({ 'containerd.io/distribution.source.registry.example': 'team/app' })
    expect(sourceLabel(first, 'registry.example/team/app')).toEqual({})
    expect(sourceLabel(first, 'registry.example/other')).toEqual({ 'containerd.io/distribution.source.registry.example': 'team/app,other' })
    expect(sourceLabel({}, undefined)).toEqual({})
    expect(sourceLabel({}, `registry.example/${'x'.repeat(4096)}`)).toEqual({})
  })
  it('ours are not shown, and can be asked for', () => {
    expect(withoutOurs({ 'pouch-sdk/root': 'id', 'containerd.io/gc.root': 'now', a: 'b' })).toEqual({ a: 'b' })
    expect(ours('id')).toBe('labels."pouch-sdk/root"=="id"')
  })
})
