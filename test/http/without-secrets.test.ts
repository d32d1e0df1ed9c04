import { describe, expect, it } from 'vitest'
import { withoutSecrets } from '../../src/http/without-secrets.ts'

describe('a URL in the log', () => {
  it.each([
    ['/api/locks', '/api/locks'],
    ['/api/locks?author=release-bot&team=a', '/api/locks?author=release-bot&team=a'],
    ['/x?access_token=abc&team=a', '/x?access_token=***&team=a'],
    ['/x?team=a&Authorization=Bearer%20abc', '/x?team=a&Authorization=***'],
    ['/x?%61ccess%5Ftoken=abc', '/x?%61ccess%5Ftoken=***'],
    ['/x?a=1;client-secret=abc;b=2', '/x?a=1;client-secret=***;b=2'],
    ['/x?code=abc&state=def&codec=1', '/x?code=***&state=***&codec=1'],
    ['/x?token=a?b=c', '/x?token=***'],
    ['/x?password=a=b==', '/x?password=***'],
    ['/x?pass=abc&bypass=1&passed=2', '/x?pass=***&bypass=1&passed=2'],
    ['/x?db_pass=abc&bearer=def&Bearer=ghi', '/x?db_pass=***&bearer=***&Bearer=***'],
    ['/x?private_key=abc&privateKey=def&private-key=ghi', '/x?private_key=***&privateKey=***&private-key=***'],
    ['/x?%=1&token', '/x?%=1&token'],
    ['/api/environments/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln', '/api/environments/***'],
    ['/x/eyJhbGciOiJSUzI1NiJ9%2EeyJzdWIiOiJ4In0%2ec2ln', '/x/***'],
    ['/x?y=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln&z=1', '/x?y=***&z=1'],
  ])('has no secret: %s', (url, expected) => {
    expect(withoutSecrets(url)).toBe(expected)
  })
})
