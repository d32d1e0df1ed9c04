import { MalformedRefError } from '../git/git-errors.ts'
import { readHeadBranch } from '../git/ref-file.ts'
import { RepositoryRefusedError } from '../store-errors.ts'

/** The full name of the branch that the repository's HEAD names. Throws RepositoryRefusedError when it names none. */
export async function findHeadBranch(gitDirectory: string): Promise<string> {
  try {
    return await readHeadBranch(gitDirectory)
  } catch (error) {
    if (!(error instanceof MalformedRefError)) throw error
    throw new RepositoryRefusedError(
      `the HEAD of ${gitDirectory} names no branch. Name the one to serve in SIGNALBOX_BRANCH`,
      { cause: error },
    )
  }
}
