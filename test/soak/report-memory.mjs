import { getHeapCodeStatistics } from 'node:v8'

// Loaded into the process with --import: answers every message with the memory that it takes when all garbage is gone.
process.on('message', () => {
  globalThis.gc()
  globalThis.gc()
  const { code_and_metadata_size, bytecode_and_metadata_size } = getHeapCodeStatistics()
  process.send({ ...process.memoryUsage(), code: code_and_metadata_size + bytecode_and_metadata_size })
})
// It ends as it would without.
process.channel.unref()
