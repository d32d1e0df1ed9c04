import { describe } from 'vitest'
import { dexProgram, startDex } from '../support/dex.ts'
import { itWorksWith } from './issuer-suite.ts'

if (!dexProgram) process.stdout.write('DEX_BIN names no Dex: nothing is tried with one.\n')

describe.skipIf(!dexProgram)('Signalbox and a real Dex', () => {
  itWorksWith(startDex)
})
