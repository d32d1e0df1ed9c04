import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  applicationDirectoryIn,
  argoCdFile,
  parseVersion,
  parseVersionLink,
  releaseDirectory,
  versionLinkTarget,
} from '../../src/core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from '../../src/core/names.ts'

const cart = 'cart' as ApplicationName
const highest = 2n ** 64n - 1n
const versions = fc.bigInt({ min: 0n, max: highest })

describe('paths', () => {
  it('are those of spec 1', () => {
    expect(applicationDirectoryIn('staging' as EnvironmentName, cart)).toBe('environments/staging/applications/cart')
    expect(releaseDirectory(cart, 7n)).toBe('applications/cart/releases/7')
    expect(versionLinkTarget(cart, 7n)).toBe('../../../../applications/cart/releases/7')
    expect(argoCdFile('aa-production-de-1')).toBe('argocd/v1alpha1/aa-production-de-1.yaml')
  })
})

describe('a version', () => {
  it.each([
    ['0', 0n],
    ['1', 1n],
    ['10', 10n],
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', highest],
  ])('%s is one', (name, version) => {
    expect(parseVersion(name)).toBe(version)
  })

  it.each([
    ['18446744073709551616', 'is 2^64'],
    ['99999999999999999999', 'is more than that'],
    ['100000000000000000000', 'has a digit too many'],
    ['01', 'has a leading zero'],
    ['00', 'has a leading zero'],
    ['', 'is empty'],
    ['-1', 'has a sign'],
    ['+1', 'has a sign'],
    ['1.0', 'has a fraction'],
    ['1e3', 'has an exponent'],
    ['0x1', 'is hexadecimal'],
    ['1_000', 'is for people'],
    [' 1', 'has a space'],
    ['1\n', 'has a line break'],
    ['١', 'has other digits'],
    ['latest', 'is a word'],
    ['..', 'leads out'],
  ])('%j is none: it %s', (name) => {
    expect(parseVersion(name)).toBeUndefined()
  })

  it('is read from what it is written as', () => {
    fc.assert(
      fc.property(versions, (version) => {
        expect(parseVersion(String(version))).toBe(version)
      }),
    )
  })
})

describe('a version link', () => {
  const releases = '../../../../applications/cart/releases'

  it.each([
    [`${releases}/7`, 7n],
    [`${releases}/0`, 0n],
    [`${releases}/18446744073709551615`, highest],
    [`${releases}/7/`, 7n],
    [`${releases}/7//`, 7n],
    [`${releases}/7/.`, 7n],
    [`./${releases}/7`, 7n],
    ['../../.././../applications/./cart/releases/7', 7n],
    ['../../../..//applications//cart/releases/7', 7n],
    [`${releases}/./7`, 7n],
    [`${releases}//7`, 7n],
  ])('%s leads to a release of the application', (target, version) => {
    expect(parseVersionLink(cart, target)).toBe(version)
  })

  it.each([
    ['', 'is empty'],
    ['7', 'leads nowhere'],
    ['../7', 'leads nowhere'],
    ['/applications/cart/releases/7', 'is absolute'],
    ['/../../../../applications/cart/releases/7', 'is absolute'],
    ['applications/cart/releases/7', 'leads nowhere'],
    ['../../../applications/cart/releases/7', 'has one step too few'],
    ['../../../../../applications/cart/releases/7', 'has one step too many'],
    ['../../../../applications/web/releases/7', 'leads to another application'],
    ['../../../../applications/cart-2/releases/7', 'leads to another application'],
    ['../../../../applications/cart', 'leads to the application'],
    [releases, 'leads to all releases'],
    [`${releases}/`, 'leads to all releases'],
    [`${releases}/.`, 'leads to all releases'],
    [`${releases}/..`, 'leads to the application'],
    [`${releases}/../../web/releases/7`, 'leads to another application'],
    [`${releases}/7/../../../web/releases/7`, 'leads to another application'],
    [`${releases}/7/..`, 'leads to all releases'],
    [`${releases}/7/environments`, 'leads into a release'],
    [`${releases}/7/team`, 'leads into a release'],
    ['../../../../applications/cart/7', 'leaves out the releases'],
    ['../../../../environments/staging/applications/cart/version', 'leads to another link'],
    [`${releases}/18446744073709551616`, 'names 2^64'],
    [`${releases}/07`, 'has a leading zero'],
    [`${releases}/-7`, 'has a sign'],
    [`${releases}/latest`, 'names no version'],
    [`${releases}/7\n`, 'ends with a line break'],
    [`${releases}/7 `, 'ends with a space'],
    [`${releases.replaceAll('/', '\\')}\\7`, 'has the wrong slashes'],
    ['../../../../Applications/cart/releases/7', 'has a capital'],
  ])('%j is none: it %s', (target) => {
    expect(parseVersionLink(cart, target)).toBeUndefined()
  })

  it('is read from what it is written as, by its own application only', () => {
    fc.assert(
      fc.property(versions, (version) => {
        const target = versionLinkTarget(cart, version)
        expect(parseVersionLink(cart, target)).toBe(version)
        expect(parseVersionLink('car' as ApplicationName, target)).toBeUndefined()
      }),
    )
  })
})
