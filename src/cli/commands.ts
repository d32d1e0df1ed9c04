import type { Command } from './command.ts'
import { aboutCommands } from './commands/about.ts'
import { canI } from './commands/can-i.ts'
import { deploy, getCommitDeployments, getDeploymentCommit, history } from './commands/deployments.ts'
import { deleteEnvironment, status } from './commands/environments.ts'
import { lockCommands, locks } from './commands/locks.ts'
import { login, logout } from './commands/login.ts'
import { prognosis, releaseTrain } from './commands/release-train.ts'
import { release } from './commands/release.ts'

/** The one table of all commands: parsing, help and completion come from it. */
export const commands: readonly Command[] = [
  prognosis,
  releaseTrain,
  release,
  deploy,
  status,
  history,
  locks,
  ...lockCommands,
  getCommitDeployments,
  getDeploymentCommit,
  deleteEnvironment,
  canI,
  login,
  logout,
  ...aboutCommands(() => commands),
]
