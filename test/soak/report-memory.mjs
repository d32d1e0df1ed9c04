// Loaded into the process with --import: answers every message with the memory that it takes when all garbage is gone.
process.on('message', () => {
  globalThis.gc()
  globalThis.gc()
  process.send(process.memoryUsage())
})
// It ends as it would without.
process.channel.unref()
