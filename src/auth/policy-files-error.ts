/** The files, when they are read for the first time and cannot be used. One sentence for each problem. */
export class PolicyFilesError extends Error {
  override readonly name = 'PolicyFilesError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}
