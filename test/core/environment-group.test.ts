import { describe, expect, it } from 'vitest'
import {
  environmentsByName,
  explicitMembersOf,
  groupNameOf,
  groupWarnings,
  listEnvironmentGroups,
} from '../../src/core/environment-group.ts'
import type { EnvironmentName } from '../../src/core/names.ts'
import { aSnapshot } from '../support/snapshot-builder.ts'

const snapshot = aSnapshot()
  .environment('production-fr', { group: 'production' })
  .environment('staging')
  .environment('zeta', { unreadable: { config: 'config.json is not JSON' } })
  .environment('production-de', { group: 'production' })
  .environment('a-b')
  .environment('edge', { group: 'edge' })
  .environment('alpha', { unreadable: { config: 'config.json is a link', locks: 'a file in the way' } })
  .environment('ab')
  .environment('broken', { group: 'production', unreadable: { locks: 'a file in the way' } })
  .build()

describe('the group of an environment', () => {
  it.each([
    ['is the one that its config names', 'production-de', 'production'],
    ['is known whatever else cannot be read', 'broken', 'production'],
    ['is the environment itself when none is named', 'staging', 'staging'],
    ['may have the name of the environment', 'edge', 'edge'],
    ['is unknown when the config cannot be read', 'zeta', undefined],
  ])('%s', (_, name, group) => {
    const environment = snapshot.environments.get(name as EnvironmentName)
    expect(environment && groupNameOf(environment)).toBe(group)
  })
})

describe('the list of groups', () => {
  it('has every environment whose group is known once, all sorted by name', () => {
    const groups = listEnvironmentGroups(snapshot)
    expect(groups.map(({ name, environments }) => [name, environments.map((environment) => environment.name)])).toEqual(
      [
        ['a-b', ['a-b']],
        ['ab', ['ab']],
        ['edge', ['edge']],
        ['production', ['broken', 'production-de', 'production-fr']],
        ['staging', ['staging']],
      ],
    )
  })

  it('is empty without environments', () => {
    expect(listEnvironmentGroups(aSnapshot().build())).toEqual([])
  })
})

describe('the explicit members of a group', () => {
  it.each([
    ['production', ['broken', 'production-de', 'production-fr']],
    ['edge', ['edge']],
    ['staging', []],
    ['zeta', []],
    ['moon', []],
  ])('%s: %j', (group, expected) => {
    expect(explicitMembersOf(snapshot, group).map(({ name }) => name)).toEqual(expected)
  })
})

describe('warnings about groups', () => {
  it('name each environment whose group cannot be known, and why, sorted by name', () => {
    expect(groupWarnings(snapshot)).toEqual([
      "the group of environment 'alpha' cannot be known: config.json is a link",
      "the group of environment 'zeta' cannot be known: config.json is not JSON",
    ])
  })
})

describe('environments by name', () => {
  it('are sorted by code unit, the same in every locale', () => {
    const names = ['ab', 'a-b', 'B', 'a', 'ä', 'a1', 'Z']
    const unsorted = names.reduce((builder, name) => builder.environment(name), aSnapshot()).build()
    expect(environmentsByName(unsorted).map(({ name }) => name)).toEqual(['B', 'Z', 'a', 'a-b', 'a1', 'ab', 'ä'])
  })
})
