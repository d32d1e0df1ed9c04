import { createServedRepository, hasGitHttpBackend, startTestGitHttpServer } from '../support/git-http-server.ts'
import { describeManifestStore } from '../support/manifest-store-contract.ts'
import { createTemporaryFolder } from '../support/real-git.ts'
import { openServedStore } from '../support/served-store.ts'

// git-http-server.ts says it where there is none.
if (hasGitHttpBackend) {
  describeManifestStore('a repository behind git http-backend', { histories: 2 }, async () => {
    const folder = createTemporaryFolder()
    const { url } = await startTestGitHttpServer({ folder })
    createServedRepository(folder)
    return (await openServedStore(`${url}/manifests.git`)).repository
  })
}
