import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/generate-protobuf.mjs', import.meta.url))
const checkedIn = fileURLToPath(new URL('../../src/protobuf/generated/', import.meta.url))

function contentsOf(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

describe('what is generated from proto/', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-generated-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is what is checked in: run `npm run generate` when this fails', () => {
    execFileSync(process.execPath, [script, folder])

    expect(contentsOf(checkedIn)).toEqual(contentsOf(folder))
  })
})
