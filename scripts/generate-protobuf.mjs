// Writes what proto/ says as a TypeScript module: `node scripts/generate-protobuf.mjs [folder]`.
//
// A descriptor instead of generated classes: reflection and ProtoJSON work on it, tsc checks and emits it like any
// other module, and it keeps the comments, from which the OpenAPI document takes its descriptions. pbjs drops those,
// so its library is used directly. Plain JavaScript, because Node 20 runs no TypeScript.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const repository = dirname(dirname(fileURLToPath(import.meta.url)))
const protoFolder = join(repository, 'proto')
const outputFolder = resolve(process.argv[2] ?? join(repository, 'src/protobuf/generated'))

const files = readdirSync(protoFolder, { recursive: true })
  .map((file) => file.replaceAll(sep, '/'))
  .filter((file) => file.endsWith('.proto'))
  .toSorted((a, b) => (a < b ? -1 : 1))

const root = new protobuf.Root()
root.resolvePath = (_origin, file) => join(protoFolder, file)
// The alternate mode is the one that sees `//` comments.
root.loadSync(files, { alternateCommentMode: true }).resolveAll()

const descriptor = JSON.stringify(
  root.toJSON({ keepComments: true }),
  (_key, value) => (value === null ? undefined : value),
  2,
)

mkdirSync(outputFolder, { recursive: true })
writeFileSync(
  join(outputFolder, 'descriptor.ts'),
  `// Generated from proto/ by \`npm run generate\`. Do not edit.

export const descriptor = ${descriptor}
`,
)
