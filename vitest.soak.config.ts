import { defineConfig } from 'vitest/config'

/** `npm run test:soak`: what takes minutes and watches the shipped process from outside. */
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // One after the other: each uses both cores of CI by itself.
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 60_000,
    disableConsoleIntercept: true,
  },
})
