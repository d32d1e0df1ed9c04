import { describe, expect, it } from 'vitest'
import { proxyFor } from '../../src/network/proxy.ts'

describe('which proxy is gone through', () => {
  const proxy = 'http://proxy:3128'

  it.each<[url: string, environment: Record<string, string>, expected: string | undefined]>([
    ['http://a.example.com', {}, undefined],
    ['http://a.example.com', { HTTP_PROXY: proxy }, `${proxy}/`],
    ['http://a.example.com', { http_proxy: proxy }, `${proxy}/`],
    ['http://a.example.com', { HTTP_PROXY: 'proxy:3128' }, `${proxy}/`],
    ['http://a.example.com', { HTTPS_PROXY: proxy }, undefined],
    ['https://a.example.com', { HTTPS_PROXY: proxy }, `${proxy}/`],
    ['https://a.example.com', { HTTPS_PROXY: '' }, undefined],
    ['http://localhost:8080', { HTTP_PROXY: proxy }, undefined],
    ['http://127.0.0.2', { HTTP_PROXY: proxy }, undefined],
    ['http://[::1]:8080', { HTTP_PROXY: proxy }, undefined],
    ['http://127.example.com', { HTTP_PROXY: proxy }, `${proxy}/`],
  ])('for %s with %j: %s', (url, environment, expected) => {
    expect(proxyFor(new URL(url), environment)?.href).toBe(expected)
  })

  it.each<[list: string, isNamed: boolean]>([
    ['*', true],
    ['a.example.com', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['x, A.example.com ', true],
    ['a.example.com:443', true],
    ['a.example.com:8443', false],
    ['.a.example.com', false],
    ['ample.com', false],
    ['b.example.com', false],
    ['', false],
    [',', false],
  ])('NO_PROXY=%s', (list, isNamed) => {
    const found = proxyFor(new URL('https://a.example.com'), { HTTPS_PROXY: proxy, no_proxy: list })
    expect(found === undefined).toBe(isNamed)
  })
})

describe('what needs no proxy among addresses', () => {
  it.each<[url: string, list: string, isNamed: boolean]>([
    ['http://10.1.2.3', '10.0.0.0/8', true],
    ['http://11.1.2.3', '10.0.0.0/8', false],
    ['http://10.1.2.3:8080', 'x, 10.1.2.3', true],
    ['http://10.1.2.3:8080', '10.1.2.3:8080', true],
    ['http://10.1.2.3:8080', '10.1.2.3:80', false],
    ['http://[fd00::1]', 'fd00::1', true],
    ['http://[fd00::1]', 'FD00:0::1', true],
    ['http://[fd00::1]', '[fd00::1]', true],
    ['http://[fd00::1]:81', '[fd00::1]:80', false],
    ['http://[fd00::1]', 'fd00::/8', true],
    ['http://[fe00::1]', 'fd00::/8', false],
    ['http://[fd00::1]', '10.0.0.0/8', false],
    // None of these is a network, and none may name everything.
    ['http://10.1.2.3', '10.0.0.0/', false],
    ['http://10.1.2.3', '10.0.0.0/33', false],
    ['http://10.1.2.3', '10.0.0/8', false],
    ['http://10.example.com', '10.0.0.0/8', false],
  ])('%s with NO_PROXY=%s', (url, list, isNamed) => {
    const found = proxyFor(new URL(url), { HTTP_PROXY: 'http://proxy:3128', NO_PROXY: list })
    expect(found === undefined).toBe(isNamed)
  })
})
